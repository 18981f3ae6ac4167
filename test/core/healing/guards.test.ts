import { array, assert, integer, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { GUARD_WORDS } from '../../../src/core/healing/guard-words.ts';
import type { PlanFacts } from '../../../src/core/healing/guard-facts.ts';
import { EARLY_GUARDS, PLAN_GUARDS, runGuards } from '../../../src/core/healing/guards.ts';
import { episode, FACTS_NOW, lease, planFacts, target } from '../../fakes/values.ts';

const NOW = FACTS_NOW;
const facts = planFacts;

function verdict(over: Partial<PlanFacts>) {
  const all = facts(over);
  const early = runGuards(EARLY_GUARDS, all);
  return early.kind === 'allow' ? runGuards(PLAN_GUARDS, all) : early;
}

function on(over: Partial<PlanFacts['on'][number]>): Pick<PlanFacts, 'on' | 'plan'> {
  const entry = {
    target: target('thing/a', { observed: 1, desired: 2 }),
    lease: undefined,
    siblings_busy: 0,
    last_end: undefined,
    run_starts: [],
    ...over,
  };
  return { on: [entry], plan: { ...facts().plan, targets: [entry.target] } };
}

test('the lists are the words of the design, in its order', () => {
  expect([...EARLY_GUARDS, ...PLAN_GUARDS].map((guard) => guard.word)).toEqual([...GUARD_WORDS]);
});

test('with nothing against it, it is allowed', () => {
  expect(verdict({})).toEqual({ kind: 'allow' });
});

test.each<[string, Partial<PlanFacts>, { kind: string; reason: string; retry_at?: number }]>([
  ['paused', { mode: 'paused' }, { kind: 'wait', reason: 'paused', retry_at: NOW + 15_000 }],
  [
    'paused with an end',
    { mode: 'paused', paused_until: NOW + 5 },
    { kind: 'wait', reason: 'paused', retry_at: NOW + 5 },
  ],
  [
    'stale',
    { episode: episode({ last_firing_at: NOW - 900_001 }) },
    { kind: 'refuse', reason: 'stale' },
  ],
  ['resolved', { episode: episode({ state: 'closed' }) }, { kind: 'refuse', reason: 'resolved' }],
  [
    'resolved long ago is resolved, not stale',
    { episode: episode({ state: 'closed', last_firing_at: 0 }) },
    { kind: 'refuse', reason: 'resolved' },
  ],
  [
    'not opted in',
    on({ target: target('thing/a', { opted_in: false }) }),
    { kind: 'refuse', reason: 'not_opted_in' },
  ],
  ['busy', { lock_holder: 'other' }, { kind: 'wait', reason: 'busy', retry_at: NOW + 15_000 }],
  [
    'leased at another value',
    on({ lease: lease({ value: 3 }) }),
    { kind: 'wait', reason: 'leased' },
  ],
  [
    'leased and being reverted',
    on({ lease: lease({ value: 2, state: 'reverting' }) }),
    { kind: 'wait', reason: 'leased' },
  ],
  [
    'cooldown',
    on({ last_end: NOW - 1_000 }),
    { kind: 'wait', reason: 'cooldown', retry_at: NOW + 299_000 },
  ],
  [
    'limit',
    on({ run_starts: [NOW - 1, NOW - 2, NOW - 3] }),
    { kind: 'wait', reason: 'limit', retry_at: NOW - 3 + 3_600_000 },
  ],
  [
    'breaker',
    { breaker: { backend: 'world', state: 'open', open_until: NOW + 9_000 } },
    { kind: 'wait', reason: 'breaker_open', retry_at: NOW + 9_000 },
  ],
  ['dry run of the service', { mode: 'dry-run' }, { kind: 'refuse', reason: 'dry_run' }],
  ['dry run of the rule', { rule_mode: 'dry-run' }, { kind: 'refuse', reason: 'dry_run' }],
  [
    'dry run comes last',
    { mode: 'dry-run', lock_holder: 'other' },
    { kind: 'wait', reason: 'busy' },
  ],
])('%s', (_name, over, expected) => {
  expect(verdict(over)).toMatchObject(expected);
});

test.each<[string, Partial<PlanFacts>]>([
  ['exactly as old as max_age', { episode: episode({ last_firing_at: NOW - 900_000 }) }],
  ['the cooldown is just over', on({ last_end: NOW - 300_000 })],
  ['a lease at the value wanted is joined', on({ lease: lease({ value: 2 }) })],
  [
    'joining at the standing value is no run: no cooldown',
    on({ target: target('thing/a', { observed: 2, desired: 2 }), last_end: NOW - 1 }),
  ],
  [
    'the third run has just left the window',
    on({ run_starts: [NOW - 1, NOW - 2, NOW - 3_600_000] }),
  ],
  [
    'a half-open breaker lets the probe through',
    { breaker: { backend: 'world', state: 'half_open', open_until: NOW - 1 } },
  ],
])('allowed: %s', (_name, over) => {
  expect(verdict(over)).toEqual({ kind: 'allow' });
});

test('runs let through by the limit never exceed it in any window', () => {
  const window = record({
    count: integer({ min: 1, max: 4 }),
    window_ms: integer({ min: 1, max: 50 }),
  });
  assert(
    property(
      array(window, { minLength: 1, maxLength: 3 }),
      array(integer({ min: 0, max: 30 }), { maxLength: 60 }),
      (windows, pauses) => {
        const limit = windows.map((each) => ({ ...each, text: 'x' }));
        const starts: number[] = [];
        let now = 1_000;
        for (const pause of pauses) {
          now += pause;
          const answer = verdict({
            ...on({ run_starts: starts.toReversed() }),
            now,
            episode: episode({ last_firing_at: now }),
            guard: { ...facts().guard, cooldown_ms: 0, limit, max_age_ms: 1e9 },
          });
          if (answer.kind === 'allow') starts.push(now);
          else expect(answer).toMatchObject({ kind: 'wait', reason: 'limit' });
          if (answer.kind === 'wait') expect(answer.retry_at).toBeGreaterThan(now);
        }
        for (const { count, window_ms } of limit)
          for (const end of starts)
            expect(
              starts.filter((start) => start <= end && start > end - window_ms).length,
            ).toBeLessThanOrEqual(count);
      },
    ),
  );
});
