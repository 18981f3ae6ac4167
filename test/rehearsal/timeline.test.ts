import { describe, expect, test } from 'vitest';
import { played, toldBy } from './played.ts';

const RESTART = `matchers: ['alertname="Down"']
steps: [{ action: restart_container, with: { container: api }, verify: { within: 2m, health: true } }]`;
const SCALE = `matchers: ['alertname="Long"']
steps: [{ action: scale_workers, with: { workload: compose/worker, by: +2, max: 8 }, lease: 10m, verify: { within: 5m, resolved: true } }]`;
const DOWN = '{ labels: { alertname: Down } }';

describe('what happens in a story', () => {
  test('an alert that is repeated keeps its lease, and one that is not loses it', async () => {
    for (const [every, ends] of [
      ['', '10m revert_ok'],
      [', every: 4m', undefined],
    ] as const) {
      const result = await played({
        rules: { scale: SCALE },
        test: `timeline: [{ at: 0s, fire: { labels: { alertname: Long }${every} } }]\nuntil: 20m\nexpect: []`,
      });
      const reverts = toldBy(result).filter((line) => line.includes('revert_ok'));
      expect(reverts.map((line) => line.slice(0, 13))).toEqual(ends === undefined ? [] : [ends]);
    }
  });

  test('a resolve is of all alerts that have the labels', async () => {
    const result = await played({
      rules: { restart: RESTART },
      test: `timeline:
  - { at: 0s, fire: { labels: { alertname: Down, n: '1' } } }
  - { at: 0s, fire: { labels: { alertname: Down, n: '2' } } }
  - { at: 1m, resolve: { alertname: Down } }
expect: [{ at: 1m, kind: alert_resolved }, { at: 1m, kind: alert_resolved }]`,
    });
    expect(toldBy(result).filter((line) => line.startsWith('1m alert_resolved'))).toHaveLength(2);
  });

  test('a resolve of nothing, a deed about nothing: the test says so', async () => {
    const result = await played({
      rules: { restart: RESTART },
      test: `timeline:
  - { at: 1m, resolve: { alertname: Down } }
  - { at: 2m, operator: { approve: true } }
  - { at: 3m, operator: { resume: true } }
  - { at: 4m, operator: { set_flag: { nobody-declared: true } } }
expect: []`,
    });
    expect(result.passed).toBe(false);
    expect(result.problems).toEqual([
      'timeline, at 1m: nothing fires with the labels {"alertname":"Down"}',
      'timeline, at 2m: nobody asks for an approval',
      'timeline, at 3m: nothing is paused',
      'timeline, at 4m: the policy declares no flag nobody-declared; add it under flags',
    ]);
  });

  test('the world changes: it becomes healthy between two looks', async () => {
    const healthy = await played({
      rules: { restart: RESTART },
      test: `world: { targets: { docker/api: { health: pending } } }
timeline:
  - { at: 0s, fire: ${DOWN} }
  - { at: 59s, world: { targets: { docker/api: { health: healthy } } } }
expect:
  - { at: 0s, kind: action_ok, target: docker/api }
  - { at: 1m, kind: remediation_done, result: healed }
until: 2m`,
    });
    expect(healthy.diff.filter(({ kind }) => kind !== 'same')).toEqual([]);
    expect(healthy.passed).toBe(true);
  });

  test('a target that is gone is not found', async () => {
    const result = await played({
      rules: { restart: RESTART },
      test: `world: { targets: { docker/api: { exists: false } } }
timeline: [{ at: 0s, fire: ${DOWN} }]
expect: [{ kind: action_fail, reason: not_found }, { kind: escalated }, { kind: remediation_done }]`,
    });
    expect(result.passed).toBe(true);
  });

  test('calls fail as often as it says, and only those on the target', async () => {
    const result = await played({
      rules: { restart: RESTART },
      test: `timeline:
  - { at: 0s, action: { action: restart_container, target: docker/other, fails: conflict } }
  - { at: 0s, action: { action: restart_container, target: docker/api, fails: forbidden } }
  - { at: 0s, fire: ${DOWN} }
expect: [{ at: 0s, kind: action_fail, reason: forbidden }, { kind: escalated }, { kind: remediation_done }]`,
    });
    expect(result.passed).toBe(true);
  });

  test('a call that hangs ends at its deadline, on the clock of the story', async () => {
    const began = performance.now();
    const result = await played({
      rules: { restart: RESTART },
      test: `timeline:
  - { at: 0s, action: { action: restart_container, hangs: true } }
  - { at: 0s, fire: ${DOWN} }
until: 5m
expect: [{ at: 1m, kind: action_fail, reason: timeout }, { at: 1m, kind: escalated }, { at: 1m, kind: remediation_done }]`,
    });
    expect(result.passed).toBe(true);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test('a look that nobody answers fails the test, with what to write', async () => {
    const result = await played({
      rules: { restart: `${RESTART}\nwhen: [{ promql: 'sum(up{job="x"}) > 0' }]` },
      test: `timeline: [{ at: 0s, fire: ${DOWN} }]\nexpect: [{ kind: decision_wait, reason: precondition }]`,
    });
    expect(result.passed).toBe(false);
    expect(result.problems).toEqual([
      `nothing says what promql sum(up{job="x"}) > 0 answers; say it: world: { promql: { 'sum(up{job="x"}) > 0': true } }`,
    ]);
  });

  test('how it ends is compared', async () => {
    const result = await played({
      rules: { scale: SCALE },
      test: `world: { flags: { heuristics-only: true } }
timeline: []
expect: []
finally: { flags: { heuristics-only: false }, targets: { compose/worker: { replicas: 1 } } }`,
    });
    expect(result.problems).toEqual([
      'finally: flags: heuristics-only: expected false, is true',
      'finally: targets: compose/worker: expected {"replicas":1}, is not known',
    ]);
  });
});

describe('what people do', () => {
  const ASKED = `mode: approve\ntimeline:\n  - { at: 0s, fire: ${DOWN} }\n`;
  test.each([
    ['approve: true', ['approval_granted', 'action_ok', 'remediation_done']],
    ["deny: 'not now'", ['approval_denied', 'decision_skip', 'remediation_done']],
    ["cancel: 'by hand'", ['decision_skip', 'remediation_done']],
  ])('%s', async (deed, kinds) => {
    const result = await played({
      rules: { restart: RESTART },
      test: `${ASKED}  - { at: 1m, operator: { ${deed}, as: mia } }\nuntil: 2m\nexpect: []`,
    });
    const after = toldBy(result).filter((line) => line.startsWith('1m '));
    expect(new Set(after.map((line) => line.split(' ')[1]))).toEqual(new Set(kinds));
  });

  test.each([
    ['hold: { target: docker/api }', 'unhold: true'],
    ['hold: { alertname: Down }, for: 1m', 'set_flag: { heuristics-only: true }'],
    ['pause: release', 'resume: true'],
    ['pause: release, for: 1m', 'set_flag: { heuristics-only: true }'],
  ])('%s, then %s', async (stops, goes_on) => {
    const result = await played({
      rules: { restart: RESTART },
      test: `timeline:
  - { at: 0s, operator: { ${stops} } }
  - { at: 0s, fire: ${DOWN} }
  - { at: 1m, operator: { ${goes_on} } }
until: 2m
expect: [{ at: 0s, kind: decision_wait }, { at: 1m, kind: action_ok }, { at: 1m, kind: remediation_done }]`,
    });
    const story = toldBy(result).filter((line) => !/ (?:un)?hold | pause | resume /.test(line));
    expect(story.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      '0s decision_wait',
      '1m action_ok',
      '1m remediation_done',
    ]);
  });

  test('ack, undo, run', async () => {
    const acked = await played({
      rules: { restart: RESTART },
      test: `timeline:
  - { at: 0s, operator: { pause: release, for: 1m } }
  - { at: 0s, fire: ${DOWN} }
  - { at: 30s, operator: { ack: { alertname: Down } } }
until: 3m
expect: [{ at: 0s, kind: decision_wait, reason: paused }, { at: 30s, kind: ack }, { at: 1m, kind: decision_wait, reason: held }]`,
    });
    expect(acked.diff.filter(({ kind }) => kind !== 'same')).toEqual([]);
    const undone = await played({
      rules: { scale: SCALE },
      test: `timeline:
  - { at: 0s, fire: { labels: { alertname: Long } } }
  - { at: 6m, operator: { undo: 'too many' } }
expect:
  - { at: 0s, kind: action_ok }
  - { at: 5m, kind: verify_fail }
  - { at: 5m, kind: escalated }
  - { at: 5m, kind: remediation_done }
  - { at: 6m, kind: revert_ok }`,
    });
    expect(undone.diff.filter(({ kind }) => kind !== 'same')).toEqual([]);
    const run = await played({
      rules: { restart: RESTART },
      test: `timeline:
  - { at: 0s, fire: { labels: { alertname: Else } } }
  - { at: 1m, operator: { run: restart, as: mia } }
expect: [{ at: 0s, kind: decision_skip, reason: unmapped }, { at: 1m, kind: decision_run, actor: mia }, { at: 1m, kind: action_ok }, { at: 1m, kind: remediation_done }]`,
    });
    expect(run.diff.filter(({ kind }) => kind !== 'same')).toEqual([]);
  });
});

test('the same file tells the same story, byte for byte', async () => {
  const file = {
    rules: { restart: RESTART, scale: SCALE },
    test: `world: { alertmanager: present }
timeline:
  - { at: 0s, action: { action: restart_container, fails: unavailable, times: 2 } }
  - { at: 0s, fire: { labels: { alertname: Down, n: '1' }, every: 1m } }
  - { at: 0s, fire: { labels: { alertname: Down, n: '2' }, every: 1m } }
  - { at: 3s, fire: { labels: { alertname: Long }, every: 1m } }
  - { at: 40m, resolve: {} }
expect: []`,
  };
  const first = await played(file);
  const second = await played(file);
  expect(first.story_yaml.split('\n').length).toBeGreaterThan(5);
  expect(second).toEqual(first);
});

test('nothing is held out: which firings are drawn is another matter', async () => {
  const result = await played({
    rules: { restart: `${RESTART}\nholdout: 50%\nholdout_for: 1m` },
    test: `world: { targets: { docker/api: { health: healthy } } }
timeline:
${Array.from({ length: 12 }, (_, n) => `  - { at: ${n}h, fire: ${DOWN} }\n  - { at: ${n}h30m, resolve: { alertname: Down } }`).join('\n')}
expect: []`,
  });
  const told = toldBy(result);
  expect(told.filter((line) => line.includes('action_ok'))).toHaveLength(12);
  expect(told.filter((line) => line.includes('holdout'))).toEqual([]);
});
