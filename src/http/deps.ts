import type { AnyAction } from '../action.ts';
import type {
  Approvals,
  Benefits,
  FlagBoard,
  HoldBoard,
  Intake,
  Operations,
  Operator,
  Reporter,
  Rulebook,
  WhatIf,
} from '../engine/api.ts';
import type { Clock, Log, Metrics, PromSamples, RequestMetrics, Tracer } from '../ports.ts';
import type { SloBoard } from '../engine/slo-ledger.ts';
import type { Store } from '../store.ts';

/** Viewer reads, operator changes, admin is for what comes later. Each includes the ones before it. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface ApiToken {
  readonly role: Role;
  readonly token: string;
}
/** Secrets as configured. Several of a kind, so that one can be rotated without a gap. */
export interface Tokens {
  readonly webhook: readonly string[];
  readonly api: readonly ApiToken[];
}

/** What the routes read. They never write to the store: changes go through the engine. */
export type StoreReads = Pick<
  Store,
  | 'audit'
  | 'verifyAudit'
  | 'episode'
  | 'remediationsOf'
  | 'remediation'
  | 'runsOf'
  | 'listEpisodes'
  | 'listRemediations'
  | 'listDeliveries'
  | 'recorded'
>;

/** Everything a client can make us hold has a bound. */
export interface Limits {
  /** Of one request's body. */
  readonly body_bytes: number;
  /** Of all bodies above `small_body_bytes` being received or stored at one time; beyond it 503. */
  readonly bodies_in_flight_bytes: number;
  /** Bodies up to this size are not counted in `bodies_in_flight_bytes`; `sockets` bounds them. */
  readonly small_body_bytes: number;
  /** Request line and headers together. */
  readonly header_bytes: number;
  readonly url_bytes: number;
  /** Names and values of a query, counted together. */
  readonly query_values: number;
  /** Values of one repeated query key. */
  readonly query_values_per_key: number;
  /** Open connections; more are refused by the kernel's reset. */
  readonly sockets: number;
  /** For a whole request to arrive, headers and body. */
  readonly request_timeout_ms: number;
  readonly headers_timeout_ms: number;
  /** An idle connection between two requests. Longer than the usual 60 s of load balancers. */
  readonly keep_alive_timeout_ms: number;
  /** A connection without any traffic, also while an answer is made or read. */
  readonly socket_idle_timeout_ms: number;
  /** From `close()` on, for requests under way; what remains then is cut. */
  readonly close_grace_ms: number;
  /** How often node looks for requests that are over their time. */
  readonly timeout_check_ms: number;
  /** Exports of the audit log under way; beyond it 503. */
  readonly exports: number;
  /** Entries of one read of an export: some 10 ms of work, and what waits for a slow reader. */
  readonly export_page_rows: number;
  /** Open streams of audit entries; beyond it 503. */
  readonly tails: number;
  readonly tail_page_rows: number;
  /** How often the log is asked for new entries while a stream is open. */
  readonly tail_poll_ms: number;
  readonly tail_heartbeat_ms: number;
  /** A reader of an export or a stream that takes no page for so long is cut off. */
  readonly reader_stall_ms: number;
  /** Stored answers of Idempotency-Key, and how long each is kept. */
  readonly idempotency_entries: number;
  readonly idempotency_ttl_ms: number;
  /** Requests of one client within `rate_window_ms`; 0: not limited. Never of the webhook, health and metrics. */
  readonly api_requests: number;
  /** Unknown tokens from one address within `rate_window_ms`; more of them get 429, and short tokens too. */
  readonly unknown_tokens: number;
  readonly rate_window_ms: number;
  /** Clients counted apart; beyond it the one that was silent for longest is forgotten. */
  readonly rate_clients: number;
}

export const DEFAULT_LIMITS: Limits = {
  body_bytes: 16 * 1024 * 1024,
  bodies_in_flight_bytes: 256 * 1024 * 1024,
  small_body_bytes: 64 * 1024,
  header_bytes: 16 * 1024,
  url_bytes: 8 * 1024,
  query_values: 200,
  query_values_per_key: 50,
  sockets: 1_000,
  request_timeout_ms: 30_000,
  headers_timeout_ms: 10_000,
  keep_alive_timeout_ms: 75_000,
  socket_idle_timeout_ms: 300_000,
  close_grace_ms: 10_000,
  timeout_check_ms: 1_000,
  exports: 4,
  export_page_rows: 500,
  tails: 50,
  tail_page_rows: 200,
  tail_poll_ms: 200,
  tail_heartbeat_ms: 15_000,
  reader_stall_ms: 60_000,
  idempotency_entries: 1_000,
  idempotency_ttl_ms: 24 * 3_600_000,
  api_requests: 6_000,
  unknown_tokens: 120,
  rate_window_ms: 60_000,
  rate_clients: 5_000,
};

/** Metrics, and the page that Prometheus reads. */
export interface ServedMetrics extends Metrics, RequestMetrics {
  render(): Promise<string>;
  readonly content_type: string;
}

export interface HttpDeps {
  readonly intake: Intake;
  readonly operator: Operator;
  readonly flags: FlagBoard;
  readonly holds: HoldBoard;
  readonly approvals: Approvals;
  readonly benefits: Benefits;
  readonly operations: Operations;
  readonly what_if: WhatIf;
  readonly rulebook: Rulebook;
  readonly reporter: Reporter;
  readonly store: StoreReads;
  readonly actions: ReadonlyMap<string, AnyAction>;
  readonly metrics: ServedMetrics;
  readonly prometheus: PromSamples;
  readonly slo: SloBoard;
  /** Absent: autoheal does not post to itself. */
  readonly self_probe?: {
    readonly secret: string;
    /** @throws AutohealError as `Intake.accept`. */
    take(body: Uint8Array): Promise<void>;
  };
  readonly tokens: Tokens;
  readonly limits: Limits;
  readonly log: Log;
  readonly tracer: Pick<Tracer, 'fault'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Called for each denied request; whoever gives it aggregates per client and minute. Must not throw. */
  auditAuthDenied(client: string, route: string): void;
}
