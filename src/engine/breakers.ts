import {
  type Breaker,
  type BreakerState,
  breakerBegin,
  breakerEnd,
  breakerState,
  CLOSED_BREAKER,
} from '../core/healing/breaker.ts';
import type { Clock, Log, Metrics } from '../ports.ts';

/** The breakers of all backends, one each. Kept in memory: a restart begins closed and learns again. */
export interface Breakers {
  state(backend: string): BreakerState;
  /** Ms since the epoch; 0 while closed. */
  openUntil(backend: string): number;
  begin(backend: string): void;
  end(backend: string, ok: boolean): void;
}

export function createBreakers(deps: {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
}): Breakers {
  const breakers = new Map<string, Breaker>();
  function of(backend: string): Breaker {
    return breakers.get(backend) ?? CLOSED_BREAKER;
  }
  function set(backend: string, next: Breaker): void {
    const before = breakerState(of(backend), deps.clock.now());
    breakers.set(backend, next);
    const after = breakerState(next, deps.clock.now());
    if (before === after) return;
    deps.metrics.breaker(backend, after);
    deps.log.warn({ backend, before, after }, 'breaker changed');
  }
  return {
    state: (backend) => breakerState(of(backend), deps.clock.now()),
    openUntil: (backend) => of(backend).open_until,
    begin: (backend) => set(backend, breakerBegin(of(backend), deps.clock.now())),
    end: (backend, ok) => set(backend, breakerEnd(of(backend), ok, deps.clock.now())),
  };
}
