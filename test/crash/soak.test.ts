import { expect, test } from 'vitest';
import { soak } from './soak.ts';
import { givenUpAt, growthMib } from './soak-figures.ts';

test('ten seconds of steady alerts, with failures on purpose: flat memory, no stuck row', async () => {
  const { samples, alerts, problems } = await soak({
    duration_ms: 10_000,
    sample_every_ms: 1_000,
    say: () => {},
  });
  expect(problems).toEqual([]);
  expect(alerts).toBeGreaterThan(100);
  expect(samples.length).toBeGreaterThan(5);
  // It was at work, and it is done.
  expect(Math.max(...samples.map(({ under_way }) => under_way))).toBeGreaterThan(0);
  expect(samples.at(-1)).toMatchObject({ inbox: 0, under_way: 0, leases: 0 });
}, 180_000);

test('growth is what a straight line rises by', () => {
  expect(
    growthMib([
      [0, 10],
      [1_000, 12],
      [2_000, 14],
    ]),
  ).toBeCloseTo(4);
  expect(
    growthMib([
      [0, 10],
      [1_000, 14],
      [2_000, 10],
    ]),
  ).toBeCloseTo(0);
  expect(growthMib([[0, 10]])).toBe(0);
});

test('a row is stuck a minute after it fell due, or after its claim ran out', () => {
  const at = Date.parse('2026-03-01T12:00:00Z');
  const row = {
    state: 'waiting',
    updated_at: '2026-03-01T12:00:00Z',
    next_at: null,
    claimed_by: null,
  };
  expect(givenUpAt(row)).toBe(at + 60_000);
  expect(givenUpAt({ ...row, next_at: '2026-03-01T12:05:00Z' })).toBe(at + 360_000);
  expect(givenUpAt({ ...row, state: 'acting', claimed_by: 'w' })).toBe(at + 150_000);
});
