import { array, assert, integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import type { BlastFacts, PlanFacts, Touched } from '../../../src/core/healing/guard-facts.ts';
import { PLAN_GUARDS, runGuards } from '../../../src/core/healing/guards.ts';
import type { Target, TargetGroup } from '../../../src/core/healing/remediation.ts';
import { FACTS_NOW, factsOn, planFacts, target } from '../../fakes/values.ts';

const NOW = FACTS_NOW;
const WINDOW_MS = 600_000;

function member(id: string, over: Partial<TargetGroup> = {}): Target {
  return target(id, {
    group: { id: 'compose/shop/api', total: 6, healthy: 5, serves: true, ...over },
  });
}
function touched(target_id: string, at: number, group: string | null = null): Touched {
  return { target: target_id, group, at };
}
function blast(over: Partial<BlastFacts['policy']>, list: readonly Touched[]): BlastFacts {
  return { policy: { share_pct: null, total: null, window_ms: WINDOW_MS, ...over }, touched: list };
}
function guarded(targets: readonly Target[], over: Partial<PlanFacts>) {
  return runGuards(PLAN_GUARDS, factsOn(targets, over));
}

test.each<[string, Target, number, number, object]>([
  ['enough siblings', member('a'), 0, 5, { kind: 'allow' }],
  ['too few', member('a', { healthy: 1 }), 0, 2, { kind: 'wait', reason: 'min_healthy' }],
  ['siblings under work do not count', member('a'), 4, 2, { kind: 'wait', reason: 'min_healthy' }],
  [
    'one that is down cannot be missed',
    member('a', { healthy: 0, serves: false }),
    0,
    2,
    { kind: 'allow' },
  ],
  ['without siblings there is nothing to keep', target('a'), 0, 3, { kind: 'allow' }],
])('min_healthy: %s', (_name, one, siblings_busy, min_healthy, expected) => {
  const facts = factsOn([one], { guard: { ...planFacts().guard, min_healthy } });
  const on = facts.on.map((entry) => ({ ...entry, siblings_busy }));
  expect(runGuards(PLAN_GUARDS, { ...facts, on })).toMatchObject(expected);
});

test.each<[string, readonly Target[], BlastFacts, object]>([
  ['one is always allowed', [target('a')], blast({ total: 0 }, []), { kind: 'allow' }],
  [
    'the total is reached: it waits until the oldest leaves the window',
    [target('c')],
    blast({ total: 2 }, [touched('a', NOW - 100), touched('b', NOW - 50)]),
    { kind: 'wait', reason: 'blast_radius', retry_at: NOW - 100 + WINDOW_MS },
  ],
  [
    'a target that was touched already is not one more',
    [target('a')],
    blast({ total: 2 }, [touched('a', NOW - 100), touched('b', NOW - 50)]),
    { kind: 'allow' },
  ],
  [
    'the share of a group',
    [member('c')],
    blast({ share_pct: 34 }, [
      touched('a', NOW - 9, 'compose/shop/api'),
      touched('b', NOW - 5, 'compose/shop/api'),
    ]),
    { kind: 'wait', reason: 'blast_radius', retry_at: NOW - 9 + WINDOW_MS },
  ],
  [
    'others of another group do not count',
    [member('c')],
    blast({ share_pct: 34 }, [touched('x', NOW - 9, 'compose/other/api'), touched('y', NOW - 9)]),
    { kind: 'allow' },
  ],
  [
    'one of a small group is always allowed',
    [member('c', { total: 2 })],
    blast({ share_pct: 10 }, []),
    { kind: 'allow' },
  ],
  [
    'a step that alone is too much',
    [member('a'), member('b'), member('c')],
    blast({ share_pct: 34 }, []),
    { kind: 'wait', reason: 'blast_radius' },
  ],
])('blast_radius: %s', (_name, targets, facts, expected) => {
  expect(guarded(targets, { blast: facts })).toMatchObject(expected);
});

test('targets let through never exceed the total in any window', () => {
  assert(
    property(
      integer({ min: 1, max: 4 }),
      array(integer({ min: 0, max: 400_000 }), { maxLength: 40 }),
      (total, pauses) => {
        const starts: Touched[] = [];
        let now = NOW;
        for (const [index, pause] of pauses.entries()) {
          now += pause;
          const inside = starts.filter(({ at }) => at > now - WINDOW_MS);
          const verdict = guarded([target(`t${index}`)], { now, blast: blast({ total }, inside) });
          if (verdict.kind === 'allow') starts.push(touched(`t${index}`, now));
          else expect(verdict).toMatchObject({ kind: 'wait', reason: 'blast_radius' });
          if (verdict.kind === 'wait') expect(verdict.retry_at).toBeGreaterThan(now);
        }
        for (const { at: end } of starts) {
          const inside = starts.filter(({ at }) => at <= end && at > end - WINDOW_MS);
          expect(inside.length).toBeLessThanOrEqual(total);
        }
      },
    ),
  );
});

test('the windows over all targets', () => {
  const window = { count: 2, window_ms: 60_000, text: '2/1m' };
  const limits = [{ of: 'service' as const, window, blocking: NOW - 20_000 }];
  expect(guarded([target('a')], { limits })).toMatchObject({
    kind: 'wait',
    reason: 'limit',
    retry_at: NOW + 40_000,
    detail: 'autoheal in all had 2/1m runs',
  });
  const joining = target('flag/x', { observed: true, desired: true });
  expect(guarded([joining], { limits })).toEqual({ kind: 'allow' });
});

test('a common cause is reported, and waits only where the policy says so', () => {
  const cause = { targets: 5, within_ms: 120_000, seen: 5 };
  expect(guarded([target('a')], { common_cause: { ...cause, enforce: false } })).toEqual({
    kind: 'allow',
  });
  expect(guarded([target('a')], { common_cause: { ...cause, enforce: true } })).toMatchObject({
    kind: 'wait',
    reason: 'common_cause',
  });
  expect(guarded([target('a')], { common_cause: { ...cause, seen: 4, enforce: true } })).toEqual({
    kind: 'allow',
  });
});
