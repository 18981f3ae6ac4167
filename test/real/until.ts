import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  readonly timeout_ms: number;
  /** Between two looks. */
  readonly every_ms?: number;
}

/**
 * Looks until `probe` returns something other than false, null or undefined, and returns that.
 * A probe that throws has not happened yet. @throws after `timeout_ms`, saying what was seen last.
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  options: UntilOptions,
): Promise<Exclude<T, false | null | undefined>> {
  const end = performance.now() + options.timeout_ms;
  let last = 'nothing yet';
  while (true) {
    try {
      const value = await withinTime(probe(), end - performance.now());
      if (value !== false && value !== null && value !== undefined) {
        return value as Exclude<T, false | null | undefined>;
      }
      last = String(value);
    } catch (error) {
      last = error instanceof Error ? describe(error) : String(error);
    }
    if (performance.now() >= end) {
      throw new Error(`not within ${options.timeout_ms} ms: ${what}; last seen: ${last}`);
    }
    await sleep(options.every_ms ?? 50);
  }
}

/** A probe that hangs must not outlive the wait. */
async function withinTime<T>(value: T | Promise<T>, left_ms: number): Promise<T> {
  const timer = new AbortController();
  const late = sleep(Math.max(1, left_ms), undefined, { signal: timer.signal }).then(() => {
    throw new Error('the probe itself did not answer');
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([value, late]);
  } finally {
    timer.abort();
  }
}

function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
