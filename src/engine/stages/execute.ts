import type { AuditDraft } from '../../core/audit/audit.ts';
import type { ActionRun, VerifyProgress } from '../../core/healing/remediation.ts';
import type { Change } from '../../store.ts';
import { CallFailed } from '../call.ts';
import { callAction } from '../call-action.ts';
import type { Engine } from '../deps.ts';
import { CLAIM_MARGIN_MS } from './intent.ts';
import { auditOf, type Stage, type StageResult, type Work } from '../work.ts';

/** Carries out the intent, target after target; the first failure stops the rest. */
export const execute: Stage = { name: 'execute', states: ['acting'], run };

/** The claim was lost while acting: somebody else decides by probing. */
class ClaimLost extends Error {
  override readonly name = 'ClaimLost';
}
/** The alert resolved before an attempt: it is not begun. */
class NoLongerFiring extends Error {
  override readonly name = 'NoLongerFiring';
}

async function run(work: Work, engine: Engine): Promise<StageResult> {
  const finished: ActionRun[] = [];
  for (const row of work.runs) {
    if (row.state !== 'intent') {
      finished.push(row);
      continue;
    }
    try {
      finished.push(await perform(work, row, engine));
    } catch (error) {
      if (error instanceof ClaimLost) return { kind: 'lost' };
      if (error instanceof NoLongerFiring) return overtaken(work, [...finished, row], engine);
      throw error;
    }
    if (finished.at(-1)?.state === 'failed') break;
  }
  return concluded(work, [...finished, ...notBegun(work, finished.length, engine)], engine);
}

/** What came after a failure is left alone, and its runs say so. */
function notBegun(work: Work, from: number, engine: Engine): readonly ActionRun[] {
  return work.runs
    .slice(from)
    .map((row) => ended(row, engine, 0, { error: 'not_begun', evidence: {} }));
}

/** One target, to its outcome. */
async function perform(work: Work, row: ActionRun, engine: Engine): Promise<ActionRun> {
  if (row.chaos) {
    engine.metrics.attempt(row.action, 'chaos');
    return ended(row, engine, 1, { error: 'chaos_injected_failure', evidence: { chaos: true } });
  }
  try {
    const { value, attempts } = await callAction(work, engine, {
      idempotency_key: row.id,
      params: row.params,
      // The deadline is the step's: targets that come later have what is left of it, inside the claim.
      within_ms: Math.max(0, work.remediation.claim_until - CLAIM_MARGIN_MS - engine.clock.now()),
      intent_at: row.started_at,
      counted: true,
      attempts_before: row.attempts,
      before: () => mayStillAct(work, engine),
      ask: (params, context) => work.action.execute(params, row.target, context),
    });
    return ended(row, engine, row.attempts + attempts, { error: null, evidence: value });
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    const evidence = { error: error.failure.code, message: error.failure.message };
    return ended(row, engine, row.attempts + error.attempts, {
      error: error.failure.code,
      evidence,
    });
  }
}

/** Read again from disk before each backend call: the fence (DESIGN §3), and whether it still fires. */
async function mayStillAct(work: Work, engine: Engine): Promise<void> {
  const { id, fence } = work.remediation;
  const standing = await engine.store.standingOf(id);
  if (standing?.fence !== fence) throw new ClaimLost();
  if (standing.episode === 'closed') throw new NoLongerFiring();
}

function ended(
  row: ActionRun,
  engine: Engine,
  attempts: number,
  end: Pick<ActionRun, 'error' | 'evidence'>,
): ActionRun {
  const state = end.error === null ? 'ok' : 'failed';
  return { ...row, ...end, attempts, state, finished_at: engine.clock.now() };
}

function concluded(work: Work, runs: readonly ActionRun[], engine: Engine): StageResult {
  const changes = runs.map((row): Change => ({ kind: 'run_put', run: row }));
  const drafts = runs.map((row) => endDraft(work, row));
  const bad = runs.find((row) => row.state === 'failed');
  const { drill } = work.remediation;
  if (bad !== undefined) {
    const reason = bad.error ?? 'unexpected';
    engine.metrics.remediation(bad.action, reason === 'timeout' ? 'timeout' : 'failure', drill);
    const message = bad.evidence?.['message'];
    const detail = typeof message === 'string' ? message : reason;
    return { kind: 'step_failed', reason, detail: `${bad.target.cmd}: ${detail}`, changes, drafts };
  }
  engine.metrics.remediation(work.action.id, 'success', drill);
  const remediation = {
    ...work.remediation,
    state: 'verifying' as const,
    verify: begun(work, engine),
  };
  // Whether the alert has resolved is known here; PromQL and health ask, and may take seconds.
  const together = work.step.verify.check.kind === 'resolved';
  return { kind: 'next', work: { ...work, runs, remediation }, together, changes, drafts };
}

function begun(work: Work, engine: Engine): VerifyProgress {
  const started_at = engine.clock.now();
  const { within_ms } = work.step.verify;
  return {
    started_at,
    deadline_at: started_at + within_ms,
    holds_since: null,
    held: false,
    last: 'not looked yet',
    blind: false,
    checks: 0,
  };
}

/** Resolved between two attempts: what was not begun stays undone, and the run says so. */
function overtaken(work: Work, runs: readonly ActionRun[], engine: Engine): StageResult {
  const rows = runs.map((row) =>
    row.state === 'intent' ? ended(row, engine, 0, { error: 'resolved', evidence: {} }) : row,
  );
  engine.metrics.remediation(work.action.id, 'skipped', work.remediation.drill);
  return {
    kind: 'end',
    outcome: 'refused',
    reason: 'resolved',
    detail: 'the alert resolved before the action was (re)tried',
    changes: rows.map((row): Change => ({ kind: 'run_put', run: row })),
    drafts: rows.map((row) => endDraft(work, row)),
  };
}

function endDraft(work: Work, row: ActionRun): AuditDraft {
  const ok = row.state === 'ok';
  return {
    ...auditOf(work),
    kind: ok ? 'action_ok' : 'action_fail',
    target: row.target.id,
    cmd: row.target.cmd,
    attempt: row.attempts,
    result: ok ? 'ok' : row.chaos ? 'chaos_injected_failure' : 'failed',
    reason: row.error,
    rc: exitCodeOf(row),
    duration_ms: row.finished_at === null ? null : row.finished_at - row.started_at,
    chaos: row.chaos,
    detail: { evidence: row.evidence },
  };
}

/** What a program ended with, where the action ran one and says so. */
function exitCodeOf({ evidence }: ActionRun): number | null {
  const rc = evidence?.['rc'];
  return typeof rc === 'number' && Number.isInteger(rc) ? rc : null;
}
