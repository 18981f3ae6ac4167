import { z } from 'zod';
import { formatDuration, parseDuration } from '../duration.ts';
import { HOLDOUT_KEYS, holdoutIssue } from './rule-holdout.ts';
import type { Precondition, RuleMode, RunLimit } from './rule.ts';
import {
  anyOfForm,
  DURATION_FORM,
  durationSchema,
  issueOf,
  lineSchema,
  NAME_FORM,
} from './schema-parts.ts';
import { didYouMean } from '../suggest.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Limits of one rule. */
export const MATCHERS_MAX = 20;
export const STEPS_MAX = 10;
export const LIMITS_MAX = 5;
export const LIMIT_COUNT_MAX = 1_000;
export const SUMMARY_CHARS_MAX = 200;
export const RUNBOOK_CHARS_MAX = 500;
export const LEASE_MAX_MS = 7 * DAY;
export const VERIFY_MAX_MS = DAY;
export const DEADLINE_MAX_MS = 10 * MINUTE;
export const GUARD_MAX_MS = 30 * DAY;
export const PRECONDITIONS_MAX = 10;
export const MIN_HEALTHY_MAX = 1_000;
export const STATUSES_MAX = 20;
export const APPROVAL_MAX_MS = 7 * DAY;

/** What holds where a rule says nothing (DESIGN §5). */
export const RULE_DEFAULTS = {
  verify_within_ms: 10 * MINUTE,
  deadline_ms: MINUTE,
  cooldown_ms: 5 * MINUTE,
  limit: ['3/1h'],
  max_age_ms: 15 * MINUTE,
  approval_within_ms: 10 * MINUTE,
} as const;

const MODES = ['auto', 'approve', 'dry-run'] as const;

const Mode = anyOfForm({ enum: MODES }).transform((value, ctx): RuleMode => {
  const mode = MODES.find((known) => known === value);
  if (mode !== undefined) return mode;
  ctx.addIssue(issueOf(`"${String(value)}" is no mode`, didYouMean(String(value), MODES)));
  return z.NEVER;
});

/** `3/1h`: at most three runs in any hour. */
export function parseRunLimit(text: string): RunLimit | undefined {
  const [count, window, ...more] = text.split('/');
  const window_ms = parseDuration(window ?? '');
  if (count === undefined || !/^\d{1,6}$/.test(count) || more.length > 0) return undefined;
  if (window_ms === undefined) return undefined;
  return { count: Number(count), window_ms, text };
}

/** `3/1h`, of a rule or of the policy. */
export const LimitSchema = anyOfForm({
  title: `runs/window like 3/1h (1 to ${LIMIT_COUNT_MAX} runs, 1s to 30d)`,
  type: 'string',
  pattern: `^\\d{1,6}/${DURATION_FORM}$`,
}).transform((value, ctx): RunLimit => {
  const limit = typeof value === 'string' ? parseRunLimit(value) : undefined;
  if (limit === undefined) {
    ctx.addIssue(issueOf('is not a limit', "write runs/duration, like '3/1h'"));
    return z.NEVER;
  }
  if (limit.count < 1 || limit.count > LIMIT_COUNT_MAX)
    ctx.addIssue(issueOf(`must allow 1 to ${LIMIT_COUNT_MAX} runs`, "write it like '3/1h'"));
  if (limit.window_ms < SECOND || limit.window_ms > GUARD_MAX_MS)
    ctx.addIssue(issueOf('its window must be between 1s and 30d', "write it like '3/1h'"));
  return limit;
});

const Http = z.union([
  z.string().transform((url) => ({ url, status: undefined })),
  z.strictObject({
    url: z.string().describe('The address. Templates may stand in its path and its query.'),
    status: z
      .array(z.int().min(100).max(599))
      .min(1)
      .max(STATUSES_MAX)
      .optional()
      .describe('The statuses that count. Unset: 2xx.'),
  }),
]);

const Verify = z
  .strictObject({
    resolved: z.literal(true).optional().describe('The alert resolves.'),
    promql: z
      .string()
      .optional()
      .describe('This expression holds: it has a sample, or is a scalar that is not 0.'),
    http: Http.optional().describe(
      'This address answers a GET with a 2xx; as a map, with one of the statuses given.',
    ),
    tcp: z
      .string()
      .optional()
      .describe('`host:port` takes connections; an IPv6 address in brackets: `[::1]:5432`.'),
    health: z
      .literal(true)
      .optional()
      .describe('The target itself says that it is healthy. Only for actions that know it.'),
    within: durationSchema(SECOND, VERIFY_MAX_MS)
      .prefault(formatDuration(RULE_DEFAULTS.verify_within_ms))
      .describe('The time it has.'),
    settle: durationSchema(0, VERIFY_MAX_MS)
      .prefault('0')
      .describe('Waited after the action before the first look.'),
    for: durationSchema(0, VERIFY_MAX_MS)
      .prefault('0')
      .describe(
        'How long the check must hold without a break. With `settle` no longer than `within`.',
      ),
  })
  .superRefine((verify, ctx) => {
    const checks = VERIFY_CHECKS.filter((check) => verify[check] !== undefined);
    if (checks.length !== 1) {
      const found = checks.length === 0 ? 'has no check' : `has the checks ${checks.join(' and ')}`;
      ctx.addIssue(
        issueOf(
          found,
          'write exactly one of resolved: true, promql: ..., http: ..., tcp: ..., health: true',
        ),
      );
    }
    if (verify.settle + verify.for > verify.within)
      ctx.addIssue(
        issueOf(
          'settle and for together are longer than within',
          'make within the longest of them',
        ),
      );
  });
const VERIFY_CHECKS = ['resolved', 'promql', 'http', 'tcp', 'health'] as const;

const Step = z.strictObject({
  action: z.string().min(1).describe('What to do: the id of an action.'),
  with: z
    .record(z.string(), z.json())
    .default({})
    .describe("The action's parameters; their texts may hold templates."),
  lease: durationSchema(SECOND, LEASE_MAX_MS)
    .optional()
    .describe(
      'The change is temporary: undone when the alert resolves, or so long after the last evidence that it fires. Only for actions that can undo.',
    ),
  verify: Verify.optional().describe(
    `How it is known that it helped: exactly one of \`resolved\`, \`promql\`, \`http\`, \`tcp\` and \`health\`, because an exit code is no evidence. Unset: the alert resolves within ${formatDuration(RULE_DEFAULTS.verify_within_ms)}.`,
  ),
  deadline: durationSchema(SECOND, DEADLINE_MAX_MS)
    .prefault(formatDuration(RULE_DEFAULTS.deadline_ms))
    .describe('For all attempts of the step together.'),
});

const Approval = z.strictObject({
  from: z.enum(['operator', 'admin']).default('operator').describe('Who may grant.'),
  within: durationSchema(MINUTE, APPROVAL_MAX_MS)
    .optional()
    .describe(
      `For how long it waits, at most \`max_age\`. Unset: ${formatDuration(RULE_DEFAULTS.approval_within_ms)}, or \`max_age\` where that is shorter.`,
    ),
});

const Guard = z
  .strictObject({
    cooldown: durationSchema(0, GUARD_MAX_MS)
      .prefault(formatDuration(RULE_DEFAULTS.cooldown_ms))
      .describe('Pause between the end of one remediation on a target and the next.'),
    limit: z
      .array(LimitSchema)
      .min(1)
      .max(LIMITS_MAX)
      .prefault([...RULE_DEFAULTS.limit])
      .describe('Runs of this rule on one target; all entries hold.'),
    limit_rule: z
      .array(LimitSchema)
      .min(1)
      .max(LIMITS_MAX)
      .optional()
      .describe('Runs of this rule on all its targets together, written like `limit`.'),
    max_age: durationSchema(SECOND, GUARD_MAX_MS)
      .prefault(formatDuration(RULE_DEFAULTS.max_age_ms))
      .describe('An alert without evidence of firing for so long is recorded, not healed.'),
    min_healthy: z
      .int()
      .min(1)
      .max(MIN_HEALTHY_MAX)
      .optional()
      .describe(
        'So many healthy siblings must be there besides the target, where the target itself still serves.',
      ),
    approval: Approval.prefault({}).describe(
      'Who may grant where an approval is asked for, and for how long it waits.',
    ),
  })
  .superRefine(({ max_age, approval }, ctx) => {
    if (approval.within !== undefined && approval.within > max_age)
      ctx.addIssue({
        ...issueOf(
          'is longer than max_age: the alert would be too old before anybody has answered',
          `write at most ${formatDuration(max_age)}, or raise max_age`,
        ),
        path: ['approval', 'within'],
      });
  });

const When = z
  .strictObject({
    promql: z.string().optional().describe('This expression holds, as in `verify`.'),
    not_during: z
      .string()
      .min(1)
      .optional()
      .describe(
        'It is none of the times of this interval, which the policy names under `time_intervals`.',
      ),
  })
  .transform(({ promql, not_during }, ctx): Precondition => {
    if (promql !== undefined && not_during === undefined) return { kind: 'promql', expr: promql };
    if (not_during !== undefined && promql === undefined)
      return { kind: 'not_during', interval: not_during };
    const found = promql === undefined ? 'says nothing' : 'says two things';
    ctx.addIssue(issueOf(found, 'write one of promql: ... and not_during: ... in each entry'));
    return z.NEVER;
  });

const RuleKeys = z.strictObject({
  name: z.string().min(1).describe(`The file's name without \`.yaml\`: ${NAME_FORM}.`),
  summary: lineSchema(SUMMARY_CHARS_MAX).describe('One line for people.'),
  runbook: lineSchema(RUNBOOK_CHARS_MAX)
    .optional()
    .describe('A path or an address, shown wherever a human is told.'),
  enabled: z.boolean().default(true).describe('`false`: checked, never run.'),
  mode: Mode.prefault('auto').describe(
    '`approve`: asks a human before it acts; `dry-run`: shows what it would do. The stricter of service and rule wins.',
  ),
  continue: z
    .boolean()
    .default(false)
    .describe('`true`: the rules after it are tried as well, else the first that matches wins.'),
  matchers: z
    .array(z.string())
    .min(1)
    .max(MATCHERS_MAX)
    .describe("Which alerts it is for, in Alertmanager's syntax; all must hold."),
  when: z
    .array(When)
    .max(PRECONDITIONS_MAX)
    .prefault([])
    .describe(
      'Preconditions, one key each. While one does not hold, or cannot be read, the remediation waits.',
    ),
  steps: z
    .array(Step)
    .min(1)
    .max(STEPS_MAX)
    .describe('The ladder: the next step runs only when the one before did not heal.'),
  guard: Guard.prefault({}).describe('When it must not act.'),
  ...HOLDOUT_KEYS,
  otherwise: z
    .string()
    .min(1)
    .default('log')
    .describe('Whom to tell when no step healed: a notifier of the policy, or `log`.'),
});

/** A file in `rules/`, as it is written. Durations are milliseconds once parsed. */
export const RuleFile = RuleKeys.superRefine((rule, ctx) => {
  const issue = holdoutIssue({
    share_pct: rule.holdout,
    for_ms: rule.holdout_for,
    verify_within_ms: firstWithinOf(rule.steps),
    max_age_ms: rule.guard.max_age,
  });
  if (issue !== undefined) ctx.addIssue(issue);
});
export type RuleFile = z.output<typeof RuleFile>;

/** `verify.within` of the first step, ms. */
export function firstWithinOf(steps: z.output<typeof RuleKeys>['steps']): number {
  return steps[0]?.verify?.within ?? RULE_DEFAULTS.verify_within_ms;
}
