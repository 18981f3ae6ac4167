import type { Clock } from '../ports.ts';

/** Longest delay setTimeout keeps, ms (2^31 - 1); beyond it Node fires at once. */
const TIMER_MS_MAX = 2_147_483_647;

export const systemClock: Clock = { now, sleep };

function now(): number {
  return Date.now();
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  for (let left = ms; left > 0; left -= TIMER_MS_MAX) {
    await timer(Math.min(left, TIMER_MS_MAX), signal);
  }
  signal?.throwIfAborted();
}

function timer(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const handle = setTimeout(done, ms);
    signal?.addEventListener('abort', aborted, { once: true });

    function done(): void {
      // A long-lived signal (the service's) must not collect a listener a sleep.
      signal?.removeEventListener('abort', aborted);
      resolve();
    }
    function aborted(): void {
      clearTimeout(handle);
      reject(signal?.reason);
    }
  });
}
