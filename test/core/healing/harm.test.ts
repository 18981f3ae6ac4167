import { expect, test } from 'vitest';
import {
  type ActedRun,
  alertsAfterRuns,
  harmKey,
  type MadeChange,
  type Opening,
  undoingRules,
} from '../../../src/core/healing/harm.ts';

const MINUTE = 60_000;
const WITHIN = 10 * MINUTE;

/** `a:2>4@5`: rule a set 2 to 4 in minute 5; on target t, unless one is named before a slash. */
function change(text: string): MadeChange {
  const [, target = 't', rule = '', from, to, minute] =
    /^(?:(\w+)\/)?(\w+):(\d+)>(\d+)@(\d+)$/.exec(text) ?? [];
  const [observed, desired] = [from, to].map((n) => ({ replicas: Number(n) }));
  return {
    rule,
    target,
    observed: observed ?? null,
    desired: desired ?? null,
    at: Number(minute) * MINUTE,
  };
}

test.each<[string, readonly string[], boolean]>([
  ['A up, B down, A up', ['a:2>4@0', 'b:4>2@5', 'a:2>4@10'], true],
  ['in whatever order they are told', ['a:2>4@10', 'a:2>4@0', 'b:4>2@5'], true],
  ['each within the time of the one before', ['a:2>4@0', 'b:4>2@10', 'a:2>4@20'], true],
  ['two changes may be chance', ['a:2>4@0', 'b:4>2@5'], false],
  ['one comes too late', ['a:2>4@0', 'b:4>2@5', 'a:2>4@16'], false],
  ['one rule alone, as a lease that ends and begins', ['a:2>4@0', 'a:4>2@5', 'a:2>4@10'], false],
  ['three rules', ['a:2>4@0', 'b:4>2@5', 'c:2>4@10'], false],
  ['the other goes on, and takes nothing back', ['a:2>4@0', 'b:4>6@5', 'a:6>8@10'], false],
  ['to another value than the one found', ['a:2>4@0', 'b:4>3@5', 'a:3>4@10'], false],
  ['of different targets', ['t/a:2>4@0', 'u/b:4>2@5', 't/a:2>4@10'], false],
  ['somebody else changed it in between', ['a:2>4@0', 'b:4>2@5', 'a:3>5@10'], false],
  ['nothing was changed', ['a:4>4@0', 'b:4>4@5', 'a:4>4@10'], false],
  ['after a false start', ['c:1>2@0', 'a:2>4@1', 'b:4>2@5', 'a:2>4@9'], true],
  ['after a turn with a third rule', ['c:4>2@0', 'a:2>4@1', 'b:4>2@5', 'a:2>4@9'], true],
  ['and ended since', ['a:2>4@0', 'b:4>2@5', 'a:2>4@10', 'c:4>9@12'], true],
])('two rules undo each other: %s', (_name, said, found) => {
  expect(undoingRules(said.map(change), WITHIN)).toHaveLength(found ? 1 : 0);
});

test('it says who, where and what', () => {
  const made = ['a:2>4@0', 'b:4>2@5', 'a:2>4@10', 'b:4>2@15'].map(change);
  const [harm, ...more] = undoingRules(made, WITHIN);
  expect(more).toEqual([]);
  expect(harm).toEqual({
    kind: 'undoing',
    rules: ['a', 'b'],
    target: 't',
    alertname: null,
    why: 'rules a and b undo each other on t, 4 times in a row: b {"replicas":4} to {"replicas":2}, then a {"replicas":2} to {"replicas":4}, then b {"replicas":4} to {"replicas":2}',
  });
});

/** Runs of rule r in these minutes, each for an alert of its own. */
function runs(...minutes: readonly number[]): readonly ActedRun[] {
  return minutes.map((minute) => ({
    rule: 'r',
    fingerprint: `run-${minute}`,
    at: minute * MINUTE,
  }));
}
function began(...minutes: readonly number[]): readonly Opening[] {
  return minutes.map((minute) => ({ alertname: 'B', fingerprint: 'b', at: minute * MINUTE }));
}
function after(made: readonly ActedRun[], openings: readonly Opening[], known_minute = -1_000) {
  return alertsAfterRuns(made, openings, { within_ms: WITHIN, known_since: known_minute * MINUTE });
}

test.each<[string, readonly number[], readonly number[], boolean]>([
  ['after three of three runs', [0, 100, 200], [2, 110, 205], true],
  ['after three of five', [0, 100, 200, 300, 400], [2, 205, 402], true],
  ['after two', [0, 100, 200], [2, 110], false],
  [
    'after three of six: the first is too old to count',
    [0, 100, 200, 300, 400, 500],
    [2, 102, 302],
    false,
  ],
  ['too late after one', [0, 100, 200], [2, 111, 205], false],
  ['before one as well: it comes anyway', [0, 100, 200], [2, 95, 105, 205], false],
  ['before the time', [0, 100, 200], [2, 89, 105, 205], true],
  ['before the newest five', [0, 100, 200, 300, 400, 500], [-5, 302, 402, 502], true],
  ['twice after one run is once', [0, 100, 200], [2, 4, 105], false],
  ['runs that follow each other soon: it is the earlier one’s', [0, 8, 16], [2, 10, 18], true],
  ['at the very moment of the run is before it', [0, 100, 200], [0, 102, 202], false],
])('an alert that begins %s', (_name, made, openings, found) => {
  expect(after(runs(...made), began(...openings))).toHaveLength(found ? 1 : 0);
});

test('it says which rule, which alert and how often', () => {
  expect(after(runs(0, 100, 200, 300), began(2, 105, 302))).toEqual([
    {
      kind: 'new_alert',
      rules: ['r'],
      target: null,
      alertname: 'B',
      why: 'alert B began within 10m after 3 of the last 4 runs of rule r, and never in the 10m before them',
    },
  ]);
});

test('the alert that a run is for is neither before nor after it', () => {
  const made = runs(0, 100, 200).map((run) => ({ ...run, fingerprint: 'b' }));
  expect(after(made, began(-1, 2, 102, 202))).toEqual([]);
  expect(after(runs(0, 100, 200), began(2, 102, 202))).toHaveLength(1);
});

test('an outage that goes from one to the next looks the same', () => {
  // Each run is for an alert that began a minute before it, soon after the run before.
  const made = [0, 2, 4, 6].map((minute) => ({
    rule: 'r',
    fingerprint: `${minute - 1}`,
    at: minute * MINUTE,
  }));
  const openings = [-1, 1, 3, 5].map((minute) => ({
    alertname: 'B',
    fingerprint: `${minute}`,
    at: minute * MINUTE,
  }));
  // That it cannot be told from harm is why it is reported only, unless the policy says otherwise.
  expect(after(made, openings)).toHaveLength(1);
  expect(after(made.slice(0, 3), openings.slice(0, 3))).toEqual([]);
});

test('runs before which nobody knows what began are not judged', () => {
  const made = runs(0, 100, 200, 300);
  const openings = began(2, 102, 202);
  expect(after(made, openings, -10)).toHaveLength(1);
  expect(after(made, openings, 50)).toEqual([]);
});

test('each rule and each alert for itself', () => {
  const other = runs(50, 150, 250).map((run) => ({ ...run, rule: 's' }));
  const c = began(52, 152, 252).map((opening) => ({ ...opening, alertname: 'C' }));
  const found = after([...runs(0, 100, 200), ...other], [...began(2, 102, 202), ...c]);
  expect(found.map(({ rules, alertname }) => [...rules, alertname])).toEqual([
    ['r', 'B'],
    ['s', 'C'],
  ]);
  expect(new Set(found.map(harmKey)).size).toBe(2);
});
