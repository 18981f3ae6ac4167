import { z } from 'zod';
import { ACTION_ERROR_CODES } from '../action.ts';
import { AUDIT_KINDS } from '../core/audit/audit.ts';
import { anyOfForm, durationSchema, issueOf, lineSchema } from '../core/rules/schema-parts.ts';

/** The file with the tests of a rule, as it is written: docs/rule-tests.md. */

const DAY_MS = 86_400_000;
/** The longest story of one test. */
export const STORY_MAX_MS = 366 * DAY_MS;
const TESTS_MAX = 500;
const EVENTS_MAX = 1_000;
const EXPECTED_MAX = 2_000;
const NAME_MAX = 200;
const TEXT_MAX = 2_000;
const CALLS_MAX = 1_000;
export const DEFAULT_START = '2026-01-01T00:00:00Z';
export const DEFAULT_REASON = 'the test says so';

const text = z.string().min(1).max(TEXT_MAX);
const at = durationSchema(0, STORY_MAX_MS).describe('Since the start of the story: `12m`.');
const Labels = z.record(z.string().min(1), z.string().max(TEXT_MAX));
const FlagValue = z.union([z.boolean(), z.string().max(1_000), z.number()]);

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?(?:Z|[+-]\d{2}:\d{2})$/;
/** RFC 3339; in milliseconds since the epoch once parsed. */
const Instant = anyOfForm({
  title: 'RFC 3339 time',
  type: 'string',
  pattern: INSTANT.source,
}).transform((value, ctx) => {
  // A given text reads no clock.
  // oxlint-disable-next-line no-restricted-globals
  const ms = typeof value === 'string' && INSTANT.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) {
    ctx.addIssue(issueOf('is not a time', 'write it like 2026-01-05T09:00:00Z'));
    return z.NEVER;
  }
  return ms;
});

const Answer = z.union([z.boolean(), z.literal('unavailable')]);
const Answers = z.record(z.string().min(1), Answer);
const Value = z.json();

const TargetState = z.strictObject({
  value: Value.optional().describe(
    'Its state, in the words of its action: `{ replicas: 2 }`. Merged into what it was.',
  ),
  opted_in: z.boolean().optional().describe('Its owner allowed autoheal to touch it.'),
  health: z
    .enum(['healthy', 'pending', 'failed'])
    .optional()
    .describe('What it says of itself after an action, for `verify: { health: true }`.'),
  exists: z.boolean().optional().describe('`false`: it is not there.'),
  group: z
    .strictObject({
      id: text.describe('What they belong to: `compose/shop/crm-api`.'),
      total: z.int().min(1).max(10_000).describe('All of them, with this one.'),
      healthy: z.int().min(0).max(10_000).describe('Those that are healthy, besides this one.'),
      serves: z.boolean().describe('Does this one serve?'),
    })
    .optional()
    .describe('Its siblings, for `min_healthy` and the blast radius.'),
});

export const World = z.strictObject({
  alertmanager: z
    .enum(['absent', 'present', 'down'])
    .optional()
    .describe(
      '`absent`: none is configured. `present`: its API shows what fires in the story. `down`: it does not answer.',
    ),
  silences: z
    .array(Labels)
    .max(EVENTS_MAX)
    .optional()
    .describe("Other people's silences: alerts that have all these labels. Replaces those before."),
  targets: z.record(text, TargetState).optional().describe('By id.'),
  promql: Answers.optional().describe('By expression, as it is after rendering.'),
  http: Answers.optional().describe('By address.'),
  tcp: Answers.optional().describe('By `host:port`.'),
  flags: z.record(z.string(), FlagValue).optional().describe('What flags are set to.'),
});

const Fire = z.strictObject({
  labels: Labels,
  annotations: Labels.default({}),
  every: durationSchema(1_000, STORY_MAX_MS)
    .optional()
    .describe('Alertmanager sends it again so often, until it resolves.'),
});

const Call = z
  .strictObject({
    action: text.describe('The id of the action.'),
    target: text.optional().describe('Only calls on this target.'),
    fails: z.enum(ACTION_ERROR_CODES).optional().describe('With this error.'),
    hangs: z.literal(true).optional().describe('It does not answer before its deadline.'),
    times: z.int().min(1).max(CALLS_MAX).default(1).describe('How many calls. A retry is a call.'),
  })
  .superRefine(({ fails, hangs }, ctx) => {
    if ((fails === undefined) === (hangs === undefined))
      ctx.addIssue(issueOf('needs one of fails and hangs', 'write fails: unavailable'));
  });

const DEEDS = {
  pause: text.optional().describe('Pauses everything, with this reason.'),
  resume: z.literal(true).optional(),
  approve: z.literal(true).optional().describe('Grants every question that is open.'),
  deny: text.optional().describe('Denies every question that is open, with this reason.'),
  hold: z
    .strictObject({
      rule: text.optional(),
      target: text.optional(),
      alertname: text.optional(),
    })
    .optional()
    .describe('Holds what it names.'),
  unhold: z.literal(true).optional().describe('Ends every hold, acknowledgement and quarantine.'),
  ack: Labels.optional().describe('Acknowledges the alerts that fire with these labels.'),
  cancel: text.optional().describe('Cancels every remediation under way, with this reason.'),
  undo: text.optional().describe('Undoes everything temporary, with this reason.'),
  set_flag: z.record(z.string(), FlagValue).optional(),
  run: text.optional().describe('Starts this rule for every alert that fires.'),
};
const ENDING = ['pause', 'hold', 'ack'];

const Operator = z
  .strictObject({
    ...DEEDS,
    for: durationSchema(1_000, STORY_MAX_MS)
      .optional()
      .describe('How long a pause, hold or acknowledgement stands. Absent: until it is ended.'),
    reason: text.default(DEFAULT_REASON),
    as: z.string().min(1).max(NAME_MAX).default('operator').describe('The actor.'),
  })
  .superRefine((deed, ctx) => {
    const named = Object.keys(DEEDS).filter((key) => deed[key as keyof typeof DEEDS] !== undefined);
    const [one] = named;
    if (one === undefined || named.length > 1) {
      const message =
        one === undefined ? 'says no deed' : `says several deeds: ${named.join(', ')}`;
      ctx.addIssue(issueOf(message, `write one of ${Object.keys(DEEDS).join(', ')}`));
    } else if (deed.for !== undefined && !ENDING.includes(one))
      ctx.addIssue(issueOf(`${one} does not end by itself`, 'leave for: out'));
  });

const EVENTS = {
  fire: Fire.optional().describe('Alertmanager sends this alert.'),
  resolve: Labels.optional().describe('The alerts that fire with these labels resolve.'),
  world: World.optional().describe('What changes.'),
  action: Call.optional().describe('How the next calls of an action go.'),
  operator: Operator.optional().describe('What a person does.'),
};

const Event = z.strictObject({ at, ...EVENTS }).superRefine((event, ctx) => {
  const named = Object.keys(EVENTS).filter(
    (key) => event[key as keyof typeof EVENTS] !== undefined,
  );
  if (named.length === 1) return;
  const message = named.length === 0 ? 'says nothing that happens' : `says ${named.join(' and ')}`;
  ctx.addIssue(issueOf(message, `write one of ${Object.keys(EVENTS).join(', ')}`));
});

const Expected = z.strictObject({
  at: at.optional(),
  kind: z.enum(AUDIT_KINDS),
  rule: text.optional(),
  step: z.int().min(1).optional(),
  action: text.optional(),
  target: text.optional(),
  cmd: text.optional(),
  result: text.optional(),
  reason: text.optional(),
  actor: text.optional(),
  detail: text.optional().describe("A part of the entry's words."),
});

const Test = z.strictObject({
  name: lineSchema(NAME_MAX),
  start: Instant.prefault(DEFAULT_START).describe('When the story begins.'),
  mode: z
    .enum(['auto', 'approve', 'dry-run', 'paused'])
    .default('auto')
    .describe("The service's mode, as `AUTOHEAL_MODE`."),
  world: World.prefault({}).describe('What is true at the start.'),
  timeline: z.array(Event).max(EVENTS_MAX).default([]).describe('What happens, and when.'),
  until: durationSchema(0, STORY_MAX_MS)
    .optional()
    .describe('When the story ends. Absent: with the last time that is named.'),
  expect: z.array(Expected).max(EXPECTED_MAX).describe('The whole story, in order.'),
  finally: z
    .strictObject({
      flags: z.record(z.string(), FlagValue).default({}),
      targets: z.record(text, Value).default({}),
    })
    .prefault({})
    .describe('How things are at the end. Of a map only the keys that are named are compared.'),
});

export const TestFile = z.strictObject({
  policy: text.optional().describe('The policy, relative to this file. Absent: the defaults.'),
  tests: z.array(Test).min(1).max(TESTS_MAX),
});
export type TestFile = z.output<typeof TestFile>;
export type RuleTest = TestFile['tests'][number];
export type TestEvent = RuleTest['timeline'][number];
export type OperatorDeed = NonNullable<TestEvent['operator']>;
export type Expectation = RuleTest['expect'][number];
export type WorldChange = NonNullable<TestEvent['world']>;
