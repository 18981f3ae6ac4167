import { expect, test } from 'vitest';
import { virtualClock } from '../../src/rehearsal/clock.ts';
import { bodyOf, START, told, useStage } from './stage.ts';

const staged = useStage();
const MINUTE_MS = 60_000;
const MONTH_MS = 30 * 86_400_000;
const RULE = `name: slow
summary: Heuristics while it is slow.
matchers: ['alertname="Slow"']
steps: [{ action: set_flag, with: { flag: heuristics-only, value: true }, lease: 30m }]
`;
/** Two rules that undo each other. */
const ON = RULE.replace(', lease: 30m', '');
const OFF = ON.replaceAll('slow', 'fast').replace('Slow', 'Fast').replace('true }', 'false }');

test.each(['absent', 'present'] as const)(
  'a month in which little happens costs little (Alertmanager %s)',
  async (alertmanager) => {
    const rehearsal = await staged({ rules: { slow: RULE }, world: { alertmanager } });
    const began = performance.now();
    for (const day of [0, 10, 20]) {
      await rehearsal.advanceTo(START + day * 86_400_000);
      const since = rehearsal.now();
      const labels = { alertname: 'Slow', day: String(day) };
      rehearsal.world.fire({ labels, annotations: {}, starts_at: since });
      await rehearsal.deliver(bodyOf(labels, 'firing', since), 'alertmanager');
      await rehearsal.advanceTo(since + 5 * MINUTE_MS);
      rehearsal.world.resolve(labels);
      await rehearsal.deliver(bodyOf(labels, 'resolved', since, rehearsal.now()), 'alertmanager');
    }
    await rehearsal.advanceTo(START + MONTH_MS);
    expect(rehearsal.now()).toBe(START + MONTH_MS);
    const done = (await told(rehearsal)).filter((line) => line.includes('revert_ok'));
    expect(done).toHaveLength(3);
    // Second by second it would take minutes.
    expect(performance.now() - began).toBeLessThan(10_000);
  },
);

test('a pause ends at its time, although nobody else wakes then', async () => {
  const rehearsal = await staged({ rules: { slow: RULE } });
  const until = START + 7 * MINUTE_MS + 250;
  await rehearsal.engine.operator.pause({ actor: 'mia', reason: 'release', until });
  await rehearsal.settle();
  await rehearsal.advanceTo(START + MONTH_MS);
  expect(await told(rehearsal)).toEqual(['+420.25s resume time_over']);
});

test('harm is looked for while there is something new to find', async () => {
  const rehearsal = await staged({
    rules: { slow: ON, fast: OFF },
    policy: 'harm: { within: 10m }\n',
  });
  for (const [at, alertname] of ['Slow', 'Fast', 'Slow', 'Fast'].entries()) {
    const since = START + 6 * at * MINUTE_MS;
    await rehearsal.advanceTo(since);
    const labels = { alertname, at: String(at) };
    await rehearsal.deliver(bodyOf(labels, 'firing', since), 'alertmanager');
    await rehearsal.advanceTo(since + MINUTE_MS / 2);
    await rehearsal.deliver(bodyOf(labels, 'resolved', since, rehearsal.now()), 'alertmanager');
  }
  await rehearsal.advanceTo(START + 40 * MINUTE_MS);
  const looked = (await rehearsal.story(0)).filter(({ result }) => result === 'suspected');
  for (const { ts } of looked) expect((ts - START) % MINUTE_MS).toBe(0);
  expect(looked.length).toBeGreaterThan(0);
});

test('the clock wakes sleepers in the order of their times, and forgets those who gave up', async () => {
  const clock = virtualClock(0, (_loop, at) => () => at);
  const woke: string[] = [];
  const gone = new AbortController();
  void clock.sleep(20).then(() => woke.push('late'));
  void clock.sleep(10).then(() => woke.push('early'));
  void clock.sleep(5, gone.signal).catch(() => woke.push('gone'));
  void clock.nap('loop', 10, new AbortController().signal).then(() => woke.push('loop'));
  gone.abort(new Error('enough'));
  expect(clock.nextWake()).toBe(10);
  clock.moveTo(15);
  await Promise.resolve();
  expect(woke).toEqual(['gone', 'early', 'loop']);
  clock.moveTo(5);
  expect([clock.now(), clock.nextWake()]).toEqual([15, 20]);
});
