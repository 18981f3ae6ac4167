import type { Registry } from './prom-client.ts';
import { REMEDIATION_STATES, type RemediationState } from '../core/healing/remediation.ts';
import { counter, gauge } from './metrics-series.ts';

/** What is looked up only when Prometheus asks. */
export interface Scrape {
  /** The database takes writes. */
  readonly store_up: boolean;
  readonly inbox_deliveries: number;
  /** Ms since the epoch; null when nothing waits. */
  readonly inbox_oldest_at: number | null;
  readonly remediations: Readonly<Record<RemediationState, number>>;
  readonly leases: number;
}
export interface ScrapeOptions {
  /** May be slow or fail: `scrape_timeout_ms` bounds it, and the last known values stay. */
  readonly scrape: () => Promise<Scrape>;
  readonly scrape_timeout_ms?: number;
}

/** Below the usual scrape timeout of 10 s, so that a slow store never costs the whole page. */
export const SCRAPE_TIMEOUT_MS = 2_000;

/** Returns what brings the gauges up to date; it never rejects. */
export function addScrapedGauges(registry: Registry, options: ScrapeOptions): () => Promise<void> {
  const inbox = gauge(
    registry,
    'autoheal_inbox_deliveries',
    'Deliveries stored and not drained yet',
  );
  const oldest = gauge(
    registry,
    'autoheal_inbox_oldest_timestamp_seconds',
    'When the oldest delivery that waits arrived; 0 when none does. Use it with autoheal_inbox_deliveries > 0',
  );
  const up = gauge(
    registry,
    'autoheal_store_up',
    '1 while the database serves: it answers, and the last write, at most 15 s ago, is on disk. At 0 deliveries are refused with 503 and nothing acts, and AutohealStoreDown fires',
  );
  const live = gauge(registry, 'autoheal_remediations', 'Remediations by where they stand now', [
    'state',
  ]);
  const leases = gauge(registry, 'autoheal_leases', 'Changes that stand and will be undone');
  const failures = counter(
    registry,
    'autoheal_scrape_failures_total',
    'Scrapes that could not read the store in 2 s. The gauges of the inbox, the remediations and the leases then keep their last values',
    {},
  );
  for (const state of REMEDIATION_STATES) live.set({ state }, 0);
  let under_way: Promise<void> | undefined;

  async function read(): Promise<void> {
    const timeout_ms = options.scrape_timeout_ms ?? SCRAPE_TIMEOUT_MS;
    try {
      const found = await within(timeout_ms, options.scrape());
      up.set(found.store_up ? 1 : 0);
      inbox.set(found.inbox_deliveries);
      oldest.set((found.inbox_oldest_at ?? 0) / 1_000);
      leases.set(found.leases);
      for (const state of REMEDIATION_STATES) live.set({ state }, found.remediations[state]);
    } catch {
      up.set(0);
      failures.inc();
    }
  }

  // Two scrapers at once, or a slow store, make one look at the store, not many.
  return () => {
    under_way ??= read().finally(() => {
      under_way = undefined;
    });
    return under_way;
  };
}

/** @throws what `work` throws, or that it took too long. */
export async function within<T>(timeout_ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer in ${timeout_ms} ms`)), timeout_ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
