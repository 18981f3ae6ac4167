import { expect, test } from 'vitest';
import { TimeIntervalsSection } from '../../src/core/rules/time-interval-schema.ts';
import { compileRule } from '../../src/core/rules/rule-compile.ts';
import { catalogueFor } from '../../src/engine/rulebook.ts';
import { newWorld, worldActions } from '../fakes/world.ts';
import { RULES } from '../http/values.ts';

const ACTIONS = new Map(worldActions(newWorld({ a: 1 })).map((action) => [action.id, action]));

function problemsOf(names: readonly string[], pinned = false): readonly string[] {
  const time_intervals = TimeIntervalsSection.parse(
    names.map((name) => ({ name, time_intervals: [{ weekdays: ['sunday'] }] })),
  );
  const catalogue = catalogueFor(ACTIONS)({ ...RULES.policy, time_intervals });
  const text = `name: r
summary: A rule.
matchers: ['alertname="X"']
when: [{ not_during: weekend }]
steps: [{ action: poke, with: { thing: a } }]
`;
  const input = { file: 'rules/r.yaml', text, hash: 'h' };
  return compileRule(input, catalogue, { pinned }).problems.map(
    ({ line, message, fix }) => `${line}: ${message} (${fix})`,
  );
}

test('a rule names time intervals of its own policy', () => {
  expect(problemsOf(['weekend'])).toEqual([]);
  const missing = '4: when 1: not_during: the policy has no time interval "weekend"';
  expect(problemsOf([])).toEqual([`${missing} (declare it in the policy under time_intervals)`]);
  expect(problemsOf(['weekends'])).toEqual([`${missing} (did you mean "weekends"?)`]);
});

test('a rule that is under way is not held against an interval that has gone', () => {
  expect(problemsOf([], true)).toEqual([]);
});
