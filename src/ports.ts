import type { ActionError } from './action.ts';
import type { GuardWord } from './core/healing/guard-words.ts';
import type { Harm } from './core/healing/harm.ts';
import type { Outcome } from './core/healing/remediation.ts';
import type { SpanPlace } from './core/trace.ts';
import type { RetainedTable } from './store.ts';

/* ---------------------------------------------------------------- small ports */

export interface Clock {
  /** Ms since the epoch. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
export interface Ids {
  /** UUIDv7: sorts by time. */
  next(): string;
}
/** A number in [0, 1), for jitter only; never for a decision. */
export type Random = () => number;

/** pino's shape: fields first, then a static message. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/* ---------------------------------------------------------------- outside */

/** A look at Prometheus. */
export interface PromQuery {
  /**
   * Does the expression hold? A vector holds when it has a sample (a comparison drops the others),
   * a scalar when it is not 0. @throws ActionError `unavailable`, `timeout`, `rejected`, `not_configured`.
   */
  holds(
    expr: string,
    signal: AbortSignal,
  ): Promise<{ readonly holds: boolean; readonly detail: string }>;
}
/** What Prometheus has recorded. */
export interface PromSamples {
  /**
   * The samples of an instant vector, without those that are NaN or a native histogram.
   * @throws ActionError `unavailable`, `timeout`, `rejected`, `not_configured`.
   */
  samples(expr: string, signal: AbortSignal): Promise<readonly PromSample[]>;
}
export interface PromSample {
  /** `__name__` among them, where the expression keeps it. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A look from where autoheal runs: does something answer, and how? */
export interface Probes {
  /**
   * One GET over a connection of its own; redirects are not followed. It holds when the status is one
   * of `expect_status`, where that is absent any 2xx. What does not answer does not hold.
   * @throws ActionError `unavailable`, `not_configured`, `forbidden`, `timeout`: we could not look.
   */
  http(
    url: string,
    options: { readonly expect_status?: readonly number[]; readonly signal: AbortSignal },
  ): Promise<{ readonly holds: boolean; readonly detail: string }>;
  /** Connects and closes. An IPv6 address is without brackets. @throws ActionError as `http`. */
  tcp(
    host: string,
    port: number,
    signal: AbortSignal,
  ): Promise<{ readonly holds: boolean; readonly detail: string }>;
}

/** An alert as Alertmanager's API shows it; one that resolved is not shown. Times in ms since the epoch. */
export interface ActiveAlert {
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly starts_at: number | null;
  readonly updated_at: number | null;
  readonly generator_url: string;
  readonly state: 'unprocessed' | 'active' | 'suppressed';
  /** Silences (their ids) that hide it; inhibiting alerts; named mute intervals of the route. */
  readonly silenced_by: readonly string[];
  readonly inhibited_by: readonly string[];
  readonly muted_by: readonly string[];
}
/** One Alertmanager of the pair or cluster. */
export interface AlertmanagerPeer {
  /** Without user and password: safe to show. */
  readonly url: string;
  /** @throws ActionError `unavailable`, `timeout`, `rejected`, `forbidden`. `started_at`: a restart moves it. */
  status(signal: AbortSignal): Promise<{ readonly version: string; readonly started_at: number }>;
  /**
   * The alerts that are routed to one of `receivers` (names, not patterns; none: all alerts).
   * @throws ActionError `unavailable`, `timeout`, `rejected`, `forbidden`.
   */
  alerts(receivers: readonly string[], signal: AbortSignal): Promise<readonly ActiveAlert[]>;
  /** Who made a silence: `createdBy`. Undefined: it is gone. @throws ActionError. */
  silenceAuthor(id: string, signal: AbortSignal): Promise<string | undefined>;
}
/** The alerts that Prometheus itself holds for firing; without its external labels. */
export interface PromAlerts {
  readonly configured: boolean;
  /** @throws ActionError `unavailable`, `timeout`, `rejected`. */
  firing(
    signal: AbortSignal,
  ): Promise<readonly { readonly labels: Readonly<Record<string, string>> }[]>;
}

export type ComponentState = 'ok' | 'degraded' | 'off';
export interface ComponentStatus {
  readonly status: ComponentState;
  /** What is wrong and what to do, or what it is connected to. */
  readonly detail: string;
}
/** A part whose state is shown on `GET /` and `/health`. Never throws; bounded in time. */
export interface Component {
  readonly name: string;
  status(): Promise<ComponentStatus>;
}

/** What a backend's errors mean. */
export interface Backend {
  readonly name: string;
  /** Folds whatever its client threw into an ActionError. */
  classify(error: unknown): ActionError;
}

/* ---------------------------------------------------------------- metrics */

export type WebhookOutcome =
  | 'accepted'
  | 'rejected_auth'
  | 'rejected_invalid'
  | 'overloaded'
  | 'error';
export type RemediationMetric = 'success' | 'failure' | 'timeout' | 'skipped' | 'dry_run';

/** The raw series of DESIGN §10. Implementations never throw. */
export interface Metrics {
  /** Every 5 s, only after the worker loop ran and the store answered. */
  heartbeat(): void;
  webhook(outcome: WebhookOutcome, seconds: number, drill: boolean): void;
  /** Once for each step that ended (success, failure, timeout), was previewed, or ended unacted (skipped). */
  remediation(action: string, outcome: RemediationMetric, drill: boolean): void;
  attempt(action: string, result: 'ok' | 'error' | 'chaos'): void;
  auditWrite(result: 'ok' | 'error', seconds: number, rows: number): void;
  guard(word: GuardWord, verdict: 'wait' | 'refuse'): void;
  remediationDone(outcome: Outcome): void;
  /** It looks as if autoheal itself did harm; once for each finding and day. */
  harmSuspected(kind: Harm['kind']): void;
  revert(result: 'ok' | 'error' | 'left_alone'): void;
  alerts(
    event: 'firing' | 'repeated' | 'resolved' | 'late_duplicate' | 'unmapped' | 'unusable',
  ): void;
  deliveryParked(): void;
  authDenied(): void;
  rulesReload(ok: boolean, at: number, rules: number): void;
  /** When Prometheus's always-firing Watchdog alert last came. Ms since the epoch. */
  watchdog(at: number): void;
  chaos(enabled: boolean, expires_at: number): void;
  breaker(backend: string, state: 'closed' | 'half_open' | 'open'): void;
  /** One round of questions to Alertmanager and Prometheus; `partial`: some did not answer. */
  reconcilePoll(result: 'ok' | 'partial' | 'failed'): void;
  reconcileFinding(finding: 'unseen' | 'restarted' | 'evidence' | 'vanished', count: number): void;
  /** Rows that retention removed. */
  retained(table: RetainedTable, rows: number): void;
  /** Every Alertmanager answered. Ms since the epoch. */
  alertmanagerPolled(at: number): void;
}

/* ---------------------------------------------------------------- traces */

/** Null and undefined are left out. Never a secret, never a label's value besides the alert's name. */
export type SpanAttributes = Readonly<
  Record<string, string | number | boolean | readonly string[] | null | undefined>
>;
export interface SpanOptions {
  readonly name: string;
  /** Where it hangs. Absent: under the span that runs now. Null, or nothing runs: there is no span. */
  readonly parent?: SpanPlace | null;
  /** Its own id, 16 hex digits, where others must find it later; else a random one. */
  readonly span_id?: string;
  /** `server`: somebody called us. `client`: we call a backend. */
  readonly kind?: 'server' | 'client';
  readonly attributes?: SpanAttributes;
}
export interface Span {
  set(attributes: SpanAttributes): void;
  /** It ends as an error; `reason` is one word. */
  fail(reason: string): void;
  /** It tells nothing new and is not sent. */
  drop(): void;
}
/** Spans of DESIGN §10. Implementations never throw of themselves and never wait for a collector. */
export interface Tracer {
  readonly enabled: boolean;
  /** Runs `work` within a span; what it throws fails the span and is thrown on. */
  span<T>(options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T>;
  /** A span that is over. Times in ms since the epoch; `failed`: why, in one word, or null. */
  record(
    options: SpanOptions,
    times: { readonly from: number; readonly to: number },
    failed: string | null,
  ): void;
  /** `traceparent` of the span that runs now, for a request of ours; empty where none does. */
  headers(): Readonly<Record<string, string>>;
}
