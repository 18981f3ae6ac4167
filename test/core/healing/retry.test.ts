import { assert, double, integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import { BACKOFF_MAX_MS, backoffMs } from '../../../src/core/healing/retry.ts';

test.each([
  [2, 1_000],
  [3, 2_000],
  [4, 4_000],
  [5, 8_000],
  [6, 10_000],
  [50, 10_000],
])('before attempt %d the pause is below %d ms', (attempt, cap) => {
  expect(backoffMs(attempt, 0)).toBe(0);
  expect(backoffMs(attempt, 0.999_999)).toBeLessThan(cap);
  expect(backoffMs(attempt, 0.999_999)).toBeGreaterThan(cap * 0.99);
});

test('it is never negative and never above the cap', () => {
  assert(
    property(
      integer({ min: 2, max: 2_000 }),
      double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (n, random) => {
        const pause = backoffMs(n, random);
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(pause).toBeLessThan(BACKOFF_MAX_MS);
      },
    ),
  );
});
