import { expect, test } from 'vitest';
import {
  BUSY_POSTS_PER_S,
  createGiveWay,
  GIVE_WAY_MAX_MS,
  type GiveWay,
  RATE_WINDOW_MS,
} from '../../src/engine/give-way.ts';
import { type FakeClock, fakeClock, turn } from '../fakes/clock.ts';

function start(): {
  clock: FakeClock;
  way: GiveWay;
  pour(ms: number, per_s: number): Promise<void>;
} {
  const clock = fakeClock();
  const way = createGiveWay(clock);
  let owed = 0;
  async function pour(ms: number, per_s: number): Promise<void> {
    for (let at = 0; at < ms; at += 1) {
      for (owed += per_s / 1_000; owed >= 1; owed -= 1) way.posted();
      await clock.advance(1);
    }
  }
  return { clock, way, pour };
}

/** How long a wait takes while posts come at `per_s`, ms; endless when it is longer than a second. */
async function waited(it: ReturnType<typeof start>, age_ms: number, per_s: number) {
  const from = it.clock.now();
  const over = { at: Number.POSITIVE_INFINITY };
  const wait = noteEnd();
  await turn();
  for (let ms = 0; ms < 1_000 && over.at > it.clock.now(); ms += 1) await it.pour(1, per_s);
  it.way.stop();
  await wait;
  return over.at - from;

  async function noteEnd(): Promise<void> {
    await it.way.wait(from - age_ms);
    over.at = it.clock.now();
  }
}

const STORM = BUSY_POSTS_PER_S * 2;

test.each([1, 100, 1_000, BUSY_POSTS_PER_S / 2])(
  '%i posts a second: no wait at all',
  async (rate) => {
    const it = start();
    await it.pour(1_000, rate);
    expect(it.way.busy()).toBe(false);
    expect(await waited(it, 0, rate)).toBe(0);
  },
);

test('a burst after silence is not waited for', async () => {
  const it = start();
  await it.clock.advance(5_000);
  for (let n = 0; n < 500; n += 1) it.way.posted();
  expect(await waited(it, 0, 0)).toBe(0);
});

test('a storm is waited for until the oldest delivery is as old as it may get', async () => {
  const it = start();
  await it.pour(2 * RATE_WINDOW_MS, STORM);
  expect(it.way.busy()).toBe(true);
  expect(await waited(it, 0, STORM)).toBe(GIVE_WAY_MAX_MS);
});

test.each([
  [60, GIVE_WAY_MAX_MS - 60],
  [GIVE_WAY_MAX_MS, 0],
  [60_000, 0],
])('a delivery that is %i ms old waits %i ms', async (age_ms, expected) => {
  const it = start();
  await it.pour(2 * RATE_WINDOW_MS, STORM);
  expect(await waited(it, age_ms, STORM)).toBe(expected);
});

test('a storm that ends ends the wait', async () => {
  const it = start();
  await it.pour(2 * RATE_WINDOW_MS, STORM);
  expect(it.way.busy()).toBe(true);
  const took = await waited(it, 0, 0);
  expect(took).toBeGreaterThan(0);
  expect(took).toBeLessThanOrEqual(RATE_WINDOW_MS + 10);
});

test('a delivery of the future, after the clock went back, is waited for no longer', async () => {
  const it = start();
  await it.pour(2 * RATE_WINDOW_MS, STORM);
  expect(it.way.busy()).toBe(true);
  expect(await waited(it, -3_600_000, STORM)).toBe(GIVE_WAY_MAX_MS);
});

test('a clock that goes back is no storm', async () => {
  const it = start();
  await it.pour(2 * RATE_WINDOW_MS, STORM);
  expect(it.way.busy()).toBe(true);
  it.clock.jump(it.clock.now() - 3_600_000);
  expect(it.way.busy()).toBe(false);
});

test('the end of the process ends a wait at once', async () => {
  const it = start();
  await it.pour(2 * RATE_WINDOW_MS, STORM);
  const wait = it.way.wait(it.clock.now());
  await turn();
  expect(it.clock.nextWakeAt()).toBeDefined();
  it.way.stop();
  await wait;
});
