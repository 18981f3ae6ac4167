import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  casesNeeded,
  newcombe,
  type Proportion,
  wilson,
} from '../../../src/core/benefit/proportion.ts';

const counts = fc
  .tuple(fc.nat(2_000), fc.nat(2_000))
  .filter(([n]) => n > 0)
  .map(([n, k]) => ({ n, k: k % (n + 1) }));

function of(k: number, n: number): Proportion {
  const found = wilson(k, n);
  if (found === null) throw new Error('no cases');
  return found;
}

describe("Wilson's interval", () => {
  test.each([
    // Newcombe, "Two-sided confidence intervals for the single proportion", Stat. Med. 17 (1998) 857, table I, method 3.
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('of %d of %d is the published one', (k, n, low, high) => {
    expect(of(k, n).low).toBeCloseTo(low, 4);
    expect(of(k, n).high).toBeCloseTo(high, 4);
  });

  test('holds its share, stays within 0 and 1, mirrors, and shrinks with more of the same', () => {
    fc.assert(
      fc.property(counts, ({ n, k }) => {
        const { low, share, high } = of(k, n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(share);
        expect(high).toBeGreaterThanOrEqual(share);
        expect(high).toBeLessThanOrEqual(1);
        expect(of(n - k, n).low).toBeCloseTo(1 - high, 12);
        const more = of(k * 4, n * 4);
        expect(more.high - more.low).toBeLessThan(high - low);
      }),
    );
  });

  test('is nothing without cases, and refuses what is no share', () => {
    expect(wilson(0, 0)).toBeNull();
    for (const [k, n] of [
      [2, 1],
      [-1, 1],
      [0.5, 1],
    ] as const)
      expect(() => wilson(k, n)).toThrow(RangeError);
  });
});

describe("Newcombe's interval of a difference", () => {
  test.each([
    // Newcombe, "Interval estimation for the difference between independent proportions", Stat. Med. 17 (1998) 873, table II, method 10.
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [6, 7, 2, 7, 0.0582, 0.8062],
    [5, 56, 0, 29, -0.0381, 0.1926],
    [0, 10, 0, 20, -0.1611, 0.2775],
    [0, 10, 0, 10, -0.2775, 0.2775],
    [10, 10, 0, 20, 0.6791, 1],
    [10, 10, 0, 10, 0.6075, 1],
  ])('%d of %d against %d of %d is the published one', (k1, n1, k2, n2, low, high) => {
    const found = newcombe(of(k1, n1), of(k2, n2));
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
  });

  test('holds the difference, stays within -1 and 1, and turns round with its sides', () => {
    fc.assert(
      fc.property(counts, counts, (a, b) => {
        const there = newcombe(of(a.k, a.n), of(b.k, b.n));
        expect(there.low).toBeGreaterThanOrEqual(-1 - 1e-12);
        expect(there.low).toBeLessThanOrEqual(there.points);
        expect(there.high).toBeGreaterThanOrEqual(there.points);
        expect(there.high).toBeLessThanOrEqual(1 + 1e-12);
        const back = newcombe(of(b.k, b.n), of(a.k, a.n));
        expect(back.low).toBeCloseTo(-there.high, 12);
      }),
    );
  });
});

describe('cases needed', () => {
  test('are those of the formula, and fewer for a larger difference', () => {
    // 2 * 0.25 * (1.95996 + 0.84162)^2 / 0.04 = 98.1
    expect(casesNeeded(0.2, 0.5)).toBe(99);
    expect(casesNeeded(0.1, 0.5)).toBe(393);
    expect(casesNeeded(0.2, 0.9)).toBe(36);
    // Nobody recovered yet: not taken for certain.
    expect(casesNeeded(0.2, 0)).toBe(casesNeeded(0.2, 0.05));
  });
});
