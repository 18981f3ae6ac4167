import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIds } from '../../src/adapters/ids.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('an id is a UUIDv7 that begins with its time', () => {
  const id = createIds({ now: () => 0x0123456789ab }).next();
  expect(id).toMatch(UUID_V7);
  expect(id.slice(0, 13)).toBe('01234567-89ab');
});

test('ids sort in the order they were made, whatever the clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 300 }), (steps) => {
      let now = 1_795_000_000_000;
      const ids = createIds({ now: () => now });
      const made = steps.map((step) => {
        now += step;
        return ids.next();
      });
      expect(made.toSorted()).toEqual(made);
      expect(new Set(made).size).toBe(made.length);
      for (const id of made) expect(id).toMatch(UUID_V7);
    }),
  );
});

test('ten thousand of one millisecond sort and differ', () => {
  const ids = createIds({ now: () => 1_795_000_000_000 });
  const made = Array.from({ length: 10_000 }, () => ids.next());
  expect(made.toSorted()).toEqual(made);
  expect(new Set(made).size).toBe(made.length);
});

test('two sources at one instant make different ids', () => {
  const first = createIds({ now: () => 7 });
  const second = createIds({ now: () => 7 });
  expect(first.next()).not.toBe(second.next());
});
