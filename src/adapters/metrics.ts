import { Registry, type Gauge } from './prom-client.ts';
import { GUARD_WORDS } from '../core/healing/guard-words.ts';
import { HARM_KINDS } from '../core/healing/harm.ts';
import { OUTCOMES } from '../core/healing/remediation.ts';
import type { Metrics, WebhookOutcome } from '../ports.ts';
import { limitMetrics, type LimitMetrics } from './metrics-limits.ts';
import { addProcessMetrics } from './metrics-process.ts';
import { reconcileMetrics, type ReconcileMetrics } from './metrics-reconcile.ts';
import { addScrapedGauges, type ScrapeOptions } from './metrics-scrape.ts';
import { counter, gauge, histogram } from './metrics-series.ts';

export interface MetricsOptions extends ScrapeOptions {
  readonly version: string;
  /** Ids of all actions; their series stand at 0 from the start. */
  readonly actions: readonly string[];
  /** Backends with a breaker. */
  readonly backends: readonly string[];
}
export interface ServedMetrics extends Metrics, LimitMetrics {
  /** The text format of Prometheus. Never rejects. */
  render(): Promise<string>;
  readonly content_type: string;
  /** The names on the page, for docs/metrics.md. */
  names(): readonly string[];
}

const DRILL = ['false', 'true'] as const;
const WEBHOOK = ['accepted', 'rejected_auth', 'rejected_invalid', 'overloaded', 'error'] as const;
/** Made once: one is looked up for each delivery. */
const WEBHOOK_POSTS = webhookLabels('false');
const WEBHOOK_DRILLS = webhookLabels('true');
const REMEDIATION = ['success', 'failure', 'timeout', 'skipped', 'dry_run'] as const;
const ATTEMPT = ['ok', 'error', 'chaos'] as const;
const WRITE = ['ok', 'error'] as const;
const VERDICT = ['wait', 'refuse'] as const;
const REVERT = ['ok', 'error', 'left_alone'] as const;
const ALERTS = [
  'firing',
  'repeated',
  'resolved',
  'late_duplicate',
  'unmapped',
  'unusable',
] as const;
const BREAKER = ['closed', 'half_open', 'open'] as const;

/** The series of DESIGN §10 on their own registry: two of them in one process do not mix. */
export function createMetrics(options: MetricsOptions): ServedMetrics {
  const registry = new Registry();
  addBuildInfo(registry, options.version);
  addProcessMetrics(registry);
  const refresh = addScrapedGauges(registry, options);
  const limits = limitMetrics(registry);
  return {
    ...countersOf(registry, options),
    ...statesOf(registry, options),
    ...reconcileMetrics(registry),
    watchLimit: (limit, used) => limits.watchLimit(limit, used),
    retained: (table, rows) => limits.retained(table, rows),
    async render() {
      await refresh();
      await limits.refresh();
      return registry.metrics();
    },
    content_type: registry.contentType,
    names: () => registry.getMetricsAsArray().map((metric) => metric.name),
  };
}

/* ---------------------------------------------------------------- what is counted */

type Counted = Omit<
  Metrics,
  'rulesReload' | 'watchdog' | 'chaos' | 'breaker' | 'retained' | keyof ReconcileMetrics
>;

function countersOf(registry: Registry, { actions }: MetricsOptions): Counted {
  const webhook = histogram(
    registry,
    'autoheal_webhook_request_duration_seconds',
    'From the arrival of a webhook request to its answer',
    { outcome: WEBHOOK, drill: DRILL },
  );
  const audit_write = histogram(
    registry,
    'autoheal_audit_write_seconds',
    'One synced commit that wrote audit entries',
    { result: WRITE },
  );
  const heartbeats = counter(
    registry,
    'autoheal_heartbeats_total',
    'Every 5 s, while the worker loop runs and the store answers',
    { drill: DRILL },
  );
  const audit_entries = counter(
    registry,
    'autoheal_audit_entries_total',
    'Audit entries written',
    {},
  );
  const parked = counter(
    registry,
    'autoheal_deliveries_parked_total',
    'Deliveries put aside after three failed drains',
    {},
  );
  const denied = counter(
    registry,
    'autoheal_auth_denied_total',
    'Requests refused for want of a token or a role',
    {},
  );
  return {
    ...workCountersOf(registry, actions),
    heartbeat: () => heartbeats.inc({ drill: 'false' }),
    webhook: (outcome, seconds, drill) =>
      webhook.observe(drill ? WEBHOOK_DRILLS[outcome] : WEBHOOK_POSTS[outcome], seconds),
    auditWrite(result, seconds, rows) {
      audit_write.observe({ result }, seconds);
      if (result === 'ok' && rows > 0) audit_entries.inc(rows);
    },
    deliveryParked: () => parked.inc(),
    authDenied: () => denied.inc(),
  };
}

type WorkCounted = Pick<
  Metrics,
  'remediation' | 'attempt' | 'guard' | 'remediationDone' | 'harmSuspected' | 'revert' | 'alerts'
>;

function workCountersOf(registry: Registry, actions: readonly string[]): WorkCounted {
  const remediations = counter(
    registry,
    'autoheal_remediations_total',
    'Steps that ended, were previewed, or ended unacted',
    { action: actions, outcome: REMEDIATION, drill: DRILL },
  );
  const attempts = counter(
    registry,
    'autoheal_action_attempts_total',
    'Calls of an action, retries included; chaos: failed on purpose',
    { action: actions, result: ATTEMPT },
  );
  const guards = counter(
    registry,
    'autoheal_guard_verdicts_total',
    'Times a guard made a remediation wait, or ended it',
    { guard: GUARD_WORDS, verdict: VERDICT },
  );
  const outcomes = counter(
    registry,
    'autoheal_remediation_outcomes_total',
    'Remediations that ended, by how',
    { outcome: OUTCOMES },
  );
  const harm = counter(
    registry,
    'autoheal_harm_suspected_total',
    'Findings that autoheal itself may do harm, once each a day',
    { kind: HARM_KINDS },
  );
  const reverts = counter(
    registry,
    'autoheal_reverts_total',
    'Ends of leases; left_alone: somebody else had changed the target since',
    { result: REVERT },
  );
  const alerts = counter(
    registry,
    'autoheal_alerts_total',
    'Alerts of drained deliveries, by what they meant',
    { event: ALERTS },
  );
  return {
    remediation: (action, outcome, drill) =>
      remediations.inc({ action, outcome, drill: String(drill) }),
    attempt: (action, result) => attempts.inc({ action, result }),
    guard: (guard, verdict) => guards.inc({ guard, verdict }),
    remediationDone: (outcome) => outcomes.inc({ outcome }),
    harmSuspected: (kind) => harm.inc({ kind }),
    revert: (result) => reverts.inc({ result }),
    alerts: (event) => alerts.inc({ event }),
  };
}

function webhookLabels(
  drill: string,
): Readonly<Record<WebhookOutcome, { outcome: string; drill: string }>> {
  return Object.fromEntries(WEBHOOK.map((outcome) => [outcome, { outcome, drill }])) as Record<
    WebhookOutcome,
    { outcome: string; drill: string }
  >;
}

/* ---------------------------------------------------------------- what stands */

function statesOf(
  registry: Registry,
  { backends }: MetricsOptions,
): Pick<Metrics, 'rulesReload' | 'watchdog' | 'chaos' | 'breaker'> {
  const reload_ok = gauge(
    registry,
    'autoheal_rules_last_reload_successful',
    '1 when the last load of rules and policy was good',
  );
  const reload_at = gauge(
    registry,
    'autoheal_rules_last_reload_timestamp_seconds',
    'When rules and policy were last loaded well; 0: never',
  );
  const loaded = gauge(registry, 'autoheal_rules_loaded', 'Rules in force, disabled ones too');
  const watchdog = gauge(
    registry,
    'autoheal_watchdog_last_received_timestamp_seconds',
    'When the always-firing Watchdog alert last came; 0: never',
  );
  const chaos = gauge(registry, 'autoheal_chaos_enabled', '1 while failures are injected');
  const chaos_until = gauge(
    registry,
    'autoheal_chaos_expires_timestamp_seconds',
    'When the injection of failures ends by itself; 0: not armed',
  );
  const breaker = gauge(registry, 'autoheal_breaker_state', '1 for the state the breaker is in', [
    'backend',
    'state',
  ]);
  for (const backend of backends) setBreaker(breaker, backend, 'closed');
  return {
    rulesReload(ok, at, rules) {
      reload_ok.set(ok ? 1 : 0);
      loaded.set(rules);
      if (ok) reload_at.set(at / 1_000);
    },
    watchdog: (at) => watchdog.set(at / 1_000),
    chaos(enabled, expires_at) {
      chaos.set(enabled ? 1 : 0);
      chaos_until.set(enabled ? expires_at / 1_000 : 0);
    },
    breaker: (backend, state) => setBreaker(breaker, backend, state),
  };
}

function setBreaker(breaker: Gauge, backend: string, now: (typeof BREAKER)[number]): void {
  for (const state of BREAKER) breaker.set({ backend, state }, state === now ? 1 : 0);
}

function addBuildInfo(registry: Registry, version: string): void {
  const info = gauge(registry, 'autoheal_build_info', 'Always 1; versions as labels', [
    'version',
    'node',
  ]);
  info.set({ version, node: process.version }, 1);
}
