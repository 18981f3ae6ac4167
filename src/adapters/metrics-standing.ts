import { LIVE_STATES, type Waits } from '../store.ts';
import type { Hold } from '../core/healing/hold.ts';
import { gauge } from './metrics-series.ts';
import { within } from './metrics-scrape.ts';
import type { Registry } from './prom-client.ts';

/** What stands and waits, and the room there is, looked up when Prometheus asks. */
export interface Standing {
  readonly waits: Waits;
  readonly approvals: number;
  readonly holds: Readonly<Record<Hold['kind'], number>>;
  /** The most commits that waited at once since it was last asked. */
  readonly commits_waiting: number;
  /** Null: the file system does not say. */
  readonly disk_free_bytes: number | null;
  readonly database_bytes: number;
}
const HOLD_KINDS = ['hold', 'ack', 'quarantine'] as const satisfies Hold['kind'][];

/**
 * Timestamps, never ages: an age that is not refreshed any more looks young for ever.
 * @returns what brings the gauges up to date. On a failure they keep their last values.
 */
export function addStandingGauges(
  registry: Registry,
  look: () => Promise<Standing>,
  timeout_ms: number,
): () => Promise<void> {
  const oldest = gauge(
    registry,
    'autoheal_remediation_oldest_timestamp_seconds',
    'When the oldest remediation that is now in this state was created; 0 when none is',
    ['state'],
  );
  const lease = gauge(
    registry,
    'autoheal_lease_oldest_timestamp_seconds',
    'When the oldest change that stands and will be undone was made; 0 when none stands',
  );
  const approvals = gauge(
    registry,
    'autoheal_approvals_waiting',
    'Plans that wait for a person to say yes or no: GET /api/v1/approvals',
  );
  const holds = gauge(
    registry,
    'autoheal_holds',
    'What is kept from healing now; quarantine: by autoheal itself. GET /api/v1/holds',
    ['kind'],
  );
  const commits = gauge(
    registry,
    'autoheal_store_commits_waiting',
    'The most commits that waited for the database at once since the last scrape',
  );
  const free = gauge(
    registry,
    'autoheal_disk_free_bytes',
    'Room left on the disk of the database; NaN where the file system does not say',
  );
  const size = gauge(
    registry,
    'autoheal_database_bytes',
    'The file of the database and its log together',
  );
  for (const state of LIVE_STATES) oldest.set({ state }, 0);
  for (const kind of HOLD_KINDS) holds.set({ kind }, 0);
  return async () => {
    const found = await within(timeout_ms, look()).catch(() => undefined);
    if (found === undefined) return;
    for (const state of LIVE_STATES) oldest.set({ state }, (found.waits[state] ?? 0) / 1_000);
    lease.set((found.waits.lease ?? 0) / 1_000);
    approvals.set(found.approvals);
    for (const kind of HOLD_KINDS) holds.set({ kind }, found.holds[kind]);
    commits.set(found.commits_waiting);
    free.set(found.disk_free_bytes ?? Number.NaN);
    size.set(found.database_bytes);
  };
}
