import type { FlagValue } from './action.ts';
import type { AuditEntry } from './core/audit/audit.ts';
import type { Episode } from './core/alerts/episode.ts';
import type { Approval } from './core/healing/approval.ts';
import type { GuardWord } from './core/healing/guard-words.ts';
import type { Hold } from './core/healing/hold.ts';
import type { Json } from './core/json.ts';
import type { Lease } from './core/healing/lease.ts';
import type { ActionRun, Remediation } from './core/healing/remediation.ts';
import type { SloAdd } from './store-slo.ts';
import type { NewDelivery } from './store.ts';

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
  /** As `episode_put`, of an episode that goes on: only what a repeat may change is written. */
  | { readonly kind: 'episode_repeat'; readonly episode: Episode }
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
  /** Every remediation in `waiting` for one of `reasons`: wakes + 1, next_at 0 (resume, breaker closed, lease over). */
  | { readonly kind: 'waiting_wake'; readonly reasons: readonly GuardWord[] }
  /** Live remediations that follow this burn rate and have a lower priority get this one; none is lowered. */
  | { readonly kind: 'priority_raise'; readonly of: string; readonly priority: number }
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
  /** If the holder held anything: wakes those who wait for `busy`, the oldest first, at most `BUSY_WAKE_MAX`. */
  | { readonly kind: 'unlock'; readonly holder: string }
  /**
   * Counts the start of a run. `expected`: what `startCount` said when guards looked across targets; conflict
   * `starts_moved` when others started since, so that no two runs take the last place of a window.
   */
  | { readonly kind: 'start_count'; readonly expected: number | null }
  /** Insert; of a run that is there, what its outcome is: state, attempts, finished_at, evidence, error. */
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
  /** Insert or replace by id. */
  | { readonly kind: 'hold_put'; readonly hold: Hold }
  | { readonly kind: 'approval_add'; readonly approval: Approval }
  /** Answers a question that is open; conflict `approval_over` when it was answered or used already. */
  | {
      readonly kind: 'approval_answer';
      readonly id: string;
      readonly state: 'granted' | 'denied';
      readonly by: string;
      readonly reason: string;
      readonly at: number;
    }
  /** One grant starts one run: conflict `approval_over` when it is not granted, or used. */
  | { readonly kind: 'approval_use'; readonly id: string }
  /** Asks for no further step of a live remediation and wakes it; conflict `remediation_over` when it is done. */
  | {
      readonly kind: 'remediation_cancel';
      readonly id: string;
      readonly cancel: NonNullable<Remediation['cancel']>;
    }
  /** Wakes one live remediation. */
  | { readonly kind: 'remediation_wake'; readonly id: string }
  /** Lets every holder of the lease go: the next look reverts it. */
  | { readonly kind: 'lease_end'; readonly id: string; readonly by: string }
  /** Gives up every claim; for a store that no other process can use, at start. */
  | { readonly kind: 'claims_release_all' }
  /** Adds what was counted for the objectives since the last time. */
  | { readonly kind: 'slo_add'; readonly add: SloAdd }
  | { readonly kind: 'audit'; readonly entry: AuditEntry };

/**
 * One of those who wait gets the lock, the others look in vain: waking all of them at each end would be quadratic in
 * a storm. A few more than one, because who is first may be held, or no longer fire. Who is not among them loses
 * nothing but time: every wait for `busy` looks again by itself.
 */
export const BUSY_WAKE_MAX = 8;

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
  'starts_moved',
  'lease_taken',
  'flag_moved',
  'approval_over',
  'remediation_over',
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
