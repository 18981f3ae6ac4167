import { formatDuration } from '../duration.ts';
import { matchersOf, selectorText, seriesOf, type SloSet } from './model.ts';

const RUNBOOK = 'docs/runbooks/service-slo.md';

/**
 * What burn rates cannot say of other services: that a series which was there within a day is gone, and that
 * a budget is spent. A series that never was there says nothing: the file may be ahead of the service.
 */
export function serviceAlerts({ slos }: SloSet): readonly string[] {
  const watched = slos.filter(({ tell_absent }) => tell_absent);
  const gone = watched.map((slo) => {
    const series = selectorText(seriesOf(slo));
    const was = `group(last_over_time(${series}[1d])) unless group(${series})`;
    return `label_replace(label_replace(${was}, "service", "${slo.service}", "", ""), "slo", "${slo.slo}", "", "")`;
  });
  const periods = [...Map.groupBy(slos, ({ period_ms }) => period_ms)].map(([period_ms, some]) => {
    const left = `service:slo_budget_remaining:ratio${formatDuration(period_ms)}`;
    return `${left}{${matchersOf(some, false)}} < 0`;
  });
  return [
    ...(gone.length === 0
      ? []
      : [
          `  - alert: ServiceSLOMetricAbsent
    expr: |
      ${gone.join('\n      or ')}
    for: 10m
    labels: {severity: ticket}
    annotations: {summary: 'the series of {{ $labels.service }} {{ $labels.slo }} are gone; its SLO cannot be evaluated', runbook: ${RUNBOOK}}`,
        ]),
    `  - alert: ServiceErrorBudgetExhausted
    expr: |
      ${periods.join('\n      or ')}
    for: 30m
    labels: {severity: info}
    annotations: {summary: 'the error budget of {{ $labels.service }} {{ $labels.slo }} is spent', runbook: ${RUNBOOK}}`,
  ];
}
