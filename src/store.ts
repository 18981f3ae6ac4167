import type { FlagValue } from './action.ts';
import type { AuditEntry, AuditRecord } from './core/audit/audit.ts';
import type { Episode } from './core/alerts/episode.ts';
import type { GuardWord } from './core/healing/guard-words.ts';
import type { Json } from './core/json.ts';
import type { Lease } from './core/healing/lease.ts';
import type { ActionRun, Remediation, RemediationState } from './core/healing/remediation.ts';

/** One POST of the webhook, stored as it came. */
export interface Delivery {
  /** Arrival order; given by the store. */
  readonly seq: number;
  readonly id: string;
  readonly received_at: number;
  /** `alertmanager`, `grafana`, `curl`, ...: from the User-Agent. */
  readonly source: string;
  readonly trace_id: string | null;
  readonly body: Uint8Array;
  /** Failed drains so far. */
  readonly failures: number;
}
export type NewDelivery = Omit<Delivery, 'seq' | 'failures'>;

export interface DeliverySummary {
  readonly seq: number;
  readonly id: string;
  readonly received_at: number;
  readonly source: string;
  readonly bytes: number;
  /** `pending`: accepted, not drained yet · `drained` · `parked`: drained three times in vain. */
  readonly state: 'pending' | 'drained' | 'parked';
  readonly error: string | null;
}

/**
 * One write. A list of them given to `commit` is one atomic unit: all of it is on disk, synced, or
 * none. Units that arrive in the same event-loop turn share a transaction, each in its savepoint.
 */
export type Change =
  | { readonly kind: 'delivery_add'; readonly delivery: NewDelivery }
  /** Moves the drain's cursor; conflict `cursor_moved` when it is not at `from`. */
  | { readonly kind: 'inbox_advance'; readonly from: number; readonly to: number }
  | {
      readonly kind: 'delivery_failed';
      readonly seq: number;
      readonly error: string;
      readonly parked: boolean;
    }
  /** Insert or replace by id. At most one open episode a fingerprint: conflict `episode_open`. */
  | { readonly kind: 'episode_put'; readonly episode: Episode }
  | { readonly kind: 'remediation_add'; readonly remediation: Remediation }
  /**
   * Replaces the row whose fence is `remediation.fence`; conflict `fence_lost` otherwise. If the stored
   * `wakes` differs from the row's, somebody woke it meanwhile: `next_at` becomes 0, so it is looked at again.
   * `release`: gives the claim up (claimed_by null, claim_until 0).
   */
  | {
      readonly kind: 'remediation_put';
      readonly remediation: Remediation;
      readonly release: boolean;
    }
  /** Live remediations of the episode: wakes + 1, next_at 0. */
  | { readonly kind: 'remediations_wake'; readonly episode_id: string }
  /** Every remediation in `waiting` for one of `reasons`: wakes + 1, next_at 0 (resume, breaker closed, lock freed). */
  | { readonly kind: 'waiting_wake'; readonly reasons: readonly GuardWord[] }
  /** Writes nothing; conflict `episode_closed` when the episode is not open. No action begins after a resolve. */
  | { readonly kind: 'require_open'; readonly episode_id: string }
  /**
   * Locks the targets for `holder` from intent to verdict. A target is locked whole; each of its parents
   * is locked shared. Conflict `target_locked` when another holder has the target at all, or one of its
   * parents whole. Asking again for what one holds is fine.
   */
  | {
      readonly kind: 'lock';
      readonly holder: string;
      readonly at: number;
      readonly targets: readonly LockTarget[];
    }
  | { readonly kind: 'unlock'; readonly holder: string }
  /** Insert or replace by id. */
  | { readonly kind: 'run_put'; readonly run: ActionRun }
  /** Insert; conflict `lease_taken` when an active lease stands on the target. */
  | { readonly kind: 'lease_add'; readonly lease: Lease }
  /** Replaces the row whose fence is `lease.fence` (conflict `fence_lost`); wakes as in remediation_put. */
  | { readonly kind: 'lease_put'; readonly lease: Lease; readonly release: boolean }
  /** Active leases with a holder of this episode: wakes + 1, next_at 0. */
  | { readonly kind: 'leases_wake'; readonly episode_id: string }
  /** Sets a flag's stored value if it is `expected` (absent row: the default given); conflict `flag_moved`. */
  | {
      readonly kind: 'flag_put';
      readonly key: string;
      readonly default_value: FlagValue;
      readonly expected: FlagValue;
      readonly value: FlagValue;
      readonly at: number;
      readonly actor: string;
    }
  /** A named document: pause, chaos, ... null deletes it. */
  | { readonly kind: 'setting_put'; readonly key: string; readonly value: Json }
  /** Keeps a rule's text by its hash, once, for the remediations that pin it. */
  | {
      readonly kind: 'rule_text_add';
      readonly hash: string;
      readonly name: string;
      readonly text: string;
      readonly at: number;
    }
  /** Gives up every claim; for a store that no other process can use, at start. */
  | { readonly kind: 'claims_release_all' }
  | { readonly kind: 'audit'; readonly entry: AuditEntry };

export interface LockTarget {
  readonly id: string;
  readonly parents: readonly string[];
}

export const CONFLICTS = [
  'cursor_moved',
  'episode_open',
  'episode_closed',
  'fence_lost',
  'target_locked',
  'lease_taken',
  'flag_moved',
] as const;
export type Conflict = (typeof CONFLICTS)[number];

/** A unit's precondition did not hold; nothing of it was written. Not a fault of the store. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
  readonly conflict: Conflict;
  constructor(conflict: Conflict, detail: string) {
    super(`${conflict}: ${detail}`);
    this.conflict = conflict;
  }
}

export interface Claim {
  readonly worker: string;
  readonly now: number;
  readonly until: number;
  readonly limit: number;
}

export interface Store {
  /** True when no other process can work on it: claims left over at start are nobody's. */
  readonly exclusive: boolean;
  /** Atomic and synced when it resolves. @throws ConflictError; anything else is the store's fault. */
  commit(changes: readonly Change[]): Promise<void>;
  /** Up to `limit` deliveries after the cursor, in arrival order, and the cursor itself. */
  inbox(
    limit: number,
  ): Promise<{ readonly cursor: number; readonly deliveries: readonly Delivery[] }>;
  inboxDepth(): Promise<{ readonly pending: number; readonly oldest_received_at: number | null }>;

  /** The newest episode of each fingerprint. */
  latestEpisodes(fingerprints: readonly string[]): Promise<ReadonlyMap<string, Episode>>;
  episode(id: string): Promise<Episode | undefined>;
  remediationsOf(episode_id: string): Promise<readonly Remediation[]>;
  remediation(id: string): Promise<Remediation | undefined>;
  runsOf(remediation_id: string): Promise<readonly ActionRun[]>;
  ruleText(hash: string): Promise<{ readonly name: string; readonly text: string } | undefined>;

  /** Claims due work (next_at <= now, no live claim): fence + 1, claimed_by, claim_until. Oldest first. */
  claimRemediations(claim: Claim): Promise<readonly Remediation[]>;
  claimLeases(claim: Claim): Promise<readonly Lease[]>;
  /** When the next unclaimed remediation or lease falls due; null when none waits. */
  nextDue(now: number): Promise<number | null>;
  /** The fence as it stands on disk: read before each backend call. */
  fenceOf(kind: 'remediation' | 'lease', id: string): Promise<number | undefined>;
  /** The fence, and the state of the episode, in one look: read before each attempt of an action. */
  standingOf(
    remediation_id: string,
  ): Promise<{ readonly fence: number; readonly episode: Episode['state'] } | undefined>;

  /** Who holds any of these targets (or their parents or children); `except` is not counted. */
  lockHolder(targets: readonly LockTarget[], except: string): Promise<string | undefined>;
  activeLease(target: string): Promise<Lease | undefined>;
  activeLeases(): Promise<readonly Lease[]>;
  /** The newest end of a remediation, other than `except`, that began an action on the target. */
  lastEndOn(target: string, except: string): Promise<number | undefined>;
  /** Start times, newest first, of this rule's runs on the target since `since`, one a remediation, without `except`. */
  runStarts(query: {
    rule: string;
    target: string;
    since: number;
    except: string;
  }): Promise<readonly number[]>;

  flag(
    key: string,
  ): Promise<
    { readonly value: FlagValue; readonly updated_at: number; readonly actor: string } | undefined
  >;
  setting(key: string): Promise<Json | undefined>;

  audit(query: AuditQuery): Promise<AuditPage>;
  /** Recomputes the chain in bounded slices, yielding to the event loop between them. */
  verifyAudit(from: number): Promise<AuditVerdict>;

  listEpisodes(query: ListQuery & { readonly state?: 'open' | 'closed' }): Promise<Page<Episode>>;
  listRemediations(
    query: ListQuery & { readonly state?: RemediationState; readonly rule?: string },
  ): Promise<Page<Remediation>>;
  listDeliveries(query: ListQuery): Promise<Page<DeliverySummary>>;
  countRemediations(): Promise<Readonly<Record<RemediationState, number>>>;

  /** Round trip to the database. @throws when it cannot serve. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface ListQuery {
  readonly limit: number;
  /** Opaque; from a page's `next_cursor`. @throws AutohealError `invalid_request` when it is not ours. */
  readonly cursor?: string;
  readonly fingerprint?: string;
  readonly alertname?: string;
}
export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

/** Repeated values of one field are OR, fields are AND. */
export interface AuditQuery {
  readonly kind?: readonly string[];
  readonly alertname?: readonly string[];
  readonly fingerprint?: readonly string[];
  readonly episode?: readonly string[];
  readonly remediation?: readonly string[];
  readonly target?: readonly string[];
  readonly rule?: readonly string[];
  readonly action?: readonly string[];
  readonly result?: readonly string[];
  readonly reason?: readonly string[];
  readonly actor?: readonly string[];
  readonly chaos?: boolean;
  readonly drill?: boolean;
  /** Ms since the epoch, inclusive. */
  readonly since?: number;
  /** Ms since the epoch, exclusive. */
  readonly until?: number;
  /** Free text: a substring, case-insensitive, of alertname, rule, target, cmd, reason, result or detail. */
  readonly q?: string;
  /** Only entries after this seq. */
  readonly after?: number;
  readonly order: 'asc' | 'desc';
  /** 1 to 1,000. */
  readonly limit: number;
  readonly cursor?: string;
}
export type AuditPage = Page<AuditRecord>;
export type AuditVerdict =
  | { readonly ok: true; readonly rows: number; readonly from: number; readonly head: string }
  | { readonly ok: false; readonly rows: number; readonly bad_seq: number; readonly why: string };
