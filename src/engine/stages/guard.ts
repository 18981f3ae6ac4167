import type { AuditDraft } from '../../core/audit/audit.ts';
import type { Approval } from '../../core/healing/approval.ts';
import { EARLY_GUARDS, guardValues, PLAN_GUARDS, runGuards } from '../../core/healing/guards.ts';
import type { PlanFacts } from '../../core/healing/guard-facts.ts';
import type { Verdict } from '../../core/healing/guard-words.ts';
import type { Plan, Target } from '../../core/healing/remediation.ts';
import { CallFailed } from '../call.ts';
import { callAction } from '../call-action.ts';
import type { Engine } from '../deps.ts';
import type { Stage, StageResult, Work } from '../work.ts';
import { hashOf, looksOf, planFacts } from '../facts.ts';
import { verdictResult } from './hold.ts';
import { PLAN_DEADLINE_MS } from './plan.ts';

/** The guards on the plan; in dry-run, the preview of what all the others allowed. */
export const guard: Stage = { name: 'guard', states: ['ready', 'waiting'], run };

async function run(work: Work, engine: Engine): Promise<StageResult> {
  const { plan } = work.remediation;
  if (plan === null) throw new Error('the guard stage needs a plan');
  const looks = await looksOf(work, engine);
  const facts = await planFacts(work, looks, plan, engine);
  const looked = asked({ ...work, looks }, facts);
  // Planning took time: the guards before it look again.
  const early = runGuards(EARLY_GUARDS, facts);
  const verdict = early.kind === 'allow' ? runGuards(PLAN_GUARDS, facts) : early;
  if (verdict.kind === 'ask') return ask(looked, plan, verdict, engine);
  const result = verdictResult(looked, verdict);
  if (result.kind === 'next') return { ...result, work: granted(looked, facts) };
  if (result.kind !== 'end' || result.outcome !== 'dry_run') return result;
  engine.metrics.remediation(work.action.id, 'dry_run', work.remediation.drill);
  return { ...result, drafts: await previews(work, plan, engine) };
}

/** Keeps what all guards said, for "why not?"; what only reports is counted. */
function asked(work: Work, facts: PlanFacts): Work {
  const values = [...guardValues(EARLY_GUARDS, facts), ...guardValues(PLAN_GUARDS, facts)];
  const guards = { at: facts.now, planned: true, values };
  return { ...work, remediation: { ...work.remediation, guards } };
}

/** The grant that let it through is used up by the run that it starts. */
function granted(work: Work, { approval, starts }: PlanFacts): Work {
  const counted: Work = { ...work, starts };
  return approval?.state === 'granted' ? { ...counted, grant: approval.id } : counted;
}

function ask(
  work: Work,
  plan: Plan,
  verdict: Extract<Verdict, { kind: 'ask' }>,
  engine: Engine,
): StageResult {
  const { role, within_ms } = work.rule.guard.approval;
  const now = engine.clock.now();
  const approval: Approval = {
    id: engine.ids.next(),
    remediation_id: work.remediation.id,
    plan_hash: hashOf(work, plan),
    state: 'asked',
    role,
    cmds: plan.targets.map(({ cmd }) => cmd),
    why: verdict.detail,
    asked_at: now,
    expires_at: now + within_ms,
    answered_at: null,
    answered_by: null,
    reason: null,
  };
  const { reason, detail } = verdict;
  return { kind: 'ask', work, reason, detail, approval };
}

async function previews(work: Work, plan: Plan, engine: Engine): Promise<readonly AuditDraft[]> {
  const drafts: AuditDraft[] = [];
  for (const target of plan.targets) {
    const text = await preview(work, plan, target, engine);
    drafts.push({
      kind: 'action_dry_run',
      target: target.id,
      cmd: target.cmd,
      result: 'previewed',
      reason: 'dry_run',
      dry_run: true,
      detail: { preview: text, observed: target.observed, desired: target.desired },
    });
  }
  return drafts;
}

/** A preview that cannot be made is said, not hidden: in dry-run nothing else depends on it. */
async function preview(work: Work, plan: Plan, target: Target, engine: Engine): Promise<string> {
  try {
    const { value } = await callAction(work, engine, {
      idempotency_key: `${work.remediation.id}/${plan.step}/preview`,
      params: plan.params,
      within_ms: PLAN_DEADLINE_MS,
      intent_at: null,
      ask: (params, context) => work.action.preview(params, target, context),
    });
    return value;
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    return `no preview: ${error.failure.code}: ${error.failure.message}`;
  }
}
