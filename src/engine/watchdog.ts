import { formatDuration } from '../core/duration.ts';
import type { PolicyGuards } from '../core/rules/rule.ts';
import type { Clock } from '../ports.ts';

/**
 * Prometheus's always-firing alert proves the way from there to here. Where the policy expects it, its
 * absence makes autoheal blind: no alert may be the way that is cut, not health.
 */
export interface Watchdog {
  /** It came. Ms since the epoch. */
  saw(at: number): void;
  /** Why it is missed, in words; empty when it came in time, or is not expected. */
  missing(): readonly string[];
}

export function createWatchdog(
  clock: Clock,
  policy: () => Pick<PolicyGuards, 'watchdog'> | undefined,
): Watchdog {
  // At a start nothing has come yet: it gets the whole time.
  let last_at = clock.now();
  return {
    saw(at) {
      last_at = Math.max(last_at, at);
    },
    missing() {
      const expected = policy()?.watchdog ?? null;
      if (expected === null) return [];
      const away_ms = clock.now() - last_at;
      if (away_ms <= expected.within_ms) return [];
      const minutes = Math.floor(away_ms / 60_000);
      return [
        `the Watchdog alert has not come for ${minutes} min; the policy expects it within ${formatDuration(expected.within_ms)}`,
      ];
    },
  };
}
