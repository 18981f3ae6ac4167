import { array, assert, boolean, property, tuple, nat } from 'fast-check';
import { expect, test } from 'vitest';
import {
  BREAKER_FAILURES,
  BREAKER_OPEN_MS,
  type Breaker,
  breakerBegin,
  breakerEnd,
  breakerState,
  CLOSED_BREAKER,
} from '../../../src/core/healing/breaker.ts';

function failTimes(count: number, now: number): Breaker {
  let breaker = CLOSED_BREAKER;
  for (let i = 0; i < count; i += 1) breaker = breakerEnd(breaker, false, now);
  return breaker;
}

test('two failures leave it closed, the third opens it', () => {
  expect(breakerState(failTimes(2, 0), 0)).toBe('closed');
  expect(breakerState(failTimes(3, 0), 0)).toBe('open');
});

test('it lets one probe through after its time, and the others see it open', () => {
  const open = failTimes(3, 0);
  expect(breakerState(open, BREAKER_OPEN_MS - 1)).toBe('open');
  expect(breakerState(open, BREAKER_OPEN_MS)).toBe('half_open');
  const probing = breakerBegin(open, BREAKER_OPEN_MS);
  expect(breakerState(probing, BREAKER_OPEN_MS)).toBe('open');
  expect(breakerEnd(probing, true, BREAKER_OPEN_MS)).toEqual(CLOSED_BREAKER);
  expect(breakerState(breakerEnd(probing, false, BREAKER_OPEN_MS), 2 * BREAKER_OPEN_MS - 1)).toBe(
    'open',
  );
});

test('it is open exactly when the last calls, three or more, all failed', () => {
  assert(
    property(array(tuple(boolean(), nat(10))), (calls) => {
      let breaker = CLOSED_BREAKER;
      let now = 0;
      let failures = 0;
      for (const [ok, pause] of calls) {
        now += pause;
        breaker = breakerEnd(breakerBegin(breaker, now), ok, now);
        failures = ok ? 0 : failures + 1;
      }
      expect(breakerState(breaker, now)).toBe(failures >= BREAKER_FAILURES ? 'open' : 'closed');
    }),
  );
});
