import { z } from 'zod';
import { formatDuration, parseDuration } from '../duration.ts';
import type { Precondition, RuleMode, RunLimit } from './rule.ts';
import { anyOfForm, DURATION_FORM, durationSchema, issueOf, lineSchema } from './schema-parts.ts';
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
  description: `1 to ${LIMIT_COUNT_MAX} runs in any window of 1s to 30d, like 3/1h.`,
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

const Verify = z
  .strictObject({
    within: durationSchema(SECOND, VERIFY_MAX_MS).default(RULE_DEFAULTS.verify_within_ms),
    settle: durationSchema(0, VERIFY_MAX_MS).default(0),
    for: durationSchema(0, VERIFY_MAX_MS).default(0),
    resolved: z.literal(true).optional(),
    promql: z.string().optional(),
    health: z.literal(true).optional(),
    http: z
      .union([
        z.string().transform((url) => ({ url, status: undefined })),
        z.strictObject({
          url: z.string(),
          status: z.array(z.int().min(100).max(599)).min(1).max(STATUSES_MAX).optional(),
        }),
      ])
      .optional(),
    tcp: z.string().optional(),
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
  action: z.string().min(1),
  with: z.record(z.string(), z.json()).default({}),
  lease: durationSchema(SECOND, LEASE_MAX_MS).optional(),
  verify: Verify.optional(),
  deadline: durationSchema(SECOND, DEADLINE_MAX_MS).default(RULE_DEFAULTS.deadline_ms),
});

const Guard = z
  .strictObject({
    cooldown: durationSchema(0, GUARD_MAX_MS).default(RULE_DEFAULTS.cooldown_ms),
    limit: z
      .array(LimitSchema)
      .min(1)
      .max(LIMITS_MAX)
      .prefault([...RULE_DEFAULTS.limit]),
    max_age: durationSchema(SECOND, GUARD_MAX_MS).default(RULE_DEFAULTS.max_age_ms),
    limit_rule: z.array(LimitSchema).min(1).max(LIMITS_MAX).optional(),
    min_healthy: z.int().min(1).max(MIN_HEALTHY_MAX).optional(),
    approval: z
      .strictObject({
        from: z.enum(['operator', 'admin']).default('operator'),
        within: durationSchema(MINUTE, APPROVAL_MAX_MS).optional(),
      })
      .prefault({}),
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
  .strictObject({ promql: z.string().optional(), not_during: z.string().min(1).optional() })
  .transform(({ promql, not_during }, ctx): Precondition => {
    if (promql !== undefined && not_during === undefined) return { kind: 'promql', expr: promql };
    if (not_during !== undefined && promql === undefined)
      return { kind: 'not_during', interval: not_during };
    const found = promql === undefined ? 'says nothing' : 'says two things';
    ctx.addIssue(issueOf(found, 'write one of promql: ... and not_during: ... in each entry'));
    return z.NEVER;
  });

/** A file in `rules/`, as it is written. Durations are milliseconds once parsed. */
export const RuleFile = z.strictObject({
  name: z.string().min(1),
  summary: lineSchema(SUMMARY_CHARS_MAX),
  runbook: lineSchema(RUNBOOK_CHARS_MAX).optional(),
  enabled: z.boolean().default(true),
  mode: Mode.default('auto'),
  continue: z.boolean().default(false),
  matchers: z.array(z.string()).min(1).max(MATCHERS_MAX),
  when: z.array(When).max(PRECONDITIONS_MAX).default([]),
  steps: z.array(Step).min(1).max(STEPS_MAX),
  guard: Guard.prefault({}),
  otherwise: z.string().min(1).default('log'),
});
export type RuleFile = z.output<typeof RuleFile>;
