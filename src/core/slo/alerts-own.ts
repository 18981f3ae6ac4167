import { formatDuration } from '../duration.ts';
import { seriesOf, type SloSet } from './model.ts';

const RUNBOOK = 'docs/runbooks/autoheal-slo.md';
/** A drill that has not passed for this long proves nothing any more, s. */
const DRILL_STALE_S = 35 * 86_400;

/** Alerts on what the burn rates of autoheal cannot say: that nothing is measured, or that nothing arrives. */
export function ownAlerts({ slos }: SloSet, job: string): readonly string[] {
  const period = formatDuration(Math.max(...slos.map(({ period_ms }) => period_ms)));
  const absent = slos
    .filter(({ tell_absent }) => tell_absent)
    .map((slo) => `absent(${seriesOf(slo).metric}{job="${job}"})`);
  return [
    `  - alert: AutohealDown
    expr: up{job="${job}"} == 0 or absent(up{job="${job}"})
    for: 2m
    labels: {service: autoheal, severity: page}
    annotations: {summary: autoheal is not being scraped, runbook: ${RUNBOOK}}`,
    `  - alert: AutohealSLOMetricAbsent
    expr: |
      ${absent.join('\n      or ')}
    for: 10m
    labels: {service: autoheal, severity: ticket}
    annotations: {summary: 'an SLI series is missing; its SLO cannot be evaluated', runbook: ${RUNBOOK}}`,
    `  - alert: AutohealErrorBudgetExhausted
    expr: autoheal:slo_budget_remaining:ratio${period}{drill="false"} < 0
    for: 30m
    labels: {service: autoheal, severity: info}
    annotations: {summary: '${period} error budget of {{ $labels.slo }} is spent', runbook: ${RUNBOOK}}`,
    // Looked at over a day: after a restart of autoheal the gauge is 0 until the next Watchdog comes.
    `  - alert: AutohealAlertPipelineStale
    expr: time() - (max(max_over_time(autoheal_watchdog_last_received_timestamp_seconds{job="${job}"}[1d])) > 0) > 600
    for: 2m
    labels: {service: autoheal, severity: page}
    annotations: {summary: 'no Watchdog delivery for 10m: the Prometheus to Alertmanager to autoheal path is broken', runbook: ${RUNBOOK}}`,
    `  - alert: AutohealChaosStuckOn
    expr: max(autoheal_chaos_enabled{job="${job}"}) == 1 and on () (time() > max(autoheal_chaos_expires_timestamp_seconds{job="${job}"}) + 60)
    labels: {service: autoheal, severity: page}
    annotations: {summary: chaos injection is still on after its lease ended, runbook: ${RUNBOOK}}`,
    // 0 is "never passed yet", which is no news to anybody; a series that is absent is no drill at all.
    `  - alert: AutohealDrillStale
    expr: time() - (max by (drill_name) (autoheal_drill_last_success_timestamp_seconds{job="${job}"}) > 0) > ${DRILL_STALE_S}
    for: 1h
    labels: {service: autoheal, severity: ticket}
    annotations: {summary: 'drill {{ $labels.drill_name }} has not passed for 35d', runbook: ${RUNBOOK}}`,
  ];
}
