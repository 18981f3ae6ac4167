import { factorText, percentText, shareText } from '../slo.ts';
import { formatDuration } from '../duration.ts';
import {
  budgetsOf,
  type BurnAlert,
  type Family,
  matchersOf,
  type Slo,
  type SloSet,
} from './model.ts';

/** One alert of Prometheus for each alert policy: over all SLOs that refer to it. */
export function burnAlerts(set: SloSet, family: Family, scale: number): readonly string[] {
  return set.alerts.map((alert) => burnAlert(alert, set.job !== null, family, scale));
}

function burnAlert(alert: BurnAlert, own: boolean, family: Family, scale: number): string {
  const { slos, long_ms, short_ms, runbook } = alert;
  const { prefix, by } = family;
  const which = matchersOf(slos, own);
  const [long, short] = [formatDuration(long_ms), formatDuration(short_ms)];
  const factor = factorText(alert.factor);
  const budget = budgetsOf(slos, own, family);
  const limit = `on (${family.budget_by}) group_left () (${factor} * ${budget})`;
  // increase() extrapolates: three events read as 3.01 or 2.99.
  const enough = [...Map.groupBy(slos, ({ min_bad }) => min_bad)].map(
    ([min, some]) => `${prefix}:slo_bad:increase${long}{${matchersOf(some, own)}} > ${min - 0.5}`,
  );
  const who = own ? 'autoheal' : '{{ $labels.service }}';
  const wait_ms = scale === 1 ? alert.for_ms : Math.round(alert.for_ms / scale / 1_000) * 1_000;
  const period = slos[0]?.period_ms ?? long_ms;
  return `  - alert: ${alert.alertname}
    expr: |
      ${prefix}:slo_error:ratio${long}{${which}} > ${limit}
      and on (${by})
      (${prefix}:slo_error:ratio${short}{${which}} > ${limit})
      and on (${by})
      (${enough.join(' or ')})
    for: ${formatDuration(wait_ms)}
    labels: {${own ? 'service: autoheal, ' : ''}severity: ${alert.severity}, long: ${long}, short: ${short}, burn_rate: "${factor}"}
    annotations:
      summary: '${who} {{ $labels.slo }}: error budget burning faster than ${factor}x ({{ $value | humanizePercentage }} bad over ${long})'
      description: 'At ${factor}x, ${shareText(alert.factor, long_ms, period)} of the ${formatDuration(period)} budget goes in ${long}. Objectives: ${objectives(slos)}.'
      runbook: '${runbook}'`;
}

function objectives(slos: readonly Slo[]): string {
  return slos.map(({ slo, objective }) => `${slo} ${percentText(objective)} %`).join(', ');
}
