/** Circuit breaker of one backend: pure, so that a virtual clock can drive it. Times in ms since the epoch. */
export interface Breaker {
  /** Failures in a row. */
  readonly failures: number;
  /** When a probe call may go through; 0 while closed. */
  readonly open_until: number;
  /** A probe call is under way. */
  readonly probing: boolean;
}
export type BreakerState = 'closed' | 'open' | 'half_open';

/** DESIGN §6: 3 failures in a row open it, for 30 s. */
export const BREAKER_FAILURES = 3;
export const BREAKER_OPEN_MS = 30_000;

export const CLOSED_BREAKER: Breaker = { failures: 0, open_until: 0, probing: false };

export function breakerState(breaker: Breaker, now: number): BreakerState {
  if (breaker.open_until === 0) return 'closed';
  return now < breaker.open_until || breaker.probing ? 'open' : 'half_open';
}

/** One call begins. In the half-open state it is the one probe; the others see `open` until it ends. */
export function breakerBegin(breaker: Breaker, now: number): Breaker {
  return breakerState(breaker, now) === 'half_open' ? { ...breaker, probing: true } : breaker;
}

export function breakerEnd(breaker: Breaker, ok: boolean, now: number): Breaker {
  if (ok) return CLOSED_BREAKER;
  const failures = breaker.failures + 1;
  const opens = failures >= BREAKER_FAILURES;
  return { failures, open_until: opens ? now + BREAKER_OPEN_MS : 0, probing: false };
}
