import { z } from 'zod';
import { parseDuration } from '../duration.ts';
import type { RuleMode, RunLimit } from './rule.ts';
import { durationSchema, issueOf, lineSchema, notYet } from './schema-parts.ts';
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

/** What holds where a rule says nothing (DESIGN §5). */
export const RULE_DEFAULTS = {
  verify_within_ms: 10 * MINUTE,
  deadline_ms: MINUTE,
  cooldown_ms: 5 * MINUTE,
  limit: ['3/1h'],
  max_age_ms: 15 * MINUTE,
} as const;

const MODES = ['auto', 'dry-run'] as const;

const Mode = z.unknown().transform((value, ctx): RuleMode => {
  const mode = MODES.find((known) => known === value);
  if (mode !== undefined) return mode;
  if (value === 'approve')
    ctx.addIssue(issueOf('this version does not enforce approvals yet', 'write auto or dry-run'));
  else ctx.addIssue(issueOf(`"${String(value)}" is no mode`, didYouMean(String(value), MODES)));
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

const Limit = z.unknown().transform((value, ctx): RunLimit => {
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
    http: notYet('verification over HTTP'),
    tcp: notYet('verification over TCP'),
  })
  .superRefine((verify, ctx) => {
    const checks = VERIFY_CHECKS.filter((check) => verify[check] !== undefined);
    if (checks.length !== 1) {
      const found = checks.length === 0 ? 'has no check' : `has the checks ${checks.join(' and ')}`;
      ctx.addIssue(
        issueOf(found, 'write exactly one of resolved: true, promql: ..., health: true'),
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
const VERIFY_CHECKS = ['resolved', 'promql', 'health'] as const;

const Step = z.strictObject({
  action: z.string().min(1),
  with: z.record(z.string(), z.json()).default({}),
  lease: durationSchema(SECOND, LEASE_MAX_MS).optional(),
  verify: Verify.optional(),
  deadline: durationSchema(SECOND, DEADLINE_MAX_MS).default(RULE_DEFAULTS.deadline_ms),
});

const Guard = z.strictObject({
  cooldown: durationSchema(0, GUARD_MAX_MS).default(RULE_DEFAULTS.cooldown_ms),
  limit: z
    .array(Limit)
    .min(1)
    .max(LIMITS_MAX)
    .prefault([...RULE_DEFAULTS.limit]),
  max_age: durationSchema(SECOND, GUARD_MAX_MS).default(RULE_DEFAULTS.max_age_ms),
  limit_rule: notYet('a limit over all targets of a rule'),
  min_healthy: notYet('a minimum of healthy siblings'),
  approval: notYet('approvals'),
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
  when: notYet('preconditions'),
  steps: z.array(Step).min(1).max(STEPS_MAX),
  guard: Guard.prefault({}),
  otherwise: z.string().min(1).default('log'),
});
export type RuleFile = z.output<typeof RuleFile>;
