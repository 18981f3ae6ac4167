import { readDelivery, type ReadResult } from '../core/alerts/alert.ts';
import type { Episode } from '../core/alerts/episode.ts';
import { under } from '../core/trace.ts';
import type { Change, Delivery } from '../store.ts';
import { ConflictError } from '../store.ts';
import { auditChange, type Engine } from './deps.ts';
import { createGiveWay } from './give-way.ts';
import { createLoop, type Loop } from './loop.ts';
import { type Batch, type Decided, decideDelivery } from './decide.ts';
import type { Handover } from './handover.ts';
import type { Worker } from './worker.ts';

/** Alerts of one round, which share a transaction; a delivery is never parted. */
const ROUND_ALERTS = 500;
/** The same while posts pour in: a few milliseconds of work, then the next posts have their turn. */
const ROUND_ALERTS_BUSY = 20;
/** A delivery that fails this often is parked, with an audit entry, and blocks nothing. */
export const DRAIN_FAILURES_MAX = 3;

interface Commit {
  readonly delivery: Delivery;
  readonly decided: Decided;
  readonly handover: Handover;
  readonly done: Promise<void>;
}

/** What the drain needs of the worker. */
type Hand = Pick<Worker, 'poke' | 'claimNew'>;

export interface Drain extends Loop {
  /** Deliveries accepted and not drained yet, as far as this process knows. */
  pending(): number;
  /** Intake stored one. */
  stored(): void;
}

/**
 * Turns stored deliveries into episodes and remediations, in order. Each delivery is one unit that moves
 * the cursor by compare-and-set: when one fails, those behind it fail with it, so the order holds.
 */
export function createDrain(
  engine: Engine,
  worker: Hand,
  /** A sender cut alerts off: they must be fetched. */
  truncated: () => void = () => undefined,
): Drain {
  let pending = 0;
  /** When the oldest delivery that waits came, or earlier; null: none is known to wait. */
  let oldest_at: number | null = null;
  /** Of the round before: tells how many deliveries make a round's alerts. */
  let alerts_each = 1;
  const give_way = createGiveWay(engine.clock);

  async function round(): Promise<number> {
    // Without rules nothing can be decided; what is accepted waits on disk.
    if (engine.rulebook.current() === undefined) return Number.POSITIVE_INFINITY;
    if (oldest_at !== null) await give_way.wait(oldest_at);
    const max_alerts = give_way.busy() ? ROUND_ALERTS_BUSY : ROUND_ALERTS;
    const { cursor, deliveries } = await engine.store.inbox(Math.ceil(max_alerts / alerts_each));
    if (deliveries.length === 0) {
      pending = 0;
      oldest_at = null;
      return Number.POSITIVE_INFINITY;
    }
    pending = Math.max(pending, deliveries.length);
    const read = readSome(deliveries, max_alerts);
    alerts_each = Math.max(1, alertsOf(read) / read.length);
    const drained = await drainBatch(cursor, read, engine, worker);
    pending = Math.max(0, pending - drained);
    // What follows came no earlier than the last that is through.
    oldest_at = pending === 0 ? null : (read[drained - 1]?.delivery.received_at ?? oldest_at);
    worker.poke();
    if (read.slice(0, drained).some(isTruncated)) truncated();
    return engine.clock.now();
  }

  const loop = createLoop({ ...engine, name: 'drain', round });
  return {
    ...loop,
    stop() {
      give_way.stop();
      return loop.stop();
    },
    pending: () => pending,
    stored() {
      pending += 1;
      oldest_at ??= engine.clock.now();
      give_way.posted();
      loop.poke();
    },
  };
}

interface Read {
  readonly delivery: Delivery;
  readonly content: ReadResult;
}

/** The first of the deliveries, up to a round's alerts; at least one of them. */
function readSome(deliveries: readonly Delivery[], max_alerts: number): readonly Read[] {
  const read: Read[] = [];
  let alerts = 0;
  for (const delivery of deliveries) {
    if (alerts >= max_alerts) break;
    const content = readDelivery(delivery.body);
    read.push({ delivery, content });
    // One without alerts costs an entry too.
    alerts += Math.max(1, content.ok ? content.delivery.alerts.length : 0);
  }
  return read;
}

function isTruncated({ content }: Read): boolean {
  return content.ok && content.delivery.truncated_alerts > 0;
}

function alertsOf(read: readonly Read[]): number {
  let alerts = 0;
  for (const { content } of read) alerts += content.ok ? content.delivery.alerts.length : 0;
  return alerts;
}

/** @returns how many deliveries are on disk as drained. */
async function drainBatch(
  cursor: number,
  read: readonly Read[],
  engine: Engine,
  worker: Hand,
): Promise<number> {
  const batch: Batch = {
    episodes: await knownEpisodes(read, engine),
    rematched: new Set(),
    remediations: new Map(),
  };
  const commits: Commit[] = [];
  let stuck: { readonly delivery: Delivery; readonly error: unknown } | undefined;
  let from = cursor;
  for (const { delivery, content } of read) {
    let handover: Handover | undefined;
    try {
      const decided = await decideDelivery(delivery, content, batch, engine);
      const move: Change = { kind: 'inbox_advance', from, to: delivery.seq };
      handover = worker.claimNew(decided.changes);
      const done = engine.store.commit([move, ...handover.changes]);
      // Judged below, in order; a rejection in between must not count as unhandled.
      done.catch(() => undefined);
      commits.push({ delivery, decided, handover, done });
      from = delivery.seq;
    } catch (error) {
      handover?.giveBack();
      stuck = { delivery, error };
      break;
    }
  }
  const drained = await settleAll(commits, engine);
  if (stuck !== undefined && drained === commits.length)
    await failed(stuck.delivery, stuck.error, engine);
  return drained;
}

/** Each commit's end: what it created begins, or its places are given back. */
async function settleAll(commits: readonly Commit[], engine: Engine): Promise<number> {
  const ends = await Promise.allSettled(commits.map(({ done }) => done));
  for (const [index, { handover }] of commits.entries())
    if (ends[index]?.status === 'fulfilled') handover.begin();
    else handover.giveBack();
  let drained = 0;
  for (const { delivery, decided, done } of commits) {
    try {
      await done;
      drained += 1;
      decided.count();
    } catch (error) {
      // Another drain was faster: read the cursor again.
      if (error instanceof ConflictError && error.conflict === 'cursor_moved') return drained;
      await failed(delivery, error, engine);
      return drained;
    }
  }
  return drained;
}

async function failed(delivery: Delivery, error: unknown, engine: Engine): Promise<void> {
  const why = error instanceof Error ? error.message : String(error);
  const parked = delivery.failures + 1 >= DRAIN_FAILURES_MAX;
  engine.log.error(
    { err: error, delivery: delivery.id, trace_id: delivery.trace_id, parked },
    'a delivery could not be drained',
  );
  engine.tracer.fault(error, { where: 'drain', parent: under(delivery.trace_id, delivery.id) });
  const changes: Change[] = [{ kind: 'delivery_failed', seq: delivery.seq, error: why, parked }];
  if (parked) {
    engine.metrics.deliveryParked();
    const { cursor } = await engine.store.inbox(1);
    changes.push({ kind: 'inbox_advance', from: cursor, to: delivery.seq });
    changes.push(
      auditChange(engine, {
        kind: 'webhook_received',
        result: 'parked',
        reason: 'drain_failed',
        actor: delivery.source,
        trace_id: delivery.trace_id,
        detail: { delivery: delivery.id, why, failures: delivery.failures + 1 },
      }),
    );
  }
  await engine.store.commit(changes);
}

async function knownEpisodes(read: readonly Read[], engine: Engine): Promise<Map<string, Episode>> {
  const fingerprints = new Set<string>();
  for (const { content } of read)
    if (content.ok)
      for (const { fingerprint } of content.delivery.alerts) fingerprints.add(fingerprint);
  return new Map(await engine.store.latestEpisodes([...fingerprints]));
}
