import type { Probe } from '../../action.ts';
import type { ActionRun } from '../../core/healing/remediation.ts';
import type { Change } from '../../store.ts';
import { CallFailed } from '../call.ts';
import { callAction } from '../call-action.ts';
import type { Engine } from '../deps.ts';
import { auditOf, type Stage, type StageResult, type Work, type Writes } from '../work.ts';
import { earlyVerdict, saidOf } from './hold.ts';
import { CLAIM_MARGIN_MS } from './intent.ts';
import { PLAN_DEADLINE_MS } from './plan.ts';

/**
 * An intent without an outcome: a worker died in between, and nobody knows whether it acted. An action
 * that is safe to repeat is begun again with the same plan; else its target is asked first. What nobody
 * can tell goes to a human.
 */
export const recover: Stage = { name: 'recover', states: ['acting'], run };

async function run(work: Work, engine: Engine): Promise<StageResult> {
  if (!work.interrupted) return { kind: 'next', work };
  const runs: ActionRun[] = [];
  for (const row of work.runs)
    runs.push(row.state === 'intent' ? await settle(work, row, engine) : row);
  const changes = runs.map((row): Change => ({ kind: 'run_put', run: row }));
  const lost = runs.find((row) => row.error === 'lost_in_crash');
  if (lost !== undefined) {
    const detail = `${lost.target.cmd}: a worker died between intent and outcome, and the target cannot tell whether it was done`;
    const draft = {
      ...auditOf(work),
      kind: 'action_fail' as const,
      target: lost.target.id,
      cmd: lost.target.cmd,
    };
    const drafts = [{ ...draft, result: 'lost', reason: 'lost_in_crash', detail: { why: detail } }];
    return { kind: 'escalate', reason: 'lost_in_crash', detail, changes, drafts };
  }
  return goOn({ ...work, runs }, changes, engine);
}

/** What is still to do is begun only if it would be begun now: not paused, not stale, still firing. */
async function goOn(work: Work, changes: readonly Change[], engine: Engine): Promise<StageResult> {
  const { remediation } = work;
  const claim_until = engine.clock.now() + work.step.deadline_ms + CLAIM_MARGIN_MS;
  const next: StageResult = {
    kind: 'next',
    work: { ...work, interrupted: false, remediation: { ...remediation, claim_until } },
    changes,
  };
  if (work.runs.every((row) => row.state !== 'intent')) return next;
  const { cancel } = remediation;
  if (cancel !== null)
    return {
      kind: 'end',
      outcome: 'cancelled',
      reason: 'operator',
      detail: saidOf(cancel),
      ...notBegun(work, 'cancelled', engine),
    };
  const verdict = await earlyVerdict(work, engine);
  if (verdict.kind === 'allow') return next;
  if (verdict.kind === 'wait') return { kind: 'again', at: verdict.retry_at, remediation, changes };
  if (verdict.kind === 'ask') throw new Error('only the guard stage asks');
  return {
    kind: 'end',
    outcome: 'refused',
    reason: verdict.reason,
    detail: verdict.detail,
    ...notBegun(work, verdict.reason, engine),
  };
}

/** What was intended stays undone, and the audit log says so of each target. */
function notBegun(work: Work, error: string, engine: Engine): Required<Omit<Writes, 'work'>> {
  engine.metrics.remediation(work.action.id, 'skipped', work.remediation.drill);
  const undone = work.runs.filter(({ state }) => state === 'intent');
  return {
    changes: work.runs.map((row) => ({ kind: 'run_put', run: closed(row, error, engine) })),
    drafts: undone.map(({ target, attempts }) => ({
      kind: 'action_fail',
      target: target.id,
      cmd: target.cmd,
      attempt: attempts,
      result: 'failed',
      reason: error,
    })),
  };
}

function closed(row: ActionRun, error: string, engine: Engine): ActionRun {
  if (row.state !== 'intent') return row;
  return { ...row, state: 'failed', error, finished_at: engine.clock.now() };
}

async function settle(work: Work, row: ActionRun, engine: Engine): Promise<ActionRun> {
  // Chaos fails the step without acting, and safe actions are repeated: neither needs to ask.
  if (row.chaos) return row;
  // The next attempt is the second: the first may have got part of the way.
  if (work.action.safe_to_repeat) return { ...row, attempts: Math.max(1, row.attempts) };
  const found = await probe(work, row, engine);
  if (found === 'not_done') return row;
  if (found === 'unknown') return closed(row, 'lost_in_crash', engine);
  return {
    ...row,
    state: 'ok',
    attempts: 1,
    finished_at: engine.clock.now(),
    evidence: { recovered: true },
  };
}

async function probe(work: Work, row: ActionRun, engine: Engine): Promise<Probe> {
  const { probe: ask } = work.action;
  if (ask === undefined) return 'unknown';
  try {
    const { value } = await callAction(work, engine, {
      idempotency_key: row.id,
      params: row.params,
      within_ms: PLAN_DEADLINE_MS,
      intent_at: row.started_at,
      ask: (params, context) => ask(params, row.target, context),
    });
    return value;
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    return 'unknown';
  }
}
