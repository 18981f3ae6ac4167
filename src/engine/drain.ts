import { readDelivery, type ReadResult } from '../core/alerts/alert.ts';
import type { Episode } from '../core/alerts/episode.ts';
import type { Change, Delivery } from '../store.ts';
import { ConflictError } from '../store.ts';
import { auditChange, type Engine } from './deps.ts';
import { createLoop, type Loop } from './loop.ts';
import { type Batch, type Decided, decideDelivery } from './decide.ts';

/** Deliveries read at once; all of them share one transaction. */
export const DRAIN_BATCH = 500;
/** A delivery that fails this often is parked, with an audit entry, and blocks nothing. */
export const DRAIN_FAILURES_MAX = 3;

interface Commit {
  readonly delivery: Delivery;
  readonly decided: Decided;
  readonly done: Promise<void>;
}

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
export function createDrain(engine: Engine, wake: () => void): Drain {
  let pending = 0;

  async function round(): Promise<number> {
    // Without rules nothing can be decided; what is accepted waits on disk.
    if (engine.rulebook.current() === undefined) return Number.POSITIVE_INFINITY;
    const { cursor, deliveries } = await engine.store.inbox(DRAIN_BATCH);
    if (deliveries.length === 0) {
      pending = 0;
      return Number.POSITIVE_INFINITY;
    }
    pending = Math.max(pending, deliveries.length);
    const drained = await drainBatch(cursor, deliveries, engine);
    pending = Math.max(0, pending - drained);
    wake();
    return engine.clock.now();
  }

  const loop = createLoop({ name: 'drain', clock: engine.clock, log: engine.log, round });
  return {
    ...loop,
    pending: () => pending,
    stored() {
      pending += 1;
      loop.poke();
    },
  };
}

/** @returns how many deliveries are on disk as drained. */
async function drainBatch(
  cursor: number,
  deliveries: readonly Delivery[],
  engine: Engine,
): Promise<number> {
  const read = deliveries.map((delivery) => ({ delivery, content: readDelivery(delivery.body) }));
  const batch: Batch = { episodes: await knownEpisodes(read, engine), rematched: new Set() };
  const commits: Commit[] = [];
  let stuck: { readonly delivery: Delivery; readonly error: unknown } | undefined;
  let from = cursor;
  for (const { delivery, content } of read) {
    try {
      const decided = await decideDelivery(delivery, content, batch, engine);
      const move: Change = { kind: 'inbox_advance', from, to: delivery.seq };
      const done = engine.store.commit([move, ...decided.changes]);
      // Judged below, in order; a rejection in between must not count as unhandled.
      done.catch(() => undefined);
      commits.push({ delivery, decided, done });
      from = delivery.seq;
    } catch (error) {
      stuck = { delivery, error };
      break;
    }
  }
  const drained = await settleAll(commits, engine);
  if (stuck !== undefined && drained === commits.length)
    await failed(stuck.delivery, stuck.error, engine);
  return drained;
}

async function settleAll(commits: readonly Commit[], engine: Engine): Promise<number> {
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

async function knownEpisodes(
  read: readonly { readonly content: ReadResult }[],
  engine: Engine,
): Promise<Map<string, Episode>> {
  const fingerprints = new Set<string>();
  for (const { content } of read)
    if (content.ok)
      for (const { fingerprint } of content.delivery.alerts) fingerprints.add(fingerprint);
  return new Map(await engine.store.latestEpisodes([...fingerprints]));
}
