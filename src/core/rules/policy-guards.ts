import { z } from 'zod';
import type { Problem } from './diagnostic.ts';
import type { PolicyGuards } from './rule.ts';
import { checkNotifier, isObject } from './rule-params.ts';
import { GUARD_MAX_MS, LIMITS_MAX, LimitSchema } from './rule-schema.ts';
import { anyOfForm, durationSchema, issueOf } from './schema-parts.ts';
import { TimeIntervalsSection } from './time-interval-schema.ts';
import { valueAt, type YamlSource } from './yaml-source.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Limits of the policy's sections about guards. */
export const BLAST_TOTAL_MAX = 10_000;
export const QUARANTINE_AFTER_MAX = 100;
export const COMMON_CAUSE_TARGETS_MAX = 10_000;
export const RECEIVERS_MAX = 100;

/** What holds where a policy says nothing. */
export const POLICY_GUARD_DEFAULTS: PolicyGuards = {
  time_intervals: [],
  limits: [],
  blast_radius: { share_pct: null, total: null, window_ms: 10 * MINUTE },
  quarantine: { after: 3, for_ms: DAY },
  common_cause: { targets: 5, within_ms: 2 * MINUTE, enforce: false },
  budget: { enforce: false },
  harm: { within_ms: 10 * MINUTE, enforce: false },
  alertmanager: { receivers: [], resend_delay_ms: MINUTE },
  watchdog: null,
  approvals: { notify: null },
};
const { blast_radius, quarantine, common_cause, budget, harm, alertmanager } =
  POLICY_GUARD_DEFAULTS;

/** `34%` as 34. */
const Share = anyOfForm({ type: 'string', pattern: '^\\d{1,3}%$' }).transform(
  (value, ctx): number => {
    const match = typeof value === 'string' ? /^(\d{1,3})%$/.exec(value) : null;
    const percent = Number(match?.[1]);
    if (percent >= 1 && percent <= 100) return percent;
    const fix = typeof value === 'number' ? `write '${value}%', 1% to 100%` : 'write 1% to 100%';
    ctx.addIssue(issueOf('is not a share', fix));
    return z.NEVER;
  },
);

/** Sections of `autoheal.yaml`, to be spread into its schema. */
export const POLICY_GUARD_SHAPES = {
  time_intervals: TimeIntervalsSection,
  limits: z.array(LimitSchema).max(LIMITS_MAX).default([]),
  blast_radius: z
    .strictObject({
      share: Share.optional(),
      total: z.int().min(1).max(BLAST_TOTAL_MAX).optional(),
      window: durationSchema(SECOND, GUARD_MAX_MS).default(blast_radius.window_ms),
    })
    .prefault({}),
  quarantine: z
    .strictObject({
      after: z.int().min(1).max(QUARANTINE_AFTER_MAX).default(quarantine.after),
      for: durationSchema(MINUTE, GUARD_MAX_MS).default(quarantine.for_ms),
    })
    .prefault({}),
  common_cause: z
    .strictObject({
      targets: z.int().min(2).max(COMMON_CAUSE_TARGETS_MAX).default(common_cause.targets),
      within: durationSchema(SECOND, DAY).default(common_cause.within_ms),
      enforce: z.boolean().default(common_cause.enforce),
    })
    .prefault({}),
  budget: z.strictObject({ enforce: z.boolean().default(budget.enforce) }).prefault({}),
  harm: z
    .strictObject({
      within: durationSchema(SECOND, DAY).default(harm.within_ms),
      enforce: z.boolean().default(harm.enforce),
    })
    .prefault({}),
  alertmanager: z
    .strictObject({
      receivers: z.array(z.string().min(1)).max(RECEIVERS_MAX).default([]),
      resend_delay: durationSchema(SECOND, HOUR).default(alertmanager.resend_delay_ms),
    })
    .prefault({}),
  watchdog: z.strictObject({ within: durationSchema(MINUTE, DAY) }).optional(),
  approvals: z.strictObject({ notify: z.string().min(1).optional() }).prefault({}),
} as const;

const Sections = z.object(POLICY_GUARD_SHAPES);

/** The parsed sections as the engine runs them. */
export function policyGuardsOf(parsed: z.output<typeof Sections>): PolicyGuards {
  const { blast_radius: blast, quarantine: isolate, common_cause: common } = parsed;
  return {
    time_intervals: parsed.time_intervals,
    limits: parsed.limits,
    blast_radius: {
      share_pct: blast.share ?? null,
      total: blast.total ?? null,
      window_ms: blast.window,
    },
    quarantine: { after: isolate.after, for_ms: isolate.for },
    common_cause: { targets: common.targets, within_ms: common.within, enforce: common.enforce },
    budget: parsed.budget,
    harm: { within_ms: parsed.harm.within, enforce: parsed.harm.enforce },
    alertmanager: {
      receivers: parsed.alertmanager.receivers,
      resend_delay_ms: parsed.alertmanager.resend_delay,
    },
    watchdog: parsed.watchdog === undefined ? null : { within_ms: parsed.watchdog.within },
    approvals: { notify: parsed.approvals.notify ?? null },
  };
}

/** What the schema cannot see: names of other sections. */
export function policyGuardProblems(source: YamlSource): readonly Problem[] {
  const declared = valueAt(source, ['notifiers']);
  const notifiers = [...(isObject(declared) ? Object.keys(declared) : []), 'log'];
  const path = ['approvals', 'notify'];
  const name = valueAt(source, path);
  return name === '' ? [] : checkNotifier(source, path, name, { notifiers });
}
