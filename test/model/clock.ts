import type { Clock } from '../../src/ports.ts';

/** Loops nap for at most this long, ms; whoever sleeps longer, or cannot be woken, waits for something. */
const NAP_MAX_MS = 1_000;

interface Sleeper {
  readonly at: number;
  readonly nap: boolean;
  readonly wake: () => void;
}

/** One time for the whole model; the sleepers of a process die with it. Times in ms since the epoch. */
export interface ModelClock {
  now(): number;
  /** Moves to `at` without going through what lies between; nobody is woken. */
  moveTo(at: number): void;
  /** Wakes who should have been woken by now, in order. */
  wake(): void;
  /** When somebody who waits for something should be woken next. */
  nextWake(): number | undefined;
  /** The clock of a process that starts now. */
  process(): Clock;
  /** The process is gone: it never wakes again. */
  forget(): void;
}

export function modelClock(start: number): ModelClock {
  let now = start;
  let sleepers: Sleeper[] = [];
  let living = 0;

  function sleep(life: number, ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (life !== living) return;
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const nap = ms <= NAP_MAX_MS && signal !== undefined;
      const sleeper: Sleeper = { at: now + ms, nap, wake: resolve };
      sleepers.push(sleeper);
      signal?.addEventListener(
        'abort',
        () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          if (life === living) reject(signal.reason as Error);
        },
        { once: true },
      );
    });
  }

  return {
    now: () => now,
    moveTo(at) {
      now = Math.max(now, at);
    },
    wake() {
      const due = sleepers.filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at);
      sleepers = sleepers.filter(({ at }) => at > now);
      for (const sleeper of due) sleeper.wake();
    },
    nextWake() {
      const waits = sleepers.filter(({ nap }) => !nap).map(({ at }) => at);
      return waits.length === 0 ? undefined : Math.min(...waits);
    },
    process() {
      const life = living;
      return { now: () => now, sleep: (ms, signal) => sleep(life, ms, signal) };
    },
    forget() {
      living += 1;
      sleepers = [];
    },
  };
}
