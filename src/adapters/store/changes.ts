import type { FlagValue } from '../../action.ts';
import { jsonEqual } from '../../core/json.ts';
import type { Lease } from '../../core/healing/lease.ts';
import {
  BUSY_WAKE_MAX,
  type Change,
  type Conflict,
  ConflictError,
  type LockTarget,
} from '../../store.ts';
import * as operators from './changes-guards.ts';
import { codeOf } from './faults.ts';
import { EPISODE_REPEATS, EPISODES, LEASES, REMEDIATIONS, RUNS } from './rows.ts';
import { sloAdd } from './slo.ts';
import type { Sql } from './sqlite.ts';
import * as text from './statements.ts';
import * as order from './statements-order.ts';

/** Every change but `audit`, whose entries are chained last, after all units of the transaction. */
export type Write = Exclude<Change, { kind: 'audit' }>;
type Kind = Write['kind'];
type Of<K extends Kind> = Extract<Write, { kind: K }>;

/** What is kept of a failed drain's error. */
const ERROR_CHARS_MAX = 2000;
/** Changes that take more than one write: they need a savepoint even when they are alone. */
const SEVERAL_WRITES: readonly Kind[] = [
  'lock',
  'unlock',
  'lease_add',
  'lease_put',
  'claims_release_all',
  'slo_add',
];

/** True when a unit that fails can leave something behind. A savepoint costs 2 us: intake has none. */
export function needsSavepoint(writes: readonly Write[]): boolean {
  return writes.length > 1 || writes.some((write) => SEVERAL_WRITES.includes(write.kind));
}

/**
 * Applies one change inside the running transaction. @throws ConflictError when its precondition
 * does not hold.
 */
export function applyChange(sql: Sql, change: Write): void {
  const apply = HANDLERS[change.kind] as (sql: Sql, change: Write) => void;
  apply(sql, change);
}

const HANDLERS: { readonly [K in Kind]: (sql: Sql, change: Of<K>) => void } = {
  delivery_add: deliveryAdd,
  inbox_advance: inboxAdvance,
  delivery_failed: deliveryFailed,
  episode_put: episodePut,
  episode_repeat: episodeRepeat,
  remediation_add: remediationAdd,
  remediation_put: remediationPut,
  remediations_wake: remediationsWake,
  waiting_wake: waitingWake,
  priority_raise: priorityRaise,
  require_open: requireOpen,
  lock,
  unlock,
  run_put: runPut,
  lease_add: leaseAdd,
  lease_put: leasePut,
  leases_wake: leasesWake,
  flag_put: flagPut,
  setting_put: settingPut,
  rule_text_add: ruleTextAdd,
  start_count: operators.startCount,
  hold_put: operators.holdPut,
  approval_add: operators.approvalAdd,
  approval_answer: operators.approvalAnswer,
  approval_use: operators.approvalUse,
  remediation_cancel: operators.remediationCancel,
  remediation_wake: operators.remediationWake,
  lease_end: operators.leaseEnd,
  claims_release_all: claimsReleaseAll,
  slo_add: (sql, { add }) => sloAdd(sql, add),
};

function deliveryAdd(sql: Sql, { delivery }: Of<'delivery_add'>): void {
  sql.run(text.delivery_add, [
    delivery.id,
    Math.round(delivery.received_at),
    delivery.source.toWellFormed(),
    delivery.trace_id,
    delivery.body,
  ]);
}

function inboxAdvance(sql: Sql, { from, to }: Of<'inbox_advance'>): void {
  if (sql.run(text.inbox_advance, [from, to]) === 1) return;
  const [at] = sql.column<number>(text.inbox_cursor);
  throw new ConflictError('cursor_moved', `the inbox is drained to ${at}, not to ${from}`);
}

function deliveryFailed(sql: Sql, change: Of<'delivery_failed'>): void {
  const error = change.error.slice(0, ERROR_CHARS_MAX).toWellFormed();
  sql.run(text.delivery_failed, [change.seq, change.parked ? 1 : 0, error]);
}

function episodePut(sql: Sql, { episode }: Of<'episode_put'>): void {
  unique(
    { column: 'episodes.fingerprint', conflict: 'episode_open', detail: episode.fingerprint },
    () => sql.run(text.episode_put, EPISODES.encode(episode)),
  );
}

function episodeRepeat(sql: Sql, { episode }: Of<'episode_repeat'>): void {
  if (sql.run(text.episode_repeat, EPISODE_REPEATS.encode(episode)) === 1) return;
  throw new Error(`episode ${episode.id} is not there to be repeated`);
}

function remediationAdd(sql: Sql, { remediation }: Of<'remediation_add'>): void {
  sql.run(text.remediation_add, REMEDIATIONS.encode(remediation));
}

function remediationPut(sql: Sql, { remediation, release }: Of<'remediation_put'>): void {
  const row = release ? { ...remediation, claimed_by: null, claim_until: 0 } : remediation;
  const changed = sql.run(text.remediation_put, REMEDIATIONS.encode(row));
  if (changed === 0) fenceLost('remediation', remediation);
}

function remediationsWake(sql: Sql, { episode_id }: Of<'remediations_wake'>): void {
  sql.run(text.remediations_wake, [episode_id]);
}

function waitingWake(sql: Sql, { reasons }: Of<'waiting_wake'>): void {
  for (const reason of new Set(reasons)) sql.run(text.waiting_wake, [reason]);
}

function priorityRaise(sql: Sql, { of, priority }: Of<'priority_raise'>): void {
  sql.run(order.priority_raise, [of.toWellFormed(), priority]);
}

function requireOpen(sql: Sql, { episode_id }: Of<'require_open'>): void {
  const [state] = sql.column<string>(text.episode_state, [episode_id]);
  if (state === 'open') return;
  throw new ConflictError('episode_closed', `episode ${episode_id} is ${state ?? 'unknown'}`);
}

function lock(sql: Sql, { holder, at, targets }: Of<'lock'>): void {
  for (const target of targets) {
    const other = lockedBy(sql, target, holder);
    if (other !== undefined) {
      throw new ConflictError('target_locked', `${target.id} is locked by ${other}`);
    }
    sql.run(text.lock, [target.id.toWellFormed(), holder, 1, Math.round(at)]);
    for (const parent of target.parents) {
      sql.run(text.lock, [parent.toWellFormed(), holder, 0, Math.round(at)]);
    }
  }
}

/** Who else holds the target, or one of its parents whole. */
export function lockedBy(sql: Sql, target: LockTarget, holder: string): string | undefined {
  const id = target.id.toWellFormed();
  if (target.parents.length === 0)
    return sql.column<string>(text.lock_conflict_alone, [id, holder])[0];
  const parents = target.parents.map((parent) => parent.toWellFormed());
  return sql.column<string>(text.lock_conflict, [holder, id, JSON.stringify(parents)])[0];
}

function unlock(sql: Sql, { holder }: Of<'unlock'>): void {
  if (sql.run(text.unlock, [holder]) > 0) sql.run(text.busy_wake, [holder, BUSY_WAKE_MAX]);
}

function runPut(sql: Sql, { run }: Of<'run_put'>): void {
  sql.run(text.run_put, RUNS.encode(run));
}

function leaseAdd(sql: Sql, { lease }: Of<'lease_add'>): void {
  oneLease(lease, () => sql.run(text.lease_add, LEASES.encode(lease)));
  addHolders(sql, lease);
}

function leasePut(sql: Sql, { lease, release }: Of<'lease_put'>): void {
  const row = release ? { ...lease, claimed_by: null, claim_until: 0 } : lease;
  const changed = oneLease(lease, () => sql.run(text.lease_put, LEASES.encode(row)));
  if (changed === 0) fenceLost('lease', lease);
  addHolders(sql, lease);
}

function addHolders(sql: Sql, lease: Lease): void {
  for (const holder of lease.holders) sql.run(text.lease_holder_add, [holder.episode_id, lease.id]);
}

function oneLease(lease: Lease, write: () => number): number {
  return unique(
    { column: 'leases.target_id', conflict: 'lease_taken', detail: lease.target.id },
    write,
  );
}

function leasesWake(sql: Sql, { episode_id }: Of<'leases_wake'>): void {
  if (sql.get(text.lease_held, [episode_id]) !== undefined) sql.run(text.leases_wake, [episode_id]);
}

function flagPut(sql: Sql, change: Of<'flag_put'>): void {
  const [stored] = sql.column<string>(text.flag, [change.key]);
  const now = stored === undefined ? change.default_value : (JSON.parse(stored) as FlagValue);
  if (!jsonEqual(now, change.expected)) {
    const found = `${JSON.stringify(now)}, not ${JSON.stringify(change.expected)}`;
    throw new ConflictError('flag_moved', `flag ${change.key} is ${found}`);
  }
  const value = JSON.stringify(change.value);
  sql.run(text.flag_put, [change.key, value, Math.round(change.at), change.actor.toWellFormed()]);
}

function settingPut(sql: Sql, { key, value }: Of<'setting_put'>): void {
  if (value === null) sql.run(text.setting_delete, [key]);
  else sql.run(text.setting_put, [key, JSON.stringify(value)]);
}

function ruleTextAdd(sql: Sql, change: Of<'rule_text_add'>): void {
  const body = change.text.toWellFormed();
  sql.run(text.rule_text_add, [change.hash, change.name, body, Math.round(change.at)]);
}

function claimsReleaseAll(sql: Sql): void {
  sql.run(text.remediation_claims_release);
  sql.run(text.lease_claims_release);
}

function fenceLost(what: string, row: { readonly id: string; readonly fence: number }): never {
  throw new ConflictError(
    'fence_lost',
    `${what} ${row.id} is not there with fence ${row.fence}: another claim was made since`,
  );
}

/** Turns the violation of one unique index into its conflict; the driver names the column. */
function unique(
  index: { readonly column: string; readonly conflict: Conflict; readonly detail: string },
  write: () => number,
): number {
  try {
    return write();
  } catch (error) {
    const ours =
      codeOf(error) === 'SQLITE_CONSTRAINT_UNIQUE' &&
      (error as Error).message.endsWith(index.column);
    throw ours ? new ConflictError(index.conflict, index.detail) : error;
  }
}
