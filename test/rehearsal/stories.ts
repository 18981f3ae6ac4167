import * as fc from 'fast-check';

/* ---------------------------------------------------------------- rules and stories */

const thing = fc.constantFrom('a', 'b', 'svc.1');
const stepText = fc.oneof(
  fc
    .record({ thing, within: fc.integer({ min: 2, max: 8 }), health: fc.boolean() })
    .map(
      ({ thing: on, within, health }) =>
        `{ action: poke, with: { thing: '{{ labels.thing | default "${on}" }}' }, verify: { within: ${within}s, ${health ? 'health: true' : 'resolved: true'} }, deadline: 4s }`,
    ),
  fc
    .record({
      thing,
      to: fc.integer({ min: 1, max: 3 }),
      lease: fc.option(fc.integer({ min: 3, max: 15 })),
      within: fc.integer({ min: 2, max: 8 }),
    })
    .map(
      ({ thing: on, to, lease, within }) =>
        `{ action: set_thing, with: { thing: ${on}, to: ${to} }, ${lease === null ? '' : `lease: ${lease}s, `}verify: { within: ${within}s, resolved: true }, deadline: 5s }`,
    ),
);
const ruleText = fc.record({
  alertname: fc.constantFrom('A', 'B', 'C'),
  other: fc.constantFrom('', `, 'thing=~"a|b"'`, `, 'level!="low"'`, `, 'thing!~"svc.*"'`),
  steps: fc.array(stepText, { minLength: 1, maxLength: 3 }),
  more: fc.boolean(),
  mode: fc.constantFrom('auto', 'auto', 'auto', 'dry-run'),
  cooldown: fc.integer({ min: 0, max: 8 }),
  limit: fc.constantFrom('1/10s', '2/20s', '3/1h'),
  max_age: fc.integer({ min: 2, max: 60 }),
  promql: fc.boolean(),
});
export const sets = fc.array(ruleText, { minLength: 1, maxLength: 3 }).map((drafts) =>
  Object.fromEntries(
    drafts.map((draft, index) => [
      `rule-${index}`,
      `name: rule-${index}
summary: One of some.
matchers: ['alertname="${draft.alertname}"'${draft.other}]
continue: ${draft.more}
mode: ${draft.mode}
${draft.promql ? "when: [{ promql: 'up > 0' }]" : ''}
steps:
${draft.steps.map((step) => `  - ${step}`).join('\n')}
guard: { cooldown: ${draft.cooldown}s, limit: ['${draft.limit}'], max_age: ${draft.max_age}s }
`,
    ]),
  ),
);

const labels = fc.record(
  {
    alertname: fc.constantFrom('A', 'B', 'C', 'D'),
    thing: fc.constantFrom('a', 'b', 'svc.1', 'nowhere'),
    level: fc.constantFrom('low', 'high'),
  },
  { requiredKeys: ['alertname'] },
);
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('fire' as const), labels }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('resolve' as const), nth: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('script' as const),
      action: fc.constantFrom('poke', 'set_thing'),
      how: fc.constantFrom('unavailable' as const, 'conflict' as const, 'hang' as const),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('pause' as const),
      s: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hold' as const), thing }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('promql' as const), holds: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('change' as const), thing, to: fc.nat(3) }),
  },
);
export type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;
export const story = fc.array(
  // Whole and half seconds: several things at one instant are as interesting as things in between.
  fc.record({ gap: fc.integer({ min: 0, max: 12 }).map((halves) => halves * 500), event }),
  { minLength: 2, maxLength: 10 },
);
/** The story goes on so long after its last event, ms. */
export const LAST_MS = 15_000;
