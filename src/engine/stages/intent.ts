import type { AuditDraft } from '../../core/audit/audit.ts';
import { jsonEqual } from '../../core/json.ts';
import type { Lease, LeaseHolder } from '../../core/healing/lease.ts';
import type { ActionRun, Plan, Target } from '../../core/healing/remediation.ts';
import type { Change } from '../../store.ts';
import type { Engine } from '../deps.ts';
import { auditOf, type Stage, type StageResult, type Work } from '../work.ts';

/** A claim outlives the deadline of the action it covers by this much. */
export const CLAIM_MARGIN_MS = 30_000;

/** An alert that opens within this time of our own revert was perhaps only hidden by the lease. */
const RELAPSE_WITHIN_MS = 15 * 60_000;

/**
 * Writes down what is about to be done, before it is done: lock, undo, one run for each target. The
 * commit refuses when the alert resolved, or the target was locked, since the guards looked.
 */
export const intent: Stage = { name: 'intent', states: ['ready', 'waiting'], run };

async function run(work: Work, engine: Engine): Promise<StageResult> {
  const { remediation, step } = work;
  const { plan } = remediation;
  if (plan === null) throw new Error('the intent stage needs a plan');
  const now = engine.clock.now();
  const draw = engine.chaos.draw();
  const runs = plan.targets.map((target) => runOf(work, plan, target, draw.fails, now));
  const leases = await leaseChanges(work, plan, engine);
  if (leases === 'claimed') {
    const detail = 'the lease on the target is being looked after';
    return { kind: 'wait', reason: 'leased', retry_at: now + 1_000, detail };
  }
  return {
    kind: 'next',
    work: {
      ...work,
      runs,
      interrupted: false,
      remediation: {
        ...remediation,
        state: 'acting',
        reason: null,
        detail: null,
        verify: null,
        claim_until: now + step.deadline_ms + CLAIM_MARGIN_MS,
      },
    },
    changes: [
      { kind: 'require_open', episode_id: remediation.episode_id },
      { kind: 'lock', holder: remediation.id, at: now, targets: plan.targets },
      { kind: 'start_count', expected: work.starts ?? null },
      ...runs.map((row): Change => ({ kind: 'run_put', run: row })),
      ...leases,
      ...(work.grant === undefined ? [] : [{ kind: 'approval_use' as const, id: work.grant }]),
      ...draw.changes,
    ],
    drafts: runs.map((row) => startDraft(work, row)),
  };
}

function runOf(work: Work, plan: Plan, target: Target, chaos: boolean, now: number): ActionRun {
  return {
    id: `${work.remediation.id}/${plan.step}/${target.id}`,
    remediation_id: work.remediation.id,
    rule: work.rule.name,
    step: plan.step,
    action: plan.action,
    target,
    params: plan.params,
    state: 'intent',
    attempts: 0,
    chaos,
    started_at: now,
    finished_at: null,
    evidence: null,
    error: null,
  };
}

function startDraft(work: Work, row: ActionRun): AuditDraft {
  return {
    ...auditOf(work),
    kind: 'action_start',
    target: row.target.id,
    cmd: row.target.cmd,
    attempt: 1,
    detail: { params: row.params, observed: row.target.observed, desired: row.target.desired },
  };
}

/** The undo of each target, before it is touched: a new lease, or one more holder of the one that stands. */
async function leaseChanges(
  work: Work,
  plan: Plan,
  engine: Engine,
): Promise<readonly Change[] | 'claimed'> {
  const { lease_ms } = work.step;
  if (lease_ms === null) return [];
  const holder: LeaseHolder = {
    remediation_id: work.remediation.id,
    episode_id: work.remediation.episode_id,
    lease_ms,
    expires_at: work.episode.last_firing_at + lease_ms,
    released: null,
  };
  const changes: Change[] = [];
  for (const target of plan.targets) {
    const standing = await engine.store.activeLease(target.id);
    // Only who claimed a lease may write it, else one of two writers would lose a holder.
    if (standing !== undefined && standing.claim_until > engine.clock.now()) return 'claimed';
    if (standing === undefined)
      changes.push({
        kind: 'lease_add',
        lease: newLease(work, plan, target, holder, await relapses(work, target, engine), engine),
      });
    else
      changes.push({
        kind: 'lease_put',
        lease: joined(standing, holder, engine.clock.now()),
        release: true,
      });
  }
  return changes;
}

/** Fires again soon after our own revert of the same value: the cure may hide the symptom. */
async function relapses(work: Work, target: Target, engine: Engine): Promise<number> {
  const last = await engine.store.lastLease(target.id);
  if (last?.state !== 'reverted' || !jsonEqual(last.value, target.desired)) return 0;
  if (last.fingerprint !== work.remediation.fingerprint || last.ended_by !== null) return 0;
  const soon = work.episode.opened_at - last.updated_at < RELAPSE_WITHIN_MS;
  return soon ? last.relapses + 1 : 0;
}

function newLease(
  work: Work,
  plan: Plan,
  target: Target,
  holder: LeaseHolder,
  relapses_before: number,
  engine: Engine,
): Lease {
  const now = engine.clock.now();
  return {
    id: engine.ids.next(),
    target,
    action: plan.action,
    params: plan.params,
    original: target.observed,
    value: target.desired,
    state: 'active',
    holders: [holder],
    rule: work.rule.name,
    alertname: work.remediation.alertname,
    fingerprint: work.remediation.fingerprint,
    drill: work.remediation.drill,
    trace_id: work.remediation.trace_id,
    tries: 0,
    relapses: relapses_before,
    told_at: null,
    ended_by: null,
    created_at: now,
    updated_at: now,
    next_at: holder.expires_at,
    wakes: 0,
    fence: 0,
    claimed_by: null,
    claim_until: 0,
  };
}

function joined(lease: Lease, holder: LeaseHolder, now: number): Lease {
  const others = lease.holders.filter((other) => other.remediation_id !== holder.remediation_id);
  return { ...lease, holders: [...others, holder], updated_at: now };
}
