import type { ActionError } from './action.ts';
import type { GuardWord } from './core/healing/guard-words.ts';
import type { Outcome } from './core/healing/remediation.ts';

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
}
