/** DESIGN §6: 3 attempts, exponential backoff from 1 s to 10 s. */
export const ATTEMPTS_MAX = 3;
export const BACKOFF_MIN_MS = 1_000;
export const BACKOFF_MAX_MS = 10_000;

/**
 * The pause before attempt `next` (2, 3, ...), with full jitter: uniform between 0 and the exponential
 * cap, so that many remediations of one outage do not come back in step. Source of the formula:
 * "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 * @param random a number in [0, 1).
 */
export function backoffMs(next: number, random: number): number {
  const cap = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.max(0, next - 2));
  return Math.floor(random * cap);
}
