import type { Clock } from '../../src/ports.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it. Sleepers wake in the order of their time. */
export interface FakeClock extends Clock {
  /** Moves to now + ms, waking sleepers on the way, each with the clock at its own time. */
  advance(ms: number): Promise<void>;
  /** The next sleeper's time; undefined when nobody sleeps. */
  nextWakeAt(): number | undefined;
  /** Sets the time without waking anybody: a clock that jumps. */
  jump(to: number): void;
}

export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  let now = start;
  let sleepers: Sleeper[] = [];

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(asError(signal.reason));
      const sleeper: Sleeper = { at: now + ms, wake: resolve };
      sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        sleepers = sleepers.filter((other) => other !== sleeper);
        reject(asError(signal.reason));
      });
    });
  }

  function next(): Sleeper | undefined {
    return sleepers.toSorted((a, b) => a.at - b.at)[0];
  }

  return {
    now: () => now,
    sleep,
    nextWakeAt: () => next()?.at,
    jump(to) {
      now = to;
    },
    async advance(ms) {
      const end = now + ms;
      for (let due = next(); due !== undefined && due.at <= end; due = next()) {
        const { at, wake } = due;
        sleepers = sleepers.filter((other) => other !== due);
        now = Math.max(now, at);
        wake();
        await turn();
      }
      now = end;
      await turn();
    },
  };
}

/** One turn of the event loop: what was queued, the store's group commit too, has run. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
