import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawOf, heldOutUntil } from '../../../src/core/healing/holdout.ts';
import { createIds } from '../../../src/adapters/ids.ts';
import { episode } from '../../fakes/values.ts';

const NOW = 1_795_000_000_000;
const RULE = {
  name: 'thing-down',
  mode: 'auto',
  holdout: { share_pct: 50, for_ms: 600_000 },
} as const;

/** One that the draw of the rule takes. */
function drawn(): string {
  const ids = Array.from({ length: 50 }, (_, n) => `episode-${n}`);
  const id = ids.find((each) => drawOf(RULE.name, each) < 0.5);
  if (id === undefined) throw new Error('none of 50 was drawn');
  return id;
}

describe('the draw', () => {
  test('is the same for the same rule and episode, and another for another', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (rule, id) => {
        const draw = drawOf(rule, id);
        expect(draw).toBe(drawOf(rule, id));
        expect(draw).toBeGreaterThanOrEqual(0);
        expect(draw).toBeLessThan(1);
      }),
    );
    expect(drawOf('a', 'bc')).not.toBe(drawOf('ab', 'c'));
  });

  test('takes its share of ids that were made in the same moment, for every rule anew', () => {
    const ids = createIds({ now: () => NOW });
    const episodes = Array.from({ length: 20_000 }, () => ids.next());
    const mine = episodes.map((id) => drawOf('thing-down', id) < 0.05);
    const other = episodes.map((id) => drawOf('thing-slow', id) < 0.05);
    // Five standard deviations of a share of 5 % of 20,000.
    const count = mine.filter(Boolean).length;
    expect(Math.abs(count - 1_000)).toBeLessThan(155);
    const both = mine.filter((is_mine, at) => is_mine && other[at] === true).length;
    expect(Math.abs(both - 50)).toBeLessThan(36);
    // Ten classes of equal size, nine degrees of freedom: chi-squared above 33.7 is one in ten thousand.
    const classes = Array.from({ length: 10 }, () => 0);
    for (const id of episodes) {
      const at = Math.floor(drawOf('thing-down', id) * 10);
      classes[at] = (classes[at] ?? 0) + 1;
    }
    const chi = classes.reduce((sum, n) => sum + (n - 2_000) ** 2 / 2_000, 0);
    expect(chi).toBeLessThan(33.7);
  });
});

describe('a firing is left alone', () => {
  const id = drawn();

  test('for as long as the rule says, from its beginning', () => {
    expect(heldOutUntil(RULE, episode({ id }), NOW)).toBe(NOW + 600_000);
  });

  test('never without the rule asking for it, in dry-run, for a drill or when it is critical', () => {
    expect(heldOutUntil({ ...RULE, holdout: null }, episode({ id }), NOW)).toBeNull();
    expect(heldOutUntil({ ...RULE, mode: 'dry-run' }, episode({ id }), NOW)).toBeNull();
    expect(heldOutUntil(RULE, episode({ id, drill: true }), NOW)).toBeNull();
    const labels = { alertname: 'ThingDown', severity: 'critical' };
    expect(heldOutUntil(RULE, episode({ id, labels }), NOW)).toBeNull();
  });

  test('only in its share', () => {
    const smaller = { ...RULE, holdout: { share_pct: 1, for_ms: 1 } };
    const taken = Array.from({ length: 1_000 }, (_, n) => episode({ id: `other-${n}` })).filter(
      (each) => heldOutUntil(smaller, each, NOW) !== null,
    );
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.length).toBeLessThan(30);
  });
});
