import type { AuditDraft } from '../../core/audit/audit.ts';
import {
  EARLY_GUARDS,
  PLAN_GUARDS,
  type PlanFacts,
  runGuards,
  type TargetFacts,
} from '../../core/healing/guards.ts';
import type { Plan, Target } from '../../core/healing/remediation.ts';
import { CallFailed } from '../call.ts';
import { callAction } from '../call-action.ts';
import type { Engine } from '../deps.ts';
import type { Stage, StageResult, Work } from '../work.ts';
import { earlyFacts, verdictResult } from './hold.ts';
import { breakerFacts, PLAN_DEADLINE_MS } from './plan.ts';

/** The guards on the plan; in dry-run, the preview of what all the others allowed. */
export const guard: Stage = { name: 'guard', states: ['ready', 'waiting'], run };

async function run(work: Work, engine: Engine): Promise<StageResult> {
  const { plan } = work.remediation;
  if (plan === null) throw new Error('the guard stage needs a plan');
  const facts = await factsOf(work, plan, engine);
  // Planning took time: the guards before it look again.
  const early = runGuards(EARLY_GUARDS, facts);
  const verdict = early.kind === 'allow' ? runGuards(PLAN_GUARDS, facts) : early;
  const result = verdictResult(work, verdict);
  if (result.kind !== 'end' || result.outcome !== 'dry_run') return result;
  engine.metrics.remediation(work.action.id, 'dry_run', work.remediation.drill);
  return { ...result, drafts: await previews(work, plan, engine) };
}

async function factsOf(work: Work, plan: Plan, engine: Engine): Promise<PlanFacts> {
  const { remediation, rule } = work;
  const episode = (await engine.store.episode(remediation.episode_id)) ?? work.episode;
  return {
    ...earlyFacts(work, episode, engine),
    rule_mode: rule.mode,
    plan,
    lock_holder: await engine.store.lockHolder(plan.targets, remediation.id),
    on: await Promise.all(plan.targets.map((target) => targetFacts(work, target, engine))),
    breaker: breakerFacts(work.action.backend, engine),
  };
}

async function targetFacts(work: Work, target: Target, engine: Engine): Promise<TargetFacts> {
  const { id } = work.remediation;
  const widest_ms = Math.max(0, ...work.rule.guard.limit.map((window) => window.window_ms));
  const since = engine.clock.now() - widest_ms;
  return {
    target,
    lease: await engine.store.activeLease(target.id),
    last_end: await engine.store.lastEndOn(target.id, id),
    run_starts: await engine.store.runStarts({
      rule: work.rule.name,
      target: target.id,
      since,
      except: id,
    }),
  };
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
