import type { Clock } from '../ports.ts';

/** The same line again after so long. */
const AGAIN_MS = 60_000;
/** Different lines remembered. */
const KEYS_MAX = 100;

/**
 * For log lines that would come with every request or round while something is broken: the first of a
 * `key` at once, then one a minute. @returns how many were left out since, or undefined: leave this out.
 */
export function createSparing(clock: Pick<Clock, 'now'>): (key: string) => number | undefined {
  const seen = new Map<string, { next_at: number; left_out: number }>();
  return (key) => {
    const now = clock.now();
    const last = seen.get(key);
    if (last !== undefined && now < last.next_at) {
      last.left_out += 1;
      return undefined;
    }
    if (seen.size >= KEYS_MAX) seen.clear();
    seen.set(key, { next_at: now + AGAIN_MS, left_out: 0 });
    return last?.left_out ?? 0;
  };
}
