import { Registry, type Gauge } from './prom-client.ts';
import { GUARD_WORDS } from '../core/healing/guard-words.ts';
import { HARM_KINDS } from '../core/healing/harm.ts';
import type {
  Metrics,
  RequestMetrics,
  RouteLabels,
  SelfProbeMetrics,
  StoreTimings,
  WebhookOutcome,
} from '../ports.ts';
import { httpMetrics } from './metrics-http.ts';
import { limitMetrics, type LimitMetrics } from './metrics-limits.ts';
import { addProcessMetrics } from './metrics-process.ts';
import { probeMetrics } from './metrics-probe.ts';
import { reconcileMetrics, type ReconcileMetrics } from './metrics-reconcile.ts';
import { ruleMetrics } from './metrics-rules.ts';
import { addScrapedGauges, SCRAPE_TIMEOUT_MS, type ScrapeOptions } from './metrics-scrape.ts';
import { counter, gauge, histogram } from './metrics-series.ts';
import { addStandingGauges, type Standing } from './metrics-standing.ts';
import { type SteeringMetrics, steeringMetrics } from './metrics-steering.ts';
import { storeMetrics } from './metrics-store.ts';

export interface MetricsOptions extends ScrapeOptions {
  readonly version: string;
  /** Ids of all actions; their series stand at 0 from the start. */
  readonly actions: readonly string[];
  /** Backends with a breaker. */
  readonly backends: readonly string[];
  /** Declared routes; their series stand at 0 from the start. Absent: nothing is served. */
  readonly routes?: readonly RouteLabels[];
  /** Like `scrape`. Absent: its gauges stay at 0. */
  readonly standing?: () => Promise<Standing>;
}
export interface ServedMetrics
  extends Metrics,
    RequestMetrics,
    StoreTimings,
    SelfProbeMetrics,
    LimitMetrics {
  /** The text format of Prometheus. Never rejects. */
  render(): Promise<string>;
  readonly content_type: string;
  /** The names on the page. */
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
const CALL = ['ok', 'refused', 'unavailable'] as const;
const BREAKER = ['closed', 'half_open', 'open'] as const;

/** The series of DESIGN §10 on their own registry: two of them in one process do not mix. */
export function createMetrics(options: MetricsOptions): ServedMetrics {
  const registry = new Registry();
  addBuildInfo(registry, options.version);
  addProcessMetrics(registry);
  const refresh = addScrapedGauges(registry, options);
  const { standing = noStanding, scrape_timeout_ms = SCRAPE_TIMEOUT_MS } = options;
  const refreshStanding = addStandingGauges(registry, standing, scrape_timeout_ms);
  const limits = limitMetrics(registry);
  return {
    ...countersOf(registry, options),
    ...statesOf(registry, options),
    ...ruleMetrics(registry),
    ...reconcileMetrics(registry),
    ...steeringMetrics(registry),
    ...httpMetrics(registry, options.routes ?? []),
    ...storeMetrics(registry),
    ...probeMetrics(registry),
    watchLimit: (limit, used) => limits.watchLimit(limit, used),
    retained: (table, rows) => limits.retained(table, rows),
    async render() {
      await Promise.all([refresh(), refreshStanding()]);
      await limits.refresh();
      return registry.metrics();
    },
    content_type: registry.contentType,
    names: () => registry.getMetricsAsArray().map((metric) => metric.name),
  };
}

function noStanding(): Promise<never> {
  return Promise.reject(new Error('there is nobody to ask'));
}

/* ---------------------------------------------------------------- what is counted */

type Counted = Omit<
  Metrics,
  | keyof States
  | 'remediationDone'
  | 'rulesReload'
  | 'retained'
  | 'authDenied'
  | 'auditVerified'
  | keyof ReconcileMetrics
  | keyof SteeringMetrics
>;
type States = Pick<Metrics, 'watchdog' | 'chaos' | 'breaker' | 'backendCall'>;

function countersOf(registry: Registry, { actions }: MetricsOptions): Counted {
  const webhook = histogram(
    registry,
    'autoheal_webhook_request_duration_seconds',
    'From the arrival of a webhook request to its answer. The latency SLO reads the edge 0.25',
    { outcome: WEBHOOK, drill: DRILL },
  );
  const audit_write = histogram(
    registry,
    'autoheal_audit_write_seconds',
    'One synced commit that wrote audit entries. The SLO reads the edge 0.1',
    { result: WRITE },
  );
  const heartbeats = counter(
    registry,
    'autoheal_heartbeats_total',
    'One every 5 s, only after the worker loop ran and the store answered. The availability SLO counts these',
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
    'Deliveries put aside after three failed drains. Each is worth a look: GET /api/v1/deliveries',
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
  };
}

type WorkCounted = Pick<
  Metrics,
  'remediation' | 'attempt' | 'guard' | 'harmSuspected' | 'revert' | 'alerts'
>;

function workCountersOf(registry: Registry, actions: readonly string[]): WorkCounted {
  const remediations = counter(
    registry,
    'autoheal_remediations_total',
    'Steps that ended, were previewed, or ended unacted. The action success SLO counts these',
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
  const harm = counter(
    registry,
    'autoheal_harm_suspected_total',
    'Findings that autoheal itself may do harm: two rules that undo each other, an alert that begins after the runs of a rule. Once each a day; GET /api/v1/audit?result=suspected has them in words',
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

function statesOf(registry: Registry, { backends }: MetricsOptions): States {
  const watchdog = gauge(
    registry,
    'autoheal_watchdog_last_received_timestamp_seconds',
    'When the always-firing Watchdog alert last came; 0: never',
  );
  const chaos = gauge(
    registry,
    'autoheal_chaos_enabled',
    '1 while failures are injected on purpose',
  );
  const chaos_until = gauge(
    registry,
    'autoheal_chaos_expires_timestamp_seconds',
    'When the injection of failures ends by itself; 0: not armed',
  );
  const breaker = gauge(
    registry,
    'autoheal_breaker_state',
    '1 for the state the breaker of a backend is in',
    ['backend', 'state'],
  );
  for (const backend of backends) setBreaker(breaker, backend, 'closed');
  const calls = histogram(
    registry,
    'autoheal_backend_call_seconds',
    'One attempt at a backend, looks of verify included; refused: it answered, with a no',
    { backend: backends, result: CALL },
  );
  return {
    watchdog: (at) => watchdog.set(at / 1_000),
    chaos(enabled, expires_at) {
      chaos.set(enabled ? 1 : 0);
      chaos_until.set(enabled ? expires_at / 1_000 : 0);
    },
    breaker: (backend, state) => setBreaker(breaker, backend, state),
    backendCall: (backend, result, seconds) => calls.observe({ backend, result }, seconds),
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
