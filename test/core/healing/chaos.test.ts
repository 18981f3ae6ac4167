import { assert, integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import {
  type ChaosState,
  chaosActive,
  chaosFails,
  chaosKey,
} from '../../../src/core/healing/chaos.ts';

function failures(seed: number, rate: number, draws: number): number {
  let count = 0;
  for (let n = 0; n < draws; n += 1) if (chaosFails(seed, n, rate)) count += 1;
  return count;
}

test('the same seed draws the same sequence, another seed another one', () => {
  const draw = (seed: number) => Array.from({ length: 200 }, (_, n) => chaosFails(seed, n, 50));
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

test('0 never fails, 100 always does', () => {
  assert(
    property(integer(), integer({ min: 0, max: 1e9 }), (seed, n) => {
      expect(chaosFails(seed, n, 0)).toBe(false);
      expect(chaosFails(seed, n, 100)).toBe(true);
    }),
  );
});

test.each([1, 2, 3, 42])('seed %d: the share that fails is near the rate', (seed) => {
  // 20,000 draws at 5 %: standard deviation 31, so 800 to 1,200 is over 6 of them each way.
  const count = failures(seed, 5, 20_000);
  expect(count).toBeGreaterThan(800);
  expect(count).toBeLessThan(1_200);
});

test('it is active until its end, and not after it was disarmed', () => {
  const state: ChaosState = {
    key: chaosKey(5, 1, 1_000),
    rate_pct: 5,
    seed: 1,
    armed_at: 0,
    ends_at: 1_000,
    draws: 0,
    disarmed: false,
  };
  expect(chaosActive(state, 999)).toBe(true);
  expect(chaosActive(state, 1_000)).toBe(false);
  expect(chaosActive({ ...state, disarmed: true }, 1)).toBe(false);
  expect(chaosActive({ ...state, rate_pct: 0 }, 1)).toBe(false);
  expect(chaosActive(undefined, 1)).toBe(false);
});
