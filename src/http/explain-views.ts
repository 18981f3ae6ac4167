import { z } from 'zod';
import { EARLY_GUARDS, PLAN_GUARDS } from '../core/healing/guards.ts';
import { isoTime } from '../core/time.ts';
import {
  type AlertAnswer,
  type PayloadAnswer,
  type RuleAnswer,
  WOULD,
  type Would,
} from '../engine/api.ts';
import { JsonObject, Labels, NullableTime, PlanItem, planView, Time, timeOrNull } from './views.ts';

/** Answers to "why, or why not?" and "what would be done?", each view beside its schema. */

const NullableText = z.string().nullable();

export const GuardItem = z.strictObject({
  guard: z.string(),
  /** Null: it was not asked, because no plan was made. */
  verdict: z.enum(['allow', 'wait', 'ask', 'refuse']).nullable(),
  detail: NullableText,
});
/** Every guard in its order; those that had nothing to say allowed it. */
export function guardViews({ guards, state, reason, detail }: Would['asked']): readonly object[] {
  const early = EARLY_GUARDS.map(({ word }) => ({ word, asked: guards !== null }));
  const planned = PLAN_GUARDS.map(({ word }) => ({ word, asked: guards?.planned === true }));
  return [...early, ...planned].map(({ word, asked }) => {
    // What came between the guards and the commit, and the breaker before there is a plan, only waits.
    const waits =
      state === 'waiting' && reason === word ? ({ verdict: 'wait', detail } as const) : undefined;
    const said = guards?.values.find(({ guard }) => guard === word) ?? waits;
    return {
      guard: word,
      verdict: said?.verdict ?? (asked ? 'allow' : null),
      detail: said?.detail ?? null,
    };
  });
}

const WouldItem = z
  .strictObject({
    /** The remediation that stands for it; null: one would be made. */
    remediation: NullableText,
    /** The step that is next, counted from 1. */
    step: z.int(),
    /** Each step with the parameters it would get; null: `problem` says why it gets none. */
    ladder: z.array(
      z.strictObject({
        step: z.int(),
        action: z.string(),
        params: JsonObject.nullable(),
        problem: NullableText,
        lease_seconds: z.number().nullable(),
      }),
    ),
    /** Of that step; null: none was made, and `unplanned` says why where one was tried. */
    plan: PlanItem.nullable(),
    unplanned: NullableText,
    asked_at: NullableTime,
    guards: z.array(GuardItem),
    decision: z.strictObject({
      would: z.enum(WOULD),
      /** A guard's word, the failure's code, or what the alert would be. */
      reason: NullableText,
      /** When the guard may have lifted; null: nothing says. */
      until: NullableTime,
      text: z.string(),
    }),
  })
  .meta({ id: 'Would' });
function wouldView({ ladder, plan, asked, decision, ...would }: Would): object {
  return {
    ...would,
    step: would.step + 1,
    ladder: ladder.map(({ step, lease_ms, ...rung }) => ({
      step: step + 1,
      ...rung,
      lease_seconds: lease_ms === null ? null : lease_ms / 1_000,
    })),
    plan: plan && planView(plan),
    asked_at: asked.guards === null ? null : isoTime(asked.guards.at),
    guards: guardViews(asked),
    decision: { ...decision, until: timeOrNull(decision.until) },
  };
}

export const RuleItem = z
  .strictObject({
    rule: z.string(),
    matches: z.boolean(),
    /** The first matcher that does not hold, as it is written; null where all hold. */
    first_failing_matcher: NullableText,
    /** Why a rule that matches was not taken. */
    why: NullableText,
    /** What it would do now; null: it is not taken. */
    would: WouldItem.nullable(),
  })
  .meta({ id: 'ExplainedRule' });
export function ruleView({ would, ...rule }: RuleAnswer): object {
  return { ...rule, would: would && wouldView(would) };
}

export const PayloadItem = z.strictObject({
  asked_at: Time,
  mode: z.enum(['auto', 'approve', 'dry-run', 'paused']),
  alerts: z.array(
    z.strictObject({
      status: z.enum(['firing', 'resolved']),
      alertname: z.string(),
      fingerprint: z.string(),
      labels: Labels,
      /** What it would be to the newest episode of its fingerprint. */
      becomes: z.string(),
      /** Where that leaves nothing to do. */
      why: NullableText,
      /** Id of that episode; null: there is none, or a new one would begin. */
      episode: NullableText,
      rules: z.array(RuleItem),
    }),
  ),
  /** Usable alerts that were not looked at: beyond the limits of one question. */
  left_out: z.int(),
  unusable: z.array(z.strictObject({ index: z.int(), why: z.string() })),
});
export function payloadView({ asked_at, alerts, ...answer }: PayloadAnswer): object {
  return { asked_at: isoTime(asked_at), ...answer, alerts: alerts.map(alertView) };
}

function alertView({ rules, ...alert }: AlertAnswer): object {
  return { ...alert, rules: rules.map(ruleView) };
}
