import { RETAINED_TABLES } from '../store.ts';
import type { Metrics } from '../ports.ts';
import { counter, gauge } from './metrics-series.ts';
import type { Registry } from './prom-client.ts';

/** Limits that refuse or make wait when they are reached, and what happens then: docs/metrics.md. */
export const WATCHED_LIMITS = ['inbox', 'worker', 'calls', 'commits', 'sockets'] as const;
export type WatchedLimit = (typeof WATCHED_LIMITS)[number];

export interface LimitMetrics {
  /** Says how the gauge of a limit is read: 0 (unused) to 1 (reached). Called at each scrape; must not fail. */
  watchLimit(limit: WatchedLimit, used: () => number | Promise<number>): void;
}

/** How near the limits are, and what retention removes. `refresh` is called before the page is made. */
export function limitMetrics(
  registry: Registry,
): LimitMetrics & Pick<Metrics, 'retained'> & { readonly refresh: () => Promise<void> } {
  const ratio = gauge(
    registry,
    'autoheal_limit_used_ratio',
    'How much of a limit is used, 0 to 1. docs/metrics.md says what happens at 1',
    ['limit'],
  );
  const retained = counter(
    registry,
    'autoheal_retention_rows_total',
    "Rows that were removed because they were older than the policy's retention",
    { table: RETAINED_TABLES },
  );
  const readers = new Map<WatchedLimit, () => number | Promise<number>>();
  for (const limit of WATCHED_LIMITS) ratio.set({ limit }, 0);
  return {
    watchLimit: (limit, used) => void readers.set(limit, used),
    retained: (table, rows) => retained.inc({ table }, rows),
    async refresh() {
      for (const [limit, used] of readers)
        ratio.set({ limit }, Math.min(1, Math.max(0, await used())));
    },
  };
}
