import type { Lease } from '../core/healing/lease.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import type { Engine } from './deps.ts';
import { createLoop, type Loop } from './loop.ts';
import { advance } from './pipeline.ts';
import { giveUp } from './record.ts';
import { tendLease } from './reverter.ts';

/** How much this process works on at once, remediations and leases together. */
export const CONCURRENCY_MAX = 64;
/** A claim stands this long unless its intent extends it. */
export const CLAIM_MS = 60_000;
/** Rounds of one remediation that may end in an error of ours before a human is told. */
const ERRORS_MAX = 3;
/** The least time between two rounds that found nothing to claim although something was due. */
const ROUND_PAUSE_MS = 50;

export interface Worker extends Loop {
  /** Work under way. */
  active(): number;
}

/** Claims what is due and takes it through the pipeline. `worker_id` names this process in claims. */
export function createWorker(engine: Engine, worker_id: string): Worker {
  const active = new Set<Promise<void>>();
  const errors = new Map<string, number>();

  async function round(): Promise<number> {
    const now = engine.clock.now();
    const due = await engine.store.nextDue(now);
    const free = CONCURRENCY_MAX - active.size;
    // With every place taken, whoever ends pokes the loop.
    if (due === null || free === 0) return Number.POSITIVE_INFINITY;
    if (due > now) return due;
    const claim = { worker: worker_id, now, until: now + CLAIM_MS, limit: free };
    const [remediations, leases] = await Promise.all([
      engine.store.claimRemediations(claim),
      engine.store.claimLeases(claim),
    ]);
    for (const remediation of remediations) track(remedy(remediation));
    for (const lease of leases) track(tend(lease));
    return now + ROUND_PAUSE_MS;
  }

  function track(task: Promise<void>): void {
    active.add(task);
    void task.finally(() => {
      active.delete(task);
      loop.poke();
    });
  }

  async function remedy(remediation: Remediation): Promise<void> {
    try {
      await advance(remediation, engine);
      errors.delete(remediation.id);
    } catch (error) {
      await failed(remediation, error, errors, engine);
    }
  }

  async function tend(lease: Lease): Promise<void> {
    try {
      await tendLease(lease, engine);
    } catch (error) {
      engine.log.error(
        { err: error, lease: lease.id, trace_id: lease.trace_id },
        'a lease failed inside autoheal; tried again',
      );
    }
  }

  const loop = createLoop({ name: 'worker', clock: engine.clock, log: engine.log, round });
  return {
    ...loop,
    async stop() {
      await loop.stop();
      await Promise.all(active);
    },
    active: () => active.size,
  };
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
  if (count < ERRORS_MAX) return;
  errors.delete(id);
  try {
    await giveUp(remediation, error, engine);
  } catch (second) {
    engine.log.error({ ...about, err: second }, 'could not give the remediation up');
  }
}
