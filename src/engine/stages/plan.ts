import { ActionError } from '../../action.ts';
import type { JsonObject } from '../../core/json.ts';
import { breakerOpen } from '../../core/healing/guards-risk.ts';
import type { Plan, Target } from '../../core/healing/remediation.ts';
import { validateRendered } from '../../core/rules/rendered-params.ts';
import { renderJson } from '../../core/rules/template.ts';
import { CallFailed } from '../call.ts';
import { callAction } from '../call-action.ts';
import type { Engine } from '../deps.ts';
import { breakerFacts } from '../facts.ts';
import type { Stage, StageResult, Work } from '../work.ts';
import { verdictResult } from './hold.ts';

/** Observing may not take longer than this in all. */
export const PLAN_DEADLINE_MS = 15_000;
/** One step touches at most this many targets. */
export const TARGETS_MAX = 50;

/** Makes the step concrete: renders and checks its parameters, finds and observes its targets. */
export const plan: Stage = { name: 'plan', states: ['ready', 'waiting'], run };

async function run(work: Work, engine: Engine): Promise<StageResult> {
  const params = renderParams(work);
  if (!params.ok) return failed(work, engine, 'invalid_params', params.detail);
  const { backend } = work.action;
  // An open breaker means that the backend just failed: asking it for a plan would only fail again.
  const breaker = breakerFacts(backend, engine);
  const verdict = breakerOpen({ now: engine.clock.now(), breaker });
  if (verdict.kind !== 'allow') return verdictResult(work, verdict);
  try {
    const targets = await resolveTargets(work, engine, params.params);
    const made: Plan = {
      step: work.remediation.step,
      action: work.action.id,
      params: params.params,
      targets,
      made_at: engine.clock.now(),
    };
    return { kind: 'next', work: { ...work, remediation: { ...work.remediation, plan: made } } };
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    return failed(work, engine, error.failure.code, error.failure.message);
  }
}

type RenderedParams =
  | { readonly ok: true; readonly params: JsonObject }
  | { readonly ok: false; readonly detail: string };

/** Parameters are validated again after rendering: a label's value may not fit. */
export function renderParams({
  step,
  action,
  episode,
}: Pick<Work, 'step' | 'action' | 'episode'>): RenderedParams {
  const rendered = renderJson(step.with, episode);
  if (!rendered.ok) return { ok: false, detail: rendered.message };
  const parsed = validateRendered(action.params, step.with, rendered.value);
  if (parsed.ok) return { ok: true, params: parsed.value as JsonObject };
  return { ok: false, detail: `after rendering, ${parsed.message}` };
}

async function resolveTargets(
  work: Work,
  engine: Engine,
  params: JsonObject,
): Promise<readonly Target[]> {
  const { value } = await callAction(work, engine, {
    idempotency_key: `${work.remediation.id}/${work.remediation.step}/plan`,
    params,
    within_ms: PLAN_DEADLINE_MS,
    intent_at: null,
    ask: async (given, context) => bounded(await work.action.resolve(given, context)),
  });
  return value;
}

function bounded(targets: readonly Target[]): readonly Target[] {
  if (targets.length === 0)
    throw new ActionError('not_found', 'the step has no target', { retryable: false });
  if (targets.length > TARGETS_MAX)
    throw new ActionError(
      'ambiguous',
      `the step has ${targets.length} targets, more than ${TARGETS_MAX}`,
      {
        retryable: false,
      },
    );
  return targets;
}

function failed(work: Work, engine: Engine, reason: string, detail: string): StageResult {
  const outcome = reason === 'limit_reached' ? 'skipped' : 'failure';
  engine.metrics.remediation(work.action.id, outcome, work.remediation.drill);
  return {
    kind: 'step_failed',
    reason,
    detail,
    drafts: [{ kind: 'action_fail', result: 'not_begun', reason, detail: { why: detail } }],
  };
}
