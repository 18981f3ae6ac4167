import { GUARD_MAX_MS } from '../core/rules/rule-schema.ts';
import { RETAINED_TABLES, type RetainedTable } from '../store.ts';
import type { Engine } from './deps.ts';

/** Rows get old slowly. */
const EVERY_MS = 3_600_000;
/** Three time windows of an objective: more than any figure looks back, enough to see a trend. */
const SLO_KEPT_MS = 90 * 24 * 3_600_000;
/** The start has better things to do. */
const FIRST_AFTER_MS = 60_000;
/** After a store that failed: it has worse troubles. */
const FAILED_PAUSE_MS = 60_000;

export interface Retention {
  /** Removes a bounded number of rows when it is time; the rest at the next call. */
  tick(): Promise<void>;
}

/** Removes what is older than the policy keeps, once an hour. Without rules the policy is not known. */
export function createRetention(
  engine: Pick<Engine, 'store' | 'clock' | 'ids' | 'log' | 'metrics' | 'rulebook'>,
): Retention {
  const { store, clock, ids, log, metrics } = engine;
  let next_at = clock.now() + FIRST_AFTER_MS;
  let removed = none();

  return {
    async tick() {
      const now = clock.now();
      const policy = engine.rulebook.current()?.policy;
      if (now < next_at || policy === undefined) return;
      const { audit_ms, deliveries_ms, episodes_ms } = policy.retention;
      next_at = now + FAILED_PAUSE_MS;
      const { rows, more } = await store.retain({
        now,
        audit_before: now - audit_ms,
        deliveries_before: now - deliveries_ms,
        episodes_before: now - episodes_ms,
        slo_before: now - SLO_KEPT_MS,
        runs_since: now - GUARD_MAX_MS,
        checkpoint_id: ids.next(),
      });
      for (const table of RETAINED_TABLES) {
        metrics.retained(table, rows[table]);
        removed[table] += rows[table];
      }
      next_at = more ? now : now + EVERY_MS;
      if (more) return;
      const any = RETAINED_TABLES.some((table) => removed[table] > 0);
      if (any) log.info({ rows: removed }, 'rows past their retention were removed');
      removed = none();
    },
  };
}

function none(): Record<RetainedTable, number> {
  return { audit: 0, deliveries: 0, episodes: 0, remediations: 0, leases: 0, holds: 0, slo: 0 };
}
