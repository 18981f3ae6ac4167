import { z } from 'zod';
import { formatDuration } from '../duration.ts';
import type { Problem } from './diagnostic.ts';
import type { PolicyGuards } from './rule.ts';
import { checkNotifier, isObject } from './rule-params.ts';
import { GUARD_MAX_MS, LIMITS_MAX, LimitSchema } from './rule-schema.ts';
import { durationSchema, lineSchema, shareSchema } from './schema-parts.ts';
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

export const PRIORITY_PROMQL_MAX = 1_000;

/** What the section `priority` means where it says nothing: the records of `autoheal slo generate`. */
export const PRIORITY_DEFAULTS = {
  label: 'service',
  promql: 'max by (service) (service:slo_burn_rate:ratio1h)',
  every_ms: 30 * SECOND,
} as const;

/** What holds where a policy says nothing. */
export const POLICY_GUARD_DEFAULTS: PolicyGuards = {
  time_intervals: [],
  limits: [],
  blast_radius: { share_pct: null, total: null, window_ms: 10 * MINUTE },
  quarantine: { after: 3, for_ms: DAY },
  common_cause: { targets: 5, within_ms: 2 * MINUTE, enforce: false },
  budget: { enforce: false },
  priority: null,
  harm: { within_ms: 10 * MINUTE, enforce: false },
  alertmanager: { receivers: [], resend_delay_ms: MINUTE },
  watchdog: null,
  approvals: { notify: null },
};
const { blast_radius, quarantine, common_cause, budget, harm, alertmanager } =
  POLICY_GUARD_DEFAULTS;

/** Sections of `autoheal.yaml`, to be spread into its schema. */
export const POLICY_GUARD_SHAPES = {
  time_intervals: TimeIntervalsSection.describe(
    "Times that rules name under `when: [{ not_during: ... }]`, written as in Alertmanager's own file.",
  ),
  limits: z
    .array(LimitSchema)
    .max(LIMITS_MAX)
    .prefault([])
    .describe('Runs of all rules together; all entries hold.'),
  blast_radius: z
    .strictObject({
      share: shareSchema(100)
        .optional()
        .describe('Of one group: the containers of a Compose service, or the pods of a workload.'),
      total: z.int().min(1).max(BLAST_TOTAL_MAX).optional().describe('Targets in all.'),
      window: durationSchema(SECOND, GUARD_MAX_MS)
        .prefault(formatDuration(blast_radius.window_ms))
        .describe('Within this time.'),
    })
    .prefault({})
    .describe('How much may be touched within a window. One target is always allowed.'),
  quarantine: z
    .strictObject({
      after: z
        .int()
        .min(1)
        .max(QUARANTINE_AFTER_MAX)
        .default(quarantine.after)
        .describe('So many runs without healing.'),
      for: durationSchema(MINUTE, GUARD_MAX_MS)
        .prefault(formatDuration(quarantine.for_ms))
        .describe('For so long.'),
    })
    .prefault({})
    .describe('A rule that did not help a target leaves it alone.'),
  common_cause: z
    .strictObject({
      targets: z
        .int()
        .min(2)
        .max(COMMON_CAUSE_TARGETS_MAX)
        .default(common_cause.targets)
        .describe('So many targets.'),
      within: durationSchema(SECOND, DAY)
        .prefault(formatDuration(common_cause.within_ms))
        .describe('In this time.'),
      enforce: z
        .boolean()
        .default(common_cause.enforce)
        .describe('`true`: it waits. `false`: it is reported.'),
    })
    .prefault({})
    .describe('Many targets at once have one cause elsewhere: the network, or the monitoring.'),
  budget: z
    .strictObject({
      enforce: z
        .boolean()
        .default(budget.enforce)
        .describe(
          "`true`: with autoheal's own error budget spent, every run asks for an approval. `false`: it is reported.",
        ),
    })
    .prefault({})
    .describe("autoheal's own error budget."),
  priority: z
    .strictObject({
      label: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, 'is no name of a label')
        .default(PRIORITY_DEFAULTS.label)
        .describe('The label that an alert and the samples of `promql` share.'),
      promql: lineSchema(PRIORITY_PROMQL_MAX)
        .default(PRIORITY_DEFAULTS.promql)
        .describe(
          'One sample for each value of the label: how many times as fast as it may its error budget burns.',
        ),
      every: durationSchema(5 * SECOND, 10 * MINUTE)
        .prefault(formatDuration(PRIORITY_DEFAULTS.every_ms))
        .describe(
          'How often Prometheus is asked. After three times as long without an answer, no priority.',
        ),
    })
    .optional()
    .describe(
      'Where the section is there, a service that burns its error budget is healed before others that wait. It orders the work, and passes no guard.',
    ),
  harm: z
    .strictObject({
      within: durationSchema(SECOND, DAY)
        .prefault(formatDuration(harm.within_ms))
        .describe('So soon after an action, or one change after the other.'),
      enforce: z
        .boolean()
        .default(harm.enforce)
        .describe(
          '`true`: the rules are quarantined for `quarantine.for`. `false`: it is reported.',
        ),
    })
    .prefault({})
    .describe(
      'Alerts that begin soon after an action may be its doing, and two rules may undo each other.',
    ),
  alertmanager: z
    .strictObject({
      receivers: z
        .array(z.string().min(1))
        .max(RECEIVERS_MAX)
        .default([])
        .describe('Names of the receivers that lead here; empty: all alerts are ours.'),
      resend_delay: durationSchema(SECOND, HOUR)
        .prefault(formatDuration(alertmanager.resend_delay_ms))
        .describe('How often Prometheus sends an alert that still fires.'),
    })
    .prefault({})
    .describe('How Alertmanager and Prometheus are set up, for what is asked of them.'),
  watchdog: z
    .strictObject({
      within: durationSchema(MINUTE, DAY).describe(
        'Without the always-firing Watchdog alert for so long autoheal is blind.',
      ),
    })
    .optional()
    .describe('Where the section is there, a Watchdog alert is expected.'),
  approvals: z
    .strictObject({
      notify: z.string().min(1).optional().describe('A notifier, or `log`. Unset: nobody.'),
    })
    .prefault({})
    .describe('Who is told that an approval waits.'),
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
    priority: priorityOf(parsed.priority),
    harm: { within_ms: parsed.harm.within, enforce: parsed.harm.enforce },
    alertmanager: {
      receivers: parsed.alertmanager.receivers,
      resend_delay_ms: parsed.alertmanager.resend_delay,
    },
    watchdog: parsed.watchdog === undefined ? null : { within_ms: parsed.watchdog.within },
    approvals: { notify: parsed.approvals.notify ?? null },
  };
}

function priorityOf(parsed: z.output<typeof Sections>['priority']): PolicyGuards['priority'] {
  if (parsed === undefined) return null;
  return { label: parsed.label, promql: parsed.promql, every_ms: parsed.every };
}

/** What the schema cannot see: names of other sections. */
export function policyGuardProblems(source: YamlSource): readonly Problem[] {
  const declared = valueAt(source, ['notifiers']);
  const notifiers = [...(isObject(declared) ? Object.keys(declared) : []), 'log'];
  const path = ['approvals', 'notify'];
  const name = valueAt(source, path);
  return name === '' ? [] : checkNotifier(source, path, name, { notifiers });
}
