import type { FlagValue } from './action.ts';
import type { Change, LockTarget } from './changes.ts';
import type { AuditRecord } from './core/audit/audit.ts';
import type { Episode } from './core/alerts/episode.ts';
import type { Approval } from './core/healing/approval.ts';
import type { Touched } from './core/healing/guard-facts.ts';
import type { Hold } from './core/healing/hold.ts';
import type { Json } from './core/json.ts';
import type { Lease } from './core/healing/lease.ts';
import type {
  ActionRun,
  Outcome,
  Remediation,
  RemediationState,
} from './core/healing/remediation.ts';
import type { OrderReads } from './store-order.ts';
import type { SloReads } from './store-slo.ts';

export {
  BUSY_WAKE_MAX,
  CONFLICTS,
  type Change,
  type Conflict,
  ConflictError,
  type LockTarget,
} from './changes.ts';

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

/** A look at recorded deliveries that costs the same whatever it finds. */
export interface RecordedQuery {
  /** Only those with a larger seq. */
  readonly after: number;
  /** How many places of the order are looked at, 1 to 1,000. */
  readonly limit: number;
  /** Ms since the epoch, inclusive. */
  readonly since?: number;
  /** Ms since the epoch, exclusive. */
  readonly until?: number;
}
export interface Recorded {
  /** Maybe none, although there are more behind. */
  readonly deliveries: readonly Delivery[];
  /** Where the next look begins; null: nothing is recorded behind this. */
  readonly next: number | null;
}

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

export interface Claim {
  readonly worker: string;
  readonly now: number;
  readonly until: number;
  readonly limit: number;
}

export interface Store extends OrderReads, SloReads {
  /** True when no other process can work on it: claims left over at start are nobody's. */
  readonly exclusive: boolean;
  /** Atomic and synced when it resolves. @throws ConflictError; anything else is the store's fault. */
  commit(changes: readonly Change[]): Promise<void>;
  /** Up to `limit` deliveries after the cursor, in arrival order, and the cursor itself. */
  inbox(
    limit: number,
  ): Promise<{ readonly cursor: number; readonly deliveries: readonly Delivery[] }>;
  inboxDepth(): Promise<{ readonly pending: number; readonly oldest_received_at: number | null }>;
  /** What was recorded, drained or not, in arrival order; see `RecordedQuery`. */
  recorded(query: RecordedQuery): Promise<Recorded>;

  /** The newest episode of each fingerprint. */
  latestEpisodes(fingerprints: readonly string[]): Promise<ReadonlyMap<string, Episode>>;
  episode(id: string): Promise<Episode | undefined>;
  remediationsOf(episode_id: string): Promise<readonly Remediation[]>;
  remediation(id: string): Promise<Remediation | undefined>;
  runsOf(remediation_id: string): Promise<readonly ActionRun[]>;
  ruleText(hash: string): Promise<{ readonly name: string; readonly text: string } | undefined>;

  /** Claims due work (next_at <= now, no live claim): fence + 1, claimed_by, claim_until. First by `compareQueued`. */
  claimRemediations(claim: Claim): Promise<readonly Remediation[]>;
  /** The same, oldest first. */
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

  /** Starts of runs ever counted; see the change `start_count`. */
  startCount(): Promise<number>;
  /** Targets locked by others than `except` that share a lock on any of these parents: siblings that are worked on. */
  lockSharers(parents: readonly string[], except: string): Promise<number>;
  /** Start of the `n`th newest run, each remediation counted once, since `since`; null: of any rule. */
  nthStart(query: {
    readonly rule: string | null;
    readonly n: number;
    readonly since: number;
    readonly except: string;
  }): Promise<number | undefined>;
  /** Targets that remediations other than `except` began to touch since `since`, at most `limit`. */
  touchedSince(query: {
    readonly since: number;
    readonly except: string;
    readonly limit: number;
  }): Promise<readonly Touched[]>;
  /** Different alerts that got a remediation since `since`, counted up to `limit`. */
  wantedSince(since: number, limit: number): Promise<number>;
  /**
   * Outcomes of this rule's newest remediations that began an action on the target and healed or escalated, newest
   * first; without failures on purpose, drills and errors of ours.
   */
  outcomesOn(query: {
    readonly rule: string;
    readonly target: string;
    readonly limit: number;
  }): Promise<readonly Outcome[]>;

  /** The newest lease that stood on the target, ended ones too. */
  lastLease(target: string): Promise<Lease | undefined>;
  /** Holds, quarantines, and acknowledgements of open episodes, that stand at `now`. */
  holds(now: number): Promise<readonly Hold[]>;
  hold(id: string): Promise<Hold | undefined>;
  /** The newest question about this very plan. */
  approvalFor(remediation_id: string, plan_hash: string): Promise<Approval | undefined>;
  /** The newest question of a remediation. */
  approvalOf(remediation_id: string): Promise<Approval | undefined>;
  /** Questions that somebody waits for, not answered yet and not expired, oldest first. */
  openApprovals(now: number): Promise<readonly Approval[]>;

  flag(
    key: string,
  ): Promise<
    { readonly value: FlagValue; readonly updated_at: number; readonly actor: string } | undefined
  >;
  setting(key: string): Promise<Json | undefined>;

  audit(query: AuditQuery): Promise<AuditPage>;
  /**
   * Recomputes the chain in bounded slices, yielding to the event loop between them; at most `limit` entries of it,
   * where that is given.
   */
  verifyAudit(from: number, limit?: number): Promise<AuditVerdict>;
  /**
   * Removes rows by age, a bounded number of them, in small transactions with turns of the event loop
   * between. What is still needed stays: see docs/policy.md, `retention`.
   */
  retain(query: RetainQuery): Promise<Retained>;

  listEpisodes(query: ListQuery & { readonly state?: 'open' | 'closed' }): Promise<Page<Episode>>;
  listRemediations(
    query: ListQuery & { readonly state?: RemediationState; readonly rule?: string },
  ): Promise<Page<Remediation>>;
  listDeliveries(query: ListQuery): Promise<Page<DeliverySummary>>;
  countRemediations(): Promise<Readonly<Record<RemediationState, number>>>;
  /** Since when the oldest of each kind of work waits. */
  oldestWork(): Promise<Waits>;

  /** Round trip to the database, now and then with a write. @throws when it cannot serve. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** States of a remediation that is not over. */
export const LIVE_STATES = [
  'ready',
  'waiting',
  'acting',
  'verifying',
  'escalating',
] as const satisfies RemediationState[];
/** By state, when the oldest remediation was created; `lease`: the oldest that stands. Ms since the epoch; null: none. */
export type Waits = Readonly<Record<(typeof LIVE_STATES)[number] | 'lease', number | null>>;

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
  | {
      readonly ok: true;
      readonly rows: number;
      /** The first entry that was looked at. */
      readonly from: number;
      readonly head: string;
      /** Where it began, when it was asked for entries that retention has removed. */
      readonly checkpoint?: AuditCheckpoint;
    }
  | { readonly ok: false; readonly rows: number; readonly bad_seq: number; readonly why: string };

/** What retention has left of the entries it removed; the chain goes on from it. */
export interface AuditCheckpoint {
  readonly removed_to_seq: number;
  /** Hash of that entry. */
  readonly hash: string;
  readonly ts: number;
}

/** Times in ms since the epoch. Rows from before them may go. */
export interface RetainQuery {
  readonly now: number;
  readonly audit_before: number;
  readonly deliveries_before: number;
  readonly episodes_before: number;
  readonly slo_before: number;
  /** Start of the longest window of any guard: runs since then stay, with what they belong to. */
  readonly runs_since: number;
  /** Id of the entry `audit_checkpoint`, should one be written. */
  readonly checkpoint_id: string;
}
export const RETAINED_TABLES = [
  'audit',
  'deliveries',
  'episodes',
  'remediations',
  'leases',
  'holds',
  'slo',
] as const;
export type RetainedTable = (typeof RETAINED_TABLES)[number];
export interface Retained {
  /** Rows removed; what belongs to a row (its runs, its failures) is not counted. */
  readonly rows: Readonly<Record<RetainedTable, number>>;
  /** There may be more to remove now. */
  readonly more: boolean;
}
