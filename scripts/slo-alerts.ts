import { formatDuration } from '../src/core/duration.ts';
import type { SloFile } from '../src/core/slo.ts';

/** Alerts on what the burn rates cannot say: that nothing is measured, or that nothing arrives. */
export function healthAlerts(file: SloFile): readonly string[] {
  const { job } = file;
  const period = formatDuration(file.period);
  const absent = Object.values(file.slos).flatMap(({ heartbeat, events }) => [
    ...(heartbeat === undefined ? [] : [`absent(${heartbeat.metric}{job="${job}"})`]),
    ...(events === undefined ? [] : [`absent(${events.total.metric}{job="${job}"})`]),
  ]);
  return [
    `  - alert: AutohealDown
    expr: up{job="${job}"} == 0 or absent(up{job="${job}"})
    for: 2m
    labels: {service: autoheal, severity: page}
    annotations: {summary: autoheal is not being scraped}`,
    `  - alert: AutohealSLOMetricAbsent
    expr: |
      ${absent.join('\n      or ')}
    for: 10m
    labels: {service: autoheal, severity: ticket}
    annotations: {summary: 'an SLI series is missing; its SLO cannot be evaluated'}`,
    `  - alert: AutohealErrorBudgetExhausted
    expr: autoheal:slo_budget_remaining:ratio${period}{drill="false"} < 0
    for: 30m
    labels: {service: autoheal, severity: info}
    annotations: {summary: '${period} error budget of {{ $labels.slo }} is spent'}`,
    // Looked at over a day: after a restart of autoheal the gauge is 0 until the next Watchdog comes.
    `  - alert: AutohealAlertPipelineStale
    expr: time() - (max(max_over_time(autoheal_watchdog_last_received_timestamp_seconds{job="${job}"}[1d])) > 0) > 600
    for: 2m
    labels: {service: autoheal, severity: page}
    annotations: {summary: 'no Watchdog delivery for 10m: the Prometheus to Alertmanager to autoheal path is broken'}`,
    `  - alert: AutohealChaosStuckOn
    expr: max(autoheal_chaos_enabled{job="${job}"}) == 1 and on () (time() > max(autoheal_chaos_expires_timestamp_seconds{job="${job}"}) + 60)
    labels: {service: autoheal, severity: page}
    annotations: {summary: chaos injection is still on after its lease ended}`,
  ];
}
