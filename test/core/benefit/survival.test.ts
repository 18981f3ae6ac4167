import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Duration, quantile, survival } from '../../../src/core/benefit/survival.ts';

/** `18` ended then, `13+` was watched until then. */
function cases(text: string): readonly Duration[] {
  return text
    .split(' ')
    .map((word) => ({ ms: Number.parseInt(word, 10), ended: !word.endsWith('+') }));
}

// Remission of leukaemia (Miller 1981), in every textbook: data set `aml` of R's package survival.
const MAINTAINED = cases('9 13 13+ 18 23 28+ 31 34 45+ 48 161+');
const NOT_MAINTAINED = cases('5 5 8 8 12 16+ 23 27 30 33 43 45');

const some = fc.array(fc.record({ ms: fc.nat(500), ended: fc.boolean() }), { maxLength: 60 });

describe('Kaplan and Meier', () => {
  test('give what R gives for the textbook case, the band too', () => {
    // summary(survfit(Surv(time, status) ~ x, data = aml)), the maintained group.
    const wanted = [
      [9, 0.909, 0.7541, 1],
      [13, 0.818, 0.6192, 1],
      [18, 0.716, 0.4884, 1],
      [23, 0.614, 0.3769, 0.999],
      [31, 0.491, 0.2549, 0.946],
      [34, 0.368, 0.1549, 0.875],
      [48, 0.184, 0.0359, 0.944],
    ] as const;
    const steps = survival(MAINTAINED);
    expect(steps.map(({ ms }) => ms)).toEqual(wanted.map(([ms]) => ms));
    for (const [at, [, open, low, high]] of wanted.entries()) {
      expect(steps[at]?.open).toBeCloseTo(open, 3);
      expect(steps[at]?.low).toBeCloseTo(low, 3);
      expect(steps[at]?.high).toBeCloseTo(high, 3);
    }
  });

  test('give its medians and their intervals', () => {
    // print(survfit(...)): 31 (18, NA) and 23 (8, NA).
    expect(quantile(MAINTAINED, 0.5)).toEqual({ ms: 31, low_ms: 18, high_ms: null });
    expect(quantile(NOT_MAINTAINED, 0.5)).toEqual({ ms: 23, low_ms: 8, high_ms: null });
  });

  test('are the plain share where everything ended', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500), { minLength: 1, maxLength: 60 }), (times) => {
        const steps = survival(times.map((ms) => ({ ms, ended: true })));
        for (const { ms, open } of steps) {
          const later = times.filter((time) => time > ms).length;
          expect(open).toBeCloseTo(later / times.length, 10);
        }
      }),
    );
  });

  test('only fall, and stay within their band', () => {
    fc.assert(
      fc.property(some, (durations) => {
        let before = 1;
        for (const { open, low, high } of survival(durations)) {
          expect(open).toBeLessThan(before);
          expect(low).toBeLessThanOrEqual(open);
          if (open > 0) expect(high).toBeGreaterThanOrEqual(open);
          before = open;
        }
      }),
    );
  });

  test('say nothing where nothing ended, and no more than was seen where less than the share did', () => {
    expect(quantile([], 0.5)).toEqual({ ms: null, low_ms: null, high_ms: null });
    expect(quantile(cases('5+ 9+'), 0.5).ms).toBeNull();
    expect(quantile(cases('5 9+ 9+ 9+'), 0.9).ms).toBeNull();
  });

  test('do not take who is still watched for one that ended', () => {
    const ended = quantile(cases('10 20 30 40'), 0.5);
    const watched = quantile(cases('10 20+ 30 40'), 0.5);
    expect(ended.ms).toBe(20);
    expect(watched.ms).toBe(30);
  });
});
