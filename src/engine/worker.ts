import type { Episode } from '../core/alerts/episode.ts';
import type { Lease } from '../core/healing/lease.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import { under } from '../core/trace.ts';
import type { Change } from '../store.ts';
import type { Engine } from './deps.ts';
import { createHandovers, type Handover } from './handover.ts';
import { createLoop, type Loop } from './loop.ts';
import { advance } from './pipeline.ts';
import { giveUp } from './record.ts';
import { tendLease } from './reverter.ts';
import { revertSpan } from './spans.ts';

/** How much this process works on at once, remediations and leases together. */
export const CONCURRENCY_MAX = 64;
/** A claim stands this long unless its intent extends it. */
export const CLAIM_MS = 60_000;
/** Rounds of one remediation that may end in an error of ours before a human is told. */
const ERRORS_MAX = 3;
/** The least time between two rounds that found nothing to claim although something was due. */
const ROUND_PAUSE_MS = 50;

export interface Worker extends Loop {
  /** Work under way, places kept for a hand-over among it. */
  active(): number;
  /** Claims the remediations that `changes` create, as far as there are free places. */
  claimNew(changes: readonly Change[]): Handover;
}

/** Claims what is due and takes it through the pipeline. `worker_id` names this process in claims. */
export function createWorker(engine: Engine, worker_id: string): Worker {
  const { active, track } = createTasks(() => loop.poke());
  const errors = new Map<string, number>();
  /** Something due may wait for a place: what is new must not get in before it. */
  let behind = false;
  let stopping = false;

  async function round(): Promise<number> {
    const now = engine.clock.now();
    const due = await engine.store.nextDue(now);
    const free = CONCURRENCY_MAX - active.size - handovers.kept();
    behind = due !== null && due <= now;
    // With every place taken, whoever ends pokes the loop.
    if (due === null || free <= 0) return Number.POSITIVE_INFINITY;
    if (due > now) return due;
    const claim = { worker: worker_id, now, until: now + CLAIM_MS };
    // Undoing goes first; remediations get the places that are left.
    const leases = await engine.store.claimLeases({ ...claim, limit: free });
    for (const lease of leases) track(lease.id, () => tend(engine, lease));
    const limit = free - leases.length;
    const remediations = limit > 0 ? await engine.store.claimRemediations({ ...claim, limit }) : [];
    for (const remediation of remediations)
      track(remediation.id, () => remedy(engine, errors, remediation));
    behind = remediations.length === limit;
    return now + ROUND_PAUSE_MS;
  }

  function hasPlace(): boolean {
    if (!stopping && !behind && active.size + handovers.kept() < CONCURRENCY_MAX) return true;
    behind = true;
    return false;
  }

  const handovers = createHandovers({
    clock: engine.clock,
    worker_id,
    claim_ms: CLAIM_MS,
    hasPlace,
    begin: (remediation, episode) =>
      track(remediation.id, () => remedy(engine, errors, remediation, episode)),
    freed: () => loop.poke(),
  });
  const loop = createLoop({ ...engine, name: 'worker', round });
  return {
    ...loop,
    async stop() {
      stopping = true;
      await loop.stop();
      // A hand-over whose commit is under way is ours already: it is waited for, then done.
      while (active.size + handovers.kept() > 0)
        await Promise.all([...active, ...handovers.underWay()]);
    },
    active: () => active.size + handovers.kept(),
    claimNew: (changes) => handovers.claimNew(changes),
  };
}

/** What is worked on here. `ended`: a place is free again. */
function createTasks(ended: () => void) {
  const active = new Set<Promise<void>>();
  /** By the id of the remediation or lease. */
  const under_way = new Map<string, Promise<void>>();

  /**
   * A machine that slept may claim again what it is still at: its claim ran out meanwhile. What is under way ends
   * first, by its deadline, so that a probe sees what it did and nothing is done beside it.
   */
  function track(id: string, work: () => Promise<void>): void {
    const before = under_way.get(id);
    const task = before === undefined ? work() : before.then(work);
    active.add(task);
    under_way.set(id, task);
    void task.finally(() => {
      active.delete(task);
      if (under_way.get(id) === task) under_way.delete(id);
      ended();
    });
  }
  return { active, track };
}

/** `episode`: known when the remediation was made this moment. */
async function remedy(
  engine: Engine,
  errors: Map<string, number>,
  remediation: Remediation,
  episode?: Episode,
): Promise<void> {
  try {
    await advance(remediation, engine, episode);
    errors.delete(remediation.id);
  } catch (error) {
    await failed(remediation, error, errors, engine);
  }
}

async function tend(engine: Engine, lease: Lease): Promise<void> {
  try {
    await tendLease(lease, engine);
  } catch (error) {
    engine.log.error(
      { err: error, lease: lease.id, trace_id: lease.trace_id },
      'a lease failed inside autoheal; tried again',
    );
    engine.tracer.fault(error, { where: 'lease', parent: revertSpan(lease).parent ?? null });
  }
}

/** An error of ours: the claim runs out and it is tried again; not for ever, and never silently. */
async function failed(
  remediation: Remediation,
  error: unknown,
  errors: Map<string, number>,
  engine: Engine,
): Promise<void> {
  const { id, trace_id } = remediation;
  const count = (errors.get(id) ?? 0) + 1;
  errors.set(id, count);
  const about = { remediation: id, trace_id };
  engine.log.error({ ...about, err: error, count }, 'a remediation failed inside autoheal');
  engine.tracer.fault(error, { where: 'worker', parent: under(trace_id, id) });
  if (count < ERRORS_MAX) return;
  errors.delete(id);
  try {
    await giveUp(remediation, error, engine);
  } catch (second) {
    engine.log.error({ ...about, err: second }, 'could not give the remediation up');
  }
}
