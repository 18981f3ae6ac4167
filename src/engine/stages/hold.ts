import type { AuditDraft } from '../../core/audit/audit.ts';
import { EARLY_GUARDS, guardValues, runGuards } from '../../core/healing/guards.ts';
import type { EarlyFacts } from '../../core/healing/guard-facts.ts';
import type { Verdict } from '../../core/healing/guard-words.ts';
import type { Remediation } from '../../core/healing/remediation.ts';
import type { Engine } from '../deps.ts';
import { earlyFacts, looksOf } from '../facts.ts';
import type { Stage, StageResult, Work } from '../work.ts';

/** The guards that need no plan: before any backend is asked for one. */
export const hold: Stage = { name: 'hold', states: ['ready', 'waiting'], run };

async function run(work: Work, engine: Engine): Promise<StageResult> {
  const { cancel } = work.remediation;
  if (cancel !== null)
    return { kind: 'end', outcome: 'cancelled', reason: 'operator', detail: saidOf(cancel) };
  const looks = await looksOf(work, engine);
  const facts = await earlyFacts(work, looks, work.episode, [], engine);
  const looked: Work = { ...work, looks };
  return verdictResult(asked(looked, facts), runGuards(EARLY_GUARDS, facts));
}

/** An operator's wish for no further step, in words. */
export function saidOf(cancel: NonNullable<Remediation['cancel']>): string {
  return `${cancel.actor} cancelled it: ${cancel.reason}`;
}

/** Keeps what the guards said, for "why not?". */
function asked(work: Work, facts: EarlyFacts): Work {
  const guards = { at: facts.now, planned: false, values: guardValues(EARLY_GUARDS, facts) };
  return { ...work, remediation: { ...work.remediation, guards } };
}

/** The early guards' answer now; for work that was interrupted and is to go on. */
export async function earlyVerdict(work: Work, engine: Engine): Promise<Verdict> {
  const looks = await looksOf(work, engine);
  const targets = work.runs.map(({ target }) => target);
  return runGuards(EARLY_GUARDS, await earlyFacts(work, looks, work.episode, targets, engine));
}

/** A guard's verdict as a stage's result, with the work as the guards left it. Only a refusal ends a remediation. */
export function verdictResult(work: Work, verdict: Verdict): StageResult {
  if (verdict.kind === 'allow') return { kind: 'next', work };
  if (verdict.kind === 'wait') return { ...verdict, work };
  if (verdict.kind === 'ask') throw new Error('only the guard stage asks');
  const { reason, detail } = verdict;
  const draft: AuditDraft = {
    kind: 'decision_skip',
    reason,
    result: 'refused',
    detail: { why: detail },
  };
  if (verdict.tell === true) return { kind: 'escalate', work, reason, detail, drafts: [draft] };
  const dry = reason === 'dry_run';
  const outcome = dry ? 'dry_run' : 'refused';
  return { kind: 'end', work, outcome, reason, detail, drafts: dry ? [] : [draft] };
}
