import { array, assert, constantFrom, integer, property, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import type { VerifyProgress } from '../../../src/core/healing/remediation.ts';
import type { VerifySpec } from '../../../src/core/rules/rule.ts';
import { afterLook, type Look, verdictOf } from '../../../src/core/healing/verify.ts';

const SPEC: VerifySpec = {
  within_ms: 100_000,
  settle_ms: 0,
  for_ms: 10_000,
  check: { kind: 'promql', expr: 'up == 1' },
};
const BEGUN: VerifyProgress = {
  started_at: 0,
  deadline_at: 100_000,
  holds_since: null,
  held: false,
  last: '',
  blind: false,
  checks: 0,
};

function look(state: Look['state']): Look {
  return { state, detail: state };
}

function judge(progress: VerifyProgress, state: Look['state'], now: number, spec = SPEC) {
  const after = afterLook(progress, look(state), now);
  return { after, verdict: verdictOf(after, look(state), spec, now) };
}

test('it is healthy only when the check held for its whole time without a break', () => {
  const first = judge(BEGUN, 'holds', 1_000);
  expect(first.verdict).toEqual({ kind: 'pending', at: 6_000 });
  expect(judge(first.after, 'holds', 10_999).verdict.kind).toBe('pending');
  expect(judge(first.after, 'holds', 11_000).verdict).toEqual({ kind: 'healthy' });
  const broken = judge(first.after, 'not_yet', 6_000);
  expect(judge(broken.after, 'holds', 11_000).verdict.kind).toBe('pending');
});

test.each<[Look['state'], string]>([
  ['not_yet', 'not_healed'],
  ['blind', 'inconclusive'],
  ['failed', 'unhealthy'],
])('at the deadline, %s is %s', (state, reason) => {
  expect(judge(BEGUN, state, 100_000).verdict).toEqual({ kind: 'failed', reason });
});

test('a failed look ends it at once', () => {
  expect(judge(BEGUN, 'failed', 5).verdict).toEqual({ kind: 'failed', reason: 'unhealthy' });
});

test('waiting for the resolve looks again only at the deadline', () => {
  const spec: VerifySpec = { ...SPEC, for_ms: 0, check: { kind: 'resolved' } };
  expect(judge(BEGUN, 'not_yet', 5, spec).verdict).toEqual({ kind: 'pending', at: 100_000 });
});

test('whatever is seen, the next look is later than now and not after the deadline, and blindness never heals', () => {
  const looks = array(
    tuple(
      constantFrom<Look['state'][]>('holds', 'not_yet', 'blind'),
      integer({ min: 1, max: 20_000 }),
    ),
  );
  assert(
    property(looks, (seen) => {
      let progress = BEGUN;
      let now = 0;
      for (const [state, pause] of seen) {
        now += pause;
        const { after, verdict } = judge(progress, state, now);
        progress = after;
        if (verdict.kind === 'healthy') expect(state).toBe('holds');
        if (verdict.kind !== 'pending') return;
        expect(verdict.at).toBeGreaterThan(now);
        expect(verdict.at).toBeLessThanOrEqual(BEGUN.deadline_at);
      }
    }),
  );
});
