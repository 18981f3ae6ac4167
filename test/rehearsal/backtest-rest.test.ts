import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RuleText } from '../../src/core/rules/rule-compile.ts';
import type { RecordedDelivery } from '../../src/rehearsal/backtest/filter.ts';
import type { Tally } from '../../src/rehearsal/backtest/tally.ts';
import { delivered, MINUTE, played, ruleText, type Said } from './recorded.ts';

/**
 * A replay keeps its rows as plain values and leaves looks out. On a database, and with every look, it has to decide
 * the same at the same times.
 */

const RUNS = 30;
const NAMES = ['A', 'B', 'C'];

/** One firing of one alert, in steps of 5 s: on the grid of looks and between its times. */
const firing = fc.record({
  name: fc.constantFrom(...NAMES),
  container: fc.constantFrom('x', 'y'),
  pod: fc.constantFrom('p', 'q', 'r'),
  from: fc.integer({ min: 0, max: 12 * 60 }),
  lasts: fc.integer({ min: 1, max: 12 * 30 }),
  repeats: fc.integer({ min: 0, max: 4 }),
});
const record = fc.array(firing, { minLength: 3, maxLength: 24 }).map(deliveries);

function deliveries(
  firings: readonly {
    name: string;
    container: string;
    pod: string;
    from: number;
    lasts: number;
    repeats: number;
  }[],
): readonly RecordedDelivery[] {
  const at_times = new Map<number, Said[]>();
  for (const { name, container, pod, from, lasts, repeats } of firings) {
    const said = { name, container, pod, from: from * 5_000 };
    for (let n = 0; n <= repeats; n += 1) add(from + Math.floor((n * lasts) / (repeats + 1)), said);
    add(from + lasts, { ...said, status: 'resolved' });
  }
  function add(step: number, said: Said): void {
    at_times.set(step, [...(at_times.get(step) ?? []), said]);
  }
  const ends = delivered(120 * MINUTE, { name: 'End', from: 0 });
  const all = [...at_times].toSorted(([a], [b]) => a - b);
  return [...all.map(([step, said]) => delivered(step * 5_000, ...said)), ends];
}

const verify = fc.constantFrom(
  '{ within: 10m, resolved: true }',
  '{ within: 4m, resolved: true, for: 50s }',
  `{ within: 5m, promql: 'up{c="{{ labels.container }}"} == 1', for: 30s }`,
  `{ within: 3m, settle: 20s, promql: 'up{c="{{ labels.container }}"} == 1' }`,
  '{ within: 5m, http: { url: "http://crm:80/{{ labels.container }}" }, for: 1m }',
  '{ within: 2m, tcp: "{{ labels.container }}:80" }',
  '{ within: 33s, health: true }',
);
const guard = fc.constantFrom(
  "{ cooldown: 1m, limit: ['20/1h'] }",
  "{ cooldown: 5m, limit: ['3/1h', '9/1d'], max_age: 10m }",
  "{ cooldown: 2m, limit: ['2/1h'], max_age: 3m }",
);
const rule = fc.record({ verify, second: fc.option(verify), guard, both: fc.boolean() });
const rules = fc
  .tuple(...NAMES.map(() => rule))
  .map((all) => all.map((one, at) => ruleOf(NAMES[at] ?? '', one)));

function ruleOf(
  name: string,
  one: { verify: string; second: string | null; guard: string; both: boolean },
): RuleText {
  const steps = [one.verify, ...(one.second === null ? [] : [one.second])].map(
    (check) => `  - action: restart_container
    with: { container: '{{ labels.container }}' }
    verify: ${check}
`,
  );
  const alertname = one.both ? `alertname=~"${name}|C"` : `alertname="${name}"`;
  return ruleText(
    name,
    `name: ${name}
summary: Restart it.
continue: true
matchers: ['${alertname}', 'container=~".+"']
steps:
${steps.join('')}guard: ${one.guard}
`,
  );
}

function waitsOf({ rules: told }: Tally, word: string): number {
  return [...told.values()].reduce((sum, each) => sum + (each.waits[word] ?? 0), 0);
}

test('rows as values and looks that are left out decide nothing', {
  timeout: 180_000,
}, async () => {
  let runs = 0;
  let busy = 0;
  await fc.assert(
    fc.asyncProperty(record, rules, async (deliveries_, set) => {
      const rested = await played(deliveries_, set);
      expect(await played(deliveries_, set, { rest: false })).toEqual(rested);
      expect(rested).toEqual(await played(deliveries_, set, { plain: true }));
      for (const { starts } of rested.actions.values()) runs += starts;
      busy += waitsOf(rested, 'busy');
    }),
    { numRuns: RUNS },
  );
  // Records in which nothing is done, or nobody waits, would show nothing.
  expect(runs).toBeGreaterThan(RUNS);
  expect(busy).toBeGreaterThan(RUNS / 2);
});
