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
  /**
   * For a loop with nothing to do before `at` (ms since the epoch; Infinity: until it is poked). Only a clock that
   * jumps has it: its loops need not look whether a poke was lost, and time that is empty costs nothing.
   */
  nap?(loop: string, at: number, signal: AbortSignal): Promise<void>;
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

/** Why a request was not let in: without a token, with an unknown one, with too low a role, from elsewhere. */
export type AuthDenial = 'no_token' | 'wrong_token' | 'role' | 'not_local';
export type BackendResult = 'ok' | 'refused' | 'unavailable';

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
  /** `rule`: its name; names are as many as there are files. */
  remediationDone(outcome: Outcome, rule: string): void;
  /** It looks as if autoheal itself did harm; once for each finding and day. */
  harmSuspected(kind: Harm['kind']): void;
  /** Autoheal's own error budget, each time it was counted. */
  budgetSpent(spent: boolean): void;
  /** The burn rates that give priorities were read. Ms since the epoch. */
  burnsRead(at: number): void;
  revert(result: 'ok' | 'error' | 'left_alone'): void;
  alerts(
    event: 'firing' | 'repeated' | 'resolved' | 'late_duplicate' | 'unmapped' | 'unusable',
  ): void;
  deliveryParked(): void;
  authDenied(reason: AuthDenial): void;
  /** `names`: of the rules in force, whose series then stand at 0; none when the load was not good. */
  rulesReload(ok: boolean, at: number, rules: number, names?: readonly string[]): void;
  /** When Prometheus's always-firing Watchdog alert last came. Ms since the epoch. */
  watchdog(at: number): void;
  chaos(enabled: boolean, expires_at: number): void;
  breaker(backend: string, state: 'closed' | 'half_open' | 'open'): void;
  /** One attempt at a backend, without the wait for a place. `refused`: it answered, with a no. */
  backendCall(backend: string, result: BackendResult, seconds: number): void;
  /** The audit chain was gone through to its head (ms since the epoch: when); null: it is broken. */
  auditVerified(at: number | null): void;
  /** One round of questions to Alertmanager and Prometheus; `partial`: some did not answer. */
  reconcilePoll(result: 'ok' | 'partial' | 'failed'): void;
  reconcileFinding(finding: 'unseen' | 'restarted' | 'evidence' | 'vanished', count: number): void;
  /** Rows that retention removed. */
  retained(table: RetainedTable, rows: number): void;
  /** Every Alertmanager answered. Ms since the epoch. */
  alertmanagerPolled(at: number): void;
}

/** What serving HTTP is counted by. Implementations never throw. */
export interface RequestMetrics {
  /**
   * One answer. `route`: the declared path; what is not declared counts as one. Seconds from the arrival of the
   * request to its answer; of a stream, to its beginning.
   */
  request(route: RouteLabels | null, status: number, seconds: number): void;
  rateLimited(limit: RateLimitName): void;
}
/** A route as it is declared. Never a path as it was asked for: anybody can ask for as many as they like. */
export interface RouteLabels {
  readonly method: string;
  readonly path: string;
}
/** `api`: requests of one client. `sign_in`: unknown tokens from one address. */
export type RateLimitName = 'api' | 'sign_in';

/** What became of a delivery that autoheal posted to itself. */
export const SELF_PROBE_RESULTS = ['ok', 'refused', 'timeout', 'error'] as const;
export type SelfProbeResult = (typeof SELF_PROBE_RESULTS)[number];
/** The header by which the listener knows such a delivery: it holds a secret of the process. */
export const PROBE_HEADER = 'x-autoheal-probe';
export interface SelfProbeMetrics {
  selfProbe(result: SelfProbeResult, seconds: number): void;
}

/** How long the store takes. Implementations never throw. */
export interface StoreTimings {
  /** `commit`: one synced transaction. `claim`: a claim, with the wait for its transaction. `read`: one read. */
  store(op: StoreOp, seconds: number): void;
}
export type StoreOp = 'commit' | 'claim' | 'read';

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
  /**
   * Nobody expected this error, and nobody handles it. It becomes an event of the span that runs now, else of a
   * span of its own under `parent`; whoever collects errors gets it too. Never throws, never waits.
   */
  fault(error: unknown, about: Fault): void;
}
/** Where something went wrong. Nothing here may come from an alert or a body. */
export interface Fault {
  readonly where: FaultPlace;
  readonly parent?: SpanPlace | null;
  readonly request_id?: string;
}
export type FaultPlace = 'request' | 'drain' | 'worker' | 'lease' | 'loop' | 'process';
