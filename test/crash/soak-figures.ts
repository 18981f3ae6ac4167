import type { Service } from './service.ts';

/** The process at one moment. */
export interface Sample {
  readonly at_ms: number;
  readonly heap_mib: number;
  readonly rss_mib: number;
  /** Deliveries that wait for the drain. */
  readonly inbox: number;
  /** Remediations that are not done. */
  readonly under_way: number;
  readonly leases: number;
}

const MIB = 1024 * 1024;
/** What is due is looked at within this time, whatever the load. */
const LATE_MS = 60_000;
/** The longest claim: a step's deadline and its margin (engine/stages/intent.ts). */
const CLAIM_MS = 90_000;
const LIVE_STATES = ['ready', 'waiting', 'acting', 'verifying', 'escalating'] as const;

/** @throws when a gauge is not there. */
export function readGauges(metrics: string, at_ms: number): Sample {
  function gauge(name: string): number {
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1];
    if (value === undefined) throw new Error(`/metrics has no ${name}`);
    return Number(value);
  }
  const states = LIVE_STATES.map((state) => gauge(`autoheal_remediations\\{state="${state}"\\}`));
  return {
    at_ms,
    heap_mib: gauge('nodejs_heap_used_bytes') / MIB,
    rss_mib: gauge('process_resident_memory_bytes') / MIB,
    inbox: gauge('autoheal_inbox_deliveries'),
    under_way: states.reduce((sum, count) => sum + count, 0),
    leases: gauge('autoheal_leases'),
  };
}

/** How far a straight line through the points (ms, MiB) rises from the first to the last. */
export function growthMib(points: readonly (readonly [number, number])[]): number {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map(([at]) => at));
  const y = mean(points.map(([, value]) => value));
  const rise = points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0);
  const run = points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
  const length_ms = (points.at(-1)?.[0] ?? 0) - (points[0]?.[0] ?? 0);
  return run === 0 ? 0 : (rise / run) * length_ms;
}

interface Row {
  readonly id: string;
  readonly state: string;
  readonly reason: string | null;
  readonly updated_at: string;
  readonly next_at: string | null;
  readonly claimed_by: string | null;
}

/** Rows that nobody will look at again: due for too long, or acting beyond any claim. */
export async function stuckRows(
  service: Pick<Service, 'api'>,
  now: number,
): Promise<readonly string[]> {
  const answers = await Promise.all(
    LIVE_STATES.map((state) => service.api(`/api/v1/remediations?limit=1000&state=${state}`)),
  );
  const rows = answers.flatMap(({ body }) => (body as { items: Row[] }).items);
  return rows
    .filter((row) => now > givenUpAt(row))
    .map(({ id, state, reason }) => `remediation ${id} is stuck: ${state} (${reason})`);
}

/** Ms since the epoch from which the row counts as stuck. */
export function givenUpAt(
  row: Pick<Row, 'state' | 'updated_at' | 'next_at' | 'claimed_by'>,
): number {
  const written_at = Date.parse(row.updated_at);
  const claim_until = row.claimed_by === null ? 0 : written_at + CLAIM_MS;
  const due_at = row.next_at === null ? written_at : Date.parse(row.next_at);
  return Math.max(due_at, claim_until) + LATE_MS;
}
