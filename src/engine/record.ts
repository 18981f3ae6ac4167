import type { AuditDraft } from '../core/audit/audit.ts';
import { GUARD_WORDS, type GuardWord } from '../core/healing/guard-words.ts';
import type { Outcome, Remediation } from '../core/healing/remediation.ts';
import { type Change, ConflictError } from '../store.ts';
import { auditChange, type Engine } from './deps.ts';
import { tellThatItWaits } from './approvals.ts';
import { NOTHING, quarantined } from './quarantine.ts';
import { recordRemediation } from './spans.ts';
import { auditOf, auditOfRemediation, type StageResult, type Work, type Writes } from './work.ts';

/**
 * Writes a stage's decision down: the new state and its audit entries, in one unit. The only writer of
 * remediations besides the drain, which creates them.
 */
export async function settle(work: Work, result: StageResult, engine: Engine): Promise<void> {
  try {
    await settleOnce(work, result, engine);
  } catch (error) {
    // Another worker holds the claim now and decides from what is on disk.
    if (!(error instanceof ConflictError)) throw error;
    const { id, trace_id } = work.remediation;
    engine.log.warn({ remediation: id, trace_id, conflict: error.conflict }, 'claim lost');
  }
}

async function settleOnce(work: Work, result: StageResult, engine: Engine): Promise<void> {
  switch (result.kind) {
    case 'next':
    case 'lost':
      return;
    case 'wait':
      return waiting(work, result, engine);
    case 'ask':
      return asking(work, result, engine);
    case 'again':
      return commitWork(
        engine,
        work,
        { ...stamped(result.remediation, engine), next_at: result.at },
        true,
        result,
      );
    case 'step_failed':
      return stepFailed(work, result, engine);
    case 'escalate':
      return toHuman(work, result, engine);
    case 'end':
      return finish(engine, work.remediation, result, result, auditOf(work));
  }
}

/** One audit entry for each reason it waits for, not for each look. */
async function waiting(
  work: Work,
  result: Extract<StageResult, { kind: 'wait' }>,
  engine: Engine,
): Promise<void> {
  const { reason, detail, retry_at } = result;
  if (reason !== 'holdout') engine.metrics.guard(reason, 'wait');
  const news = work.remediation.reason !== reason || work.remediation.state !== 'waiting';
  const drafts: AuditDraft[] = news
    ? [
        {
          kind: 'decision_wait',
          result: 'waiting',
          reason,
          detail: { why: detail, retry_at_ms: retry_at },
        },
      ]
    : [];
  const remediation = stamped(work.remediation, engine);
  const row: Remediation = {
    ...remediation,
    state: 'waiting',
    reason,
    detail,
    plan: null,
    next_at: retry_at,
  };
  await commitWork(engine, work, row, true, {
    changes: result.changes ?? [],
    drafts: [...(result.drafts ?? []), ...drafts],
  });
}

/** The question and the wait for its answer are one commit; then people are told that it waits. */
async function asking(
  work: Work,
  result: Extract<StageResult, { kind: 'ask' }>,
  engine: Engine,
): Promise<void> {
  const { reason, detail, approval } = result;
  engine.metrics.guard(reason, 'wait');
  const { cmds, expires_at, role, plan_hash } = approval;
  const row: Remediation = {
    ...stamped(work.remediation, engine),
    state: 'waiting',
    reason,
    detail: `${detail}; asked, nobody has answered yet`,
    plan: null,
    next_at: expires_at,
  };
  await commitWork(engine, work, row, true, {
    changes: [{ kind: 'approval_add', approval }],
    drafts: [
      {
        kind: 'approval_requested',
        result: 'asked',
        reason,
        detail: {
          approval: approval.id,
          plan_hash,
          cmds: [...cmds],
          why: detail,
          expires_at_ms: expires_at,
          role,
        },
      },
    ],
  });
  await tellThatItWaits(work, approval, engine);
}

async function stepFailed(
  work: Work,
  result: Extract<StageResult, { kind: 'step_failed' }>,
  engine: Engine,
): Promise<void> {
  if (work.remediation.step + 1 >= work.rule.steps.length) return toHuman(work, result, engine);
  const now = engine.clock.now();
  const row: Remediation = {
    ...stamped(work.remediation, engine),
    state: 'ready',
    step: work.remediation.step + 1,
    reason: result.reason,
    detail: result.detail,
    plan: null,
    verify: null,
    next_at: now,
  };
  await commitWork(engine, work, row, true, {
    ...result,
    changes: [...(result.changes ?? []), ...unlocked(work.remediation)],
  });
}

async function toHuman(
  work: Work,
  result: { readonly reason: string; readonly detail: string } & Writes,
  engine: Engine,
): Promise<void> {
  const row: Remediation = {
    ...stamped(work.remediation, engine),
    state: 'escalating',
    reason: result.reason,
    detail: result.detail,
    tries: 0,
    next_at: engine.clock.now(),
  };
  await commitWork(engine, work, row, true, {
    ...result,
    changes: [...(result.changes ?? []), ...unlocked(work.remediation)],
  });
}

interface Ending {
  readonly outcome: Outcome;
  readonly reason: string;
  readonly detail: string;
}

async function finish(
  engine: Engine,
  remediation: Remediation,
  ending: Ending,
  writes: Writes,
  about: Omit<AuditDraft, 'kind'> = auditOfRemediation(remediation),
): Promise<void> {
  const now = engine.clock.now();
  const { outcome, reason, detail } = ending;
  const drafts: AuditDraft[] = [
    ...(writes.drafts ?? []),
    {
      kind: 'remediation_done',
      result: outcome,
      reason,
      duration_ms: now - remediation.created_at,
      dry_run: outcome === 'dry_run',
      detail: { why: detail },
    },
  ];
  // An error of ours says nothing about the rule.
  const judged = outcome === 'escalated' && reason !== 'internal';
  const quarantine = judged ? await quarantined(remediation, engine) : NOTHING;
  const row: Remediation = {
    ...stamped(remediation, engine),
    state: 'done',
    outcome,
    reason,
    detail,
    ended_at: now,
  };
  await engine.store.commit([
    { kind: 'remediation_put', remediation: row, release: true },
    ...(writes.changes ?? []),
    ...unlocked(remediation),
    ...quarantine.changes,
    ...[...drafts, ...quarantine.drafts].map((draft) =>
      auditChange(engine, { ...about, ...draft }),
    ),
  ]);
  recordRemediation(engine, row);
  engine.metrics.remediationDone(outcome, remediation.rule);
  const loudly = outcome === 'escalated' && (GUARD_WORDS as readonly string[]).includes(reason);
  if (outcome === 'refused' || loudly) engine.metrics.guard(reason as GuardWord, 'refuse');
  engine.log.info({ ...about, outcome, reason, detail }, 'remediation done');
}

/** An error of ours came back each time: a human is told instead of trying for ever. */
export async function giveUp(claimed: Remediation, error: unknown, engine: Engine): Promise<void> {
  const detail = `an error inside autoheal: ${error instanceof Error ? error.message : String(error)}`;
  const row: Remediation = {
    ...stamped(claimed, engine),
    state: 'escalating',
    reason: 'internal',
    detail,
    tries: 0,
    next_at: engine.clock.now(),
  };
  if (claimed.state === 'escalating')
    return finish(engine, claimed, { outcome: 'escalated', reason: 'internal', detail }, {});
  const about = auditOfRemediation(claimed);
  await engine.store.commit([
    { kind: 'remediation_put', remediation: row, release: true },
    { kind: 'unlock', holder: claimed.id },
    auditChange(engine, {
      ...about,
      kind: 'decision_skip',
      result: 'failed',
      reason: 'internal',
      detail: { why: detail },
    }),
  ]);
}

/** The lock stands from intent to verdict; this is the verdict. Its lease, if any, is looked at anew. */
function unlocked({ id, episode_id }: Remediation): readonly Change[] {
  return [
    { kind: 'unlock', holder: id },
    { kind: 'leases_wake', episode_id },
  ];
}

/** Commits the row and what goes with it. @throws ConflictError: nothing was written. */
export async function commitWork(
  engine: Engine,
  work: Work,
  remediation: Remediation,
  release: boolean,
  writes: Writes,
): Promise<void> {
  const about = auditOf(work);
  await engine.store.commit([
    { kind: 'remediation_put', remediation, release },
    ...(writes.changes ?? []),
    ...(writes.drafts ?? []).map((draft) => auditChange(engine, { ...about, ...draft })),
  ]);
}

export function stamped(remediation: Remediation, engine: Engine): Remediation {
  return { ...remediation, updated_at: engine.clock.now() };
}

/** What the remediation refers to can no longer be read: it ends, and says why. */
export async function endUnreadable(
  claimed: Remediation,
  detail: string,
  engine: Engine,
): Promise<void> {
  await finish(engine, claimed, { outcome: 'cancelled', reason: 'rule_unreadable', detail }, {});
}
