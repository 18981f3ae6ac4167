import type { Reverted } from '../action.ts';
import type { AuditDraft } from '../core/audit/audit.ts';
import type { Lease, LeaseHolder } from '../core/healing/lease.ts';
import { isoTime } from '../core/time.ts';
import { type Change, ConflictError } from '../store.ts';
import { actionContext } from './action-context.ts';
import { CallFailed, callBackend } from './call.ts';
import { auditChange, type Engine } from './deps.ts';
import { notYet, standsForGood } from './revert-waits.ts';
import { toHuman } from './revert-human.ts';
import { revertSpan } from './spans.ts';

/** All attempts of one round of a revert end within this. */
const REVERT_DEADLINE_MS = 60_000;
/** Rounds before a human is told; the lease goes on being tried by an operator only. */
export const REVERT_ROUNDS_MAX = 8;
const ROUND_PAUSE_MIN_MS = 10_000;
const ROUND_PAUSE_MAX_MS = 300_000;
/** Somebody works on the target: look again soon. Their verdict wakes the lease as well. */
const BUSY_PAUSE_MS = 1_000;
const PAUSED_PAUSE_MS = 15_000;

/**
 * Looks after one claimed lease: lets its holders go when their alert resolved, their time is over or their
 * action failed, and, after the last, restores the original value.
 */
export async function tendLease(lease: Lease, engine: Engine): Promise<void> {
  try {
    await tend(lease, engine);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    const { id, trace_id } = lease;
    engine.log.warn({ lease: id, trace_id, conflict: error.conflict }, 'lease claim lost');
  }
}

async function tend(lease: Lease, engine: Engine): Promise<void> {
  const holders = await Promise.all(lease.holders.map((holder) => judge(lease, holder, engine)));
  const standing = holders.filter((holder) => holder.released === null);
  const drafts = expiries(lease, holders);
  const looked: Lease = { ...lease, holders, updated_at: engine.clock.now() };
  if (standing.length > 0) {
    const next_at = Math.min(...standing.map((holder) => holder.expires_at));
    return put({ ...looked, next_at }, true, [], drafts, engine);
  }
  const at = await notYet(lease, looked, engine);
  // Nothing is released on disk before it is reverted: evidence may still come that it fires.
  if (at !== undefined) return wait(lease, at, engine);
  return revert(lease, looked, drafts, engine);
}

/** The lease stands on. One that came back after each revert goes to a human, once. */
async function wait(lease: Lease, next_at: number, engine: Engine): Promise<void> {
  if (!standsForGood(lease) || lease.told_at !== null) return later(lease, next_at, engine);
  const why = `${lease.alertname} fired again after each of ${lease.relapses} reverts: the cure may hide the symptom. It stands until somebody undoes it`;
  const told = await toHuman(lease, 'revert_held', why, engine);
  // Nobody was reached: it is tried again with the next look.
  const told_at = told.result === 'not_sent' ? null : engine.clock.now();
  return put({ ...lease, next_at, told_at }, true, [], [told], engine);
}

/** Looked at again then, with its holders judged anew. */
function later(lease: Lease, next_at: number, engine: Engine): Promise<void> {
  return put({ ...lease, next_at }, true, [], [], engine);
}

/** Does the holder still hold? Its end is counted from the last evidence that the alert fires. */
async function judge(lease: Lease, holder: LeaseHolder, engine: Engine): Promise<LeaseHolder> {
  if (holder.released !== null) return holder;
  if (lease.ended_by !== null) return { ...holder, released: 'operator' };
  const [episode, runs] = await Promise.all([
    engine.store.episode(holder.episode_id),
    engine.store.runsOf(holder.remediation_id),
  ]);
  const run = runs.findLast((row) => row.target.id === lease.target.id);
  if (run?.state === 'failed') return { ...holder, released: 'failed' };
  if (episode === undefined || episode.state === 'closed')
    return { ...holder, released: 'resolved' };
  const expires_at = episode.last_firing_at + holder.lease_ms;
  const released = expires_at <= engine.clock.now() ? 'expired' : null;
  return { ...holder, expires_at, released };
}

function expiries(before: Lease, holders: readonly LeaseHolder[]): readonly AuditDraft[] {
  const fresh = holders.filter(
    (holder, at) => holder.released === 'expired' && before.holders[at]?.released === null,
  );
  return fresh.map((holder) => ({
    kind: 'lease_expired',
    remediation: holder.remediation_id,
    episode: holder.episode_id,
    result: 'expired',
    reason: 'expired',
    detail: { lease: before.id, expires_at: isoTime(holder.expires_at), value: before.value },
  }));
}

/** `before`: as it is on disk, its holders not let go yet. */
async function revert(
  before: Lease,
  lease: Lease,
  drafts: readonly AuditDraft[],
  engine: Engine,
): Promise<void> {
  const now = engine.clock.now();
  if (engine.operator.mode() === 'paused') return later(before, now + PAUSED_PAUSE_MS, engine);
  const { backend } = backendOf(lease, engine);
  if (engine.breakers.state(backend) === 'open')
    return later(before, Math.max(engine.breakers.openUntil(backend), now + 1_000), engine);
  const begun: Lease = { ...lease, state: 'reverting', claim_until: now + 2 * REVERT_DEADLINE_MS };
  const lock: Change = { kind: 'lock', holder: lease.id, at: now, targets: [lease.target] };
  try {
    // The intent to revert: locked and on disk before the backend is called.
    await put(begun, false, [lock], drafts, engine);
  } catch (error) {
    if (!(error instanceof ConflictError) || error.conflict !== 'target_locked') throw error;
    return later(before, now + BUSY_PAUSE_MS, engine);
  }
  await engine.tracer.span(revertSpan(begun), async (span) => {
    const found = await attempt(begun, attemptsBefore(lease), engine);
    if (found instanceof CallFailed) span.fail(found.failure.code);
    else span.set({ 'autoheal.result': found.result });
    await conclude(begun, found, engine);
  });
}

type Attempt = Reverted | CallFailed;

/** A crash, a failed round or a step that failed half-way: this revert is not the first hand on the target. */
function attemptsBefore(lease: Lease): number {
  const half_way = lease.holders.some((holder) => holder.released === 'failed');
  return lease.state === 'reverting' || lease.tries > 0 || half_way ? 1 : 0;
}

async function attempt(lease: Lease, earlier: number, engine: Engine): Promise<Attempt> {
  const { backend, revert: undo } = backendOf(lease, engine);
  try {
    const { value } = await callBackend(engine, {
      backend,
      action: null,
      deadline_at: engine.clock.now() + REVERT_DEADLINE_MS,
      before: async () => {
        if ((await engine.store.fenceOf('lease', lease.id)) !== lease.fence)
          throw new ConflictError('fence_lost', `lease ${lease.id}`);
      },
      run: (signal, number) => {
        const idempotency_key = `${lease.id}/revert`;
        const cause = {
          fingerprint: lease.fingerprint,
          rule: lease.rule,
          remediation: lease.holders.at(-1)?.remediation_id ?? lease.id,
          alertname: lease.alertname,
          labels: {},
          annotations: {},
          intent_at: lease.updated_at,
          trace_id: lease.trace_id,
        };
        const options = { signal, attempt: earlier + number, idempotency_key, cause };
        const context = actionContext(engine, options);
        const { params, original, value: leased } = lease;
        return undo(lease.target, { params, original, value: leased }, context);
      },
    });
    return value;
  } catch (error) {
    if (error instanceof CallFailed) return error;
    throw error;
  }
}

function backendOf(lease: Lease, engine: Engine) {
  const action = engine.actions.get(lease.action);
  if (action?.revert === undefined)
    throw new Error(`lease ${lease.id}: action ${lease.action} is gone or cannot revert`);
  return { backend: action.backend, revert: action.revert };
}

async function conclude(lease: Lease, found: Attempt, engine: Engine): Promise<void> {
  if (found instanceof CallFailed) return failed(lease, found, engine);
  const superseded = found.result === 'changed_elsewhere';
  engine.metrics.revert(superseded ? 'left_alone' : 'ok');
  const draft: AuditDraft = {
    kind: 'revert_ok',
    cmd: found.cmd,
    result: superseded ? 'left_alone' : 'reverted',
    reason: superseded ? 'changed_elsewhere' : (lease.holders.at(-1)?.released ?? null),
    detail: { lease: lease.id, from: lease.value, to: lease.original, evidence: found.evidence },
  };
  const state = superseded ? 'superseded' : 'reverted';
  await put(
    { ...lease, state, updated_at: engine.clock.now() },
    true,
    freed(lease),
    [draft],
    engine,
  );
}

function freed({ id }: Lease): readonly Change[] {
  return [
    { kind: 'unlock', holder: id },
    { kind: 'waiting_wake', reasons: ['leased'] },
  ];
}

async function failed(lease: Lease, found: CallFailed, engine: Engine): Promise<void> {
  engine.metrics.revert('error');
  const now = engine.clock.now();
  const tries = lease.tries + 1;
  const over = tries >= REVERT_ROUNDS_MAX;
  const { code, message } = found.failure;
  const draft: AuditDraft = {
    kind: 'revert_fail',
    result: over ? 'given_up' : 'tried_again',
    reason: code,
    attempt: tries,
    detail: { lease: lease.id, from: lease.value, to: lease.original, why: message },
  };
  const drafts: AuditDraft[] = over
    ? [draft, await toHuman(lease, 'revert_failed', message, engine)]
    : [draft];
  const pause_ms = Math.min(ROUND_PAUSE_MAX_MS, ROUND_PAUSE_MIN_MS * 2 ** (tries - 1));
  const row: Lease = {
    ...lease,
    tries,
    state: over ? 'failed' : 'reverting',
    next_at: now + pause_ms,
  };
  await put(row, true, freed(lease), drafts, engine);
}

async function put(
  lease: Lease,
  release: boolean,
  changes: readonly Change[],
  drafts: readonly AuditDraft[],
  engine: Engine,
): Promise<void> {
  const last = lease.holders.at(-1);
  const about = {
    alertname: lease.alertname,
    fingerprint: lease.fingerprint,
    episode: last?.episode_id ?? null,
    remediation: last?.remediation_id ?? null,
    rule: lease.rule,
    action: lease.action,
    target: lease.target.id,
    drill: lease.drill,
    trace_id: lease.trace_id,
  };
  await engine.store.commit([
    { kind: 'lease_put', lease, release },
    ...changes,
    ...drafts.map((draft) => auditChange(engine, { ...about, ...draft })),
  ]);
}
