import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareQueued,
  isStarving,
  NOT_URGENT,
  PRIORITY_MAX,
  priorityOf,
  STARVING_AFTER_MS,
  urgencyOf,
} from '../../../src/core/healing/priority.ts';

const NOW = 1_795_000_000_000;

describe('a burn rate as a priority', () => {
  test.each([
    [Number.NaN, 0],
    [-3, 0],
    [0.99, 0],
    [1, 10],
    [1.44, 14],
    [22, 220],
    [999_999, PRIORITY_MAX],
  ])('%d is %d', (burn, priority) => {
    expect(priorityOf(burn)).toBe(priority);
  });

  test('follows the value of the label, and says so', () => {
    const burns = { label: 'service', by_value: new Map([['checkout', 22.4]]) };
    expect(urgencyOf({ service: 'checkout' }, 'service', burns)).toEqual({
      priority: 224,
      of: 'service=checkout',
      why: 'checkout burns 22x',
    });
    expect(urgencyOf({ service: 'search' }, 'service', burns)).toEqual({
      priority: 0,
      of: 'service=search',
      why: null,
    });
    expect(urgencyOf({ service: 'checkout' }, 'service', undefined).priority).toBe(0);
    expect(urgencyOf({ team: 'a' }, 'service', burns)).toBe(NOT_URGENT);
    expect(urgencyOf({ service: '' }, 'service', burns)).toBe(NOT_URGENT);
    const others = { ...burns, label: 'team' };
    expect(urgencyOf({ service: 'checkout' }, 'service', others).priority).toBe(0);
    expect(urgencyOf({}, 'constructor', burns)).toBe(NOT_URGENT);
  });
});

const queued = fc.record({
  priority: fc.integer({ min: 0, max: PRIORITY_MAX }),
  next_at: fc.integer({ min: NOW - 2 * STARVING_AFTER_MS, max: NOW }),
  updated_at: fc.integer({ min: NOW - 2 * STARVING_AFTER_MS, max: NOW }),
});

describe('who gets a place first', () => {
  test('is an order', () => {
    fc.assert(
      fc.property(queued, queued, queued, (a, b, c) => {
        expect(Math.sign(compareQueued(a, b, NOW))).toBe(-Math.sign(compareQueued(b, a, NOW)) + 0);
        if (compareQueued(a, b, NOW) <= 0 && compareQueued(b, c, NOW) <= 0)
          expect(compareQueued(a, c, NOW)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test('is who starves, whatever burns, and of two that starve who is due for longer', () => {
    fc.assert(
      fc.property(queued, queued, (a, b) => {
        if (isStarving(a, NOW) && !isStarving(b, NOW))
          expect(compareQueued(a, b, NOW)).toBeLessThan(0);
        if (isStarving(a, NOW) && isStarving(b, NOW) && a.next_at < b.next_at)
          expect(compareQueued(a, b, NOW)).toBeLessThan(0);
      }),
    );
  });

  test('is who burns more, and of two that burn alike who is due for longer', () => {
    fc.assert(
      fc.property(queued, queued, (a, b) => {
        if (isStarving(a, NOW) || isStarving(b, NOW)) return;
        if (a.priority > b.priority) expect(compareQueued(a, b, NOW)).toBeLessThan(0);
        if (a.priority === b.priority && a.next_at < b.next_at)
          expect(compareQueued(a, b, NOW)).toBeLessThan(0);
      }),
    );
  });

  test('was looked at a moment ago: it does not starve, however long it is due', () => {
    const due = { priority: 0, next_at: 0, updated_at: NOW - STARVING_AFTER_MS + 1 };
    expect(isStarving(due, NOW)).toBe(false);
    expect(isStarving(due, NOW + 1)).toBe(true);
  });
});
