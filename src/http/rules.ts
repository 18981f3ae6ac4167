import { z } from 'zod';
import { BENEFIT_WINDOW_MAX_MS, BENEFIT_WINDOW_MS } from '../core/benefit/treatment.ts';
import { AutohealError } from '../core/errors.ts';
import type { Rule } from '../core/rules/rule.ts';
import { isoTime } from '../core/time.ts';
import type { ReloadResult } from '../engine/api.ts';
import { BenefitItem, benefitView } from './benefit-views.ts';
import type { HttpDeps } from './deps.ts';
import { instant, one, when, type QueryOf } from './query.ts';
import { ok, route, type Answer, type Call } from './route.ts';
import { NullableTime, without } from './views.ts';

const ProblemItem = z.strictObject({
  file: z.string(),
  line: z.int(),
  col: z.int(),
  length: z.int(),
  message: z.string(),
  fix: z.string(),
});
const LastReload = z.discriminatedUnion('ok', [
  z.strictObject({
    ok: z.literal(true),
    version: z.string(),
    rules: z.int(),
    changed: z.boolean(),
  }),
  z.strictObject({ ok: z.literal(false), problems: z.array(ProblemItem), rendered: z.string() }),
]);
const Step = z.strictObject({
  action: z.string(),
  with: z.record(z.string(), z.json()),
  lease_ms: z.number().nullable(),
  verify: z.strictObject({
    within_ms: z.number(),
    settle_ms: z.number(),
    for_ms: z.number(),
    check: z.looseObject({ kind: z.string() }),
  }),
  deadline_ms: z.number(),
});
const RuleItem = z.strictObject({
  name: z.string(),
  summary: z.string(),
  runbook: z.string().nullable(),
  enabled: z.boolean(),
  mode: z.enum(['auto', 'approve', 'dry-run']),
  continue: z.boolean(),
  matchers: z.array(z.string()),
  when: z.array(z.looseObject({ kind: z.string() })),
  steps: z.array(Step),
  guard: z.strictObject({
    cooldown_ms: z.number(),
    limit: z.array(z.string()),
    limit_rule: z.array(z.string()),
    max_age_ms: z.number(),
    min_healthy: z.int().nullable(),
    approval: z.strictObject({ role: z.enum(['operator', 'admin']), within_ms: z.number() }),
  }),
  holdout: z.strictObject({ share_pct: z.int(), for_ms: z.number() }).nullable(),
  otherwise: z.string(),
  file: z.string(),
  hash: z.string(),
  /** From its history, at most a minute old: docs/benefit.md. */
  benefit: BenefitItem,
});

const SINCE = {
  since: one(
    when,
    'Benefit since then: RFC 3339, or a duration meaning "ago", at most 90d; 30d if absent',
  ),
};

export const RULE_ROUTES = [
  route({
    method: 'GET',
    path: '/api/v1/rules',
    access: 'viewer',
    summary:
      'The rules in force, in the order they are tried, each with its benefit, and the last reload.',
    query: SINCE,
    answers: {
      200: {
        description: 'The set in force; empty, with version null, before the first good load',
        schema: z.strictObject({
          version: z.string().nullable(),
          loaded_at: NullableTime,
          items: z.array(RuleItem),
          last_reload: LastReload.nullable(),
        }),
      },
    },
    handle: listRules,
  }),
  route({
    method: 'GET',
    path: '/api/v1/rules/{name}',
    access: 'viewer',
    summary: 'One rule with its text and its benefit.',
    query: SINCE,
    answers: { 200: { description: 'The rule', schema: RuleItem.extend({ text: z.string() }) } },
    handle: getRule,
  }),
  route({
    method: 'POST',
    path: '/-/reload',
    access: 'operator',
    summary: 'Reads rules and policy again; on any error the last good set stays.',
    answers: {
      200: {
        description: 'The new set is in force',
        schema: z.strictObject({ version: z.string(), rules: z.int(), changed: z.boolean() }),
      },
    },
    handle: reload,
  }),
];

async function listRules({ deps, query }: Call<QueryOf<typeof SINCE>, undefined>): Promise<Answer> {
  const set = deps.rulebook.current();
  const window_ms = windowOf(query, deps);
  const items: object[] = [];
  // One after the other: each is many looks at the database, and this is no reason to hurry.
  for (const rule of set?.rules ?? []) items.push(await ruleView(rule, window_ms, deps));
  return ok({
    version: set?.version ?? null,
    loaded_at: set ? isoTime(set.loaded_at) : null,
    items,
    last_reload: deps.rulebook.last() ?? null,
  });
}

async function getRule({
  deps,
  param,
  query,
}: Call<QueryOf<typeof SINCE>, undefined>): Promise<Answer> {
  const name = param('name');
  const rule = deps.rulebook.current()?.rules.find((each) => each.name === name);
  if (rule === undefined) throw new AutohealError('not_found', 'no rule in force has this name');
  const view = await ruleView(rule, windowOf(query, deps), deps);
  return ok({ ...view, text: rule.text });
}

/** Whole minutes, so that those who ask within one get the same figures. @throws AutohealError `invalid_request`. */
function windowOf({ since }: QueryOf<typeof SINCE>, { clock }: HttpDeps): number {
  if (since === undefined) return BENEFIT_WINDOW_MS;
  const now = clock.now();
  const window_ms = Math.round((now - instant(since, now)) / MINUTE_MS) * MINUTE_MS;
  if (window_ms >= MINUTE_MS && window_ms <= BENEFIT_WINDOW_MAX_MS) return window_ms;
  throw new AutohealError('invalid_request', 'query parameter "since": must be 1m to 90d ago', {
    parameter: 'since',
  });
}
const MINUTE_MS = 60_000;

async function ruleView(rule: Rule, window_ms: number, { benefits }: HttpDeps): Promise<object> {
  return {
    ...without(rule, ['text']),
    matchers: rule.matchers.map((matcher) => matcher.text),
    guard: {
      ...rule.guard,
      limit: rule.guard.limit.map((limit) => limit.text),
      limit_rule: rule.guard.limit_rule.map((limit) => limit.text),
    },
    benefit: benefitView(await benefits.of(rule, window_ms)),
  };
}

async function reload({ deps, actor }: Call<object, undefined>): Promise<Answer> {
  const result: ReloadResult = await deps.rulebook.reload(actor);
  if (result.ok) {
    const { version, rules, changed } = result;
    return ok({ version, rules, changed });
  }
  const { problems, rendered } = result;
  const many = problems.length === 1 ? 'one error' : `${problems.length} errors`;
  throw new AutohealError('rules_rejected', `${many}; the last good set stays`, {
    problems,
    rendered,
  });
}
