import type { Clock } from '../ports.ts';

/** Time that stands still until somebody moves it, and jumps from one sleeper to the next. */
export interface VirtualClock extends Required<Clock> {
  /** When somebody should be woken next, ms since the epoch; Infinity: nobody waits for the time. */
  nextWake(): number;
  /** Moves to `at` and wakes who should have been woken by then, in the order of their times. Never goes back. */
  moveTo(at: number): void;
}

interface Sleeper {
  readonly at: () => number;
  readonly wake: () => void;
}

/**
 * `napsUntil`: when a loop that goes to rest now, and would come round at `at`, has something to do. A loop
 * looks now and then at what may have changed; here somebody knows when that is, and may learn it later.
 */
export function virtualClock(
  start: number,
  napsUntil: (loop: string, at: number) => () => number,
): VirtualClock {
  let now = start;
  const sleepers = new Set<Sleeper>();

  function wait(at: () => number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const sleeper = { at, wake };
      sleepers.add(sleeper);
      signal?.addEventListener('abort', aborted, { once: true });

      function wake(): void {
        sleepers.delete(sleeper);
        // A signal that lives on must not collect a listener a sleep.
        signal?.removeEventListener('abort', aborted);
        resolve();
      }
      function aborted(): void {
        sleepers.delete(sleeper);
        reject(signal?.reason as Error);
      }
    });
  }

  function nextWake(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of sleepers) next = Math.min(next, at());
    return next;
  }

  return {
    now: () => now,
    sleep(ms, signal) {
      const at = now + ms;
      return wait(() => at, signal);
    },
    nap: (loop, at, signal) => wait(napsUntil(loop, at), signal),
    nextWake,
    moveTo(at) {
      const to = Math.max(now, at);
      // Asked before the time moves: what ends by itself is not there any more at its own end.
      const due = [...sleepers]
        .map((sleeper) => ({ at: sleeper.at(), wake: sleeper.wake }))
        .filter((sleeper) => sleeper.at <= to)
        // Who began to sleep first wakes first among equals: the order of the set.
        .toSorted((a, b) => a.at - b.at);
      now = to;
      for (const { wake } of due) wake();
    },
  };
}
