import type { Change } from '../store.ts';
import { RECONCILE_EVERY_MS } from '../engine/reconcile.ts';
import type { Sky } from './sky.ts';

/** The keeper looks for harm, and counts the budget, in this rhythm, ms. */
const KEEPER_EVERY_MS = 60_000;
const BUDGET_EVERY_MS = 30_000;
/** What the budget counts goes back so far: after it nothing changes by itself. */
const BUDGET_WINDOW_MS = 3_600_000;
/** The keeper reads these: without a new one it would find what it found before. */
const STEPS: ReadonlySet<string> = new Set(['action_start', 'action_ok', 'action_fail']);
/** An alert counts while a step is that near: harm is looked for a day back, and what harm may follow within. */
const NEAR_MS = 3 * 86_400_000;

export interface BeatsOf {
  readonly start: number;
  readonly now: () => number;
  readonly sky: Sky;
  /** Ms since the epoch; null: it does not end by itself, or there is none. */
  readonly pauseEnds: () => number | null;
  readonly chaosEnds: () => number | null;
  readonly budgetEnforced: () => boolean;
}

/** When each loop has something to do. In the service they look every second; here that would cost a month of seconds. */
export interface Beats {
  readonly wrote: (changes: readonly Change[]) => void;
  /** For the clock: see `virtualClock`. */
  napsUntil(loop: string, at: number): () => number;
}

export function createBeats(of: BeatsOf): Beats {
  /** When something was last written that the keeper reads. */
  let written_at = Number.NEGATIVE_INFINITY;
  let stepped_at = Number.NEGATIVE_INFINITY;

  /** The first beat after `at`; beats are counted from the start, as a service that never rested has them. */
  function beatAfter(at: number, every_ms: number): number {
    return of.start + (Math.floor((at - of.start) / every_ms) + 1) * every_ms;
  }

  function keeperAt(kept_at: number): number {
    const ends = [of.pauseEnds(), of.chaosEnds()].map((at) => at ?? Number.POSITIVE_INFINITY);
    const looks = beatAfter(written_at, KEEPER_EVERY_MS);
    const counts = beatAfter(kept_at, BUDGET_EVERY_MS);
    return Math.min(
      ...ends,
      looks > kept_at ? looks : Number.POSITIVE_INFINITY,
      of.budgetEnforced() && counts <= written_at + BUDGET_WINDOW_MS + BUDGET_EVERY_MS
        ? counts
        : Number.POSITIVE_INFINITY,
    );
  }

  return {
    wrote(changes) {
      for (const change of changes) {
        if (change.kind !== 'audit') continue;
        const { kind } = change.entry;
        if (STEPS.has(kind)) stepped_at = of.now();
        const near = kind === 'alert_firing' && of.now() - stepped_at <= NEAR_MS;
        if (STEPS.has(kind) || near) written_at = of.now();
      }
    },
    napsUntil(loop, at) {
      const napped_at = of.now();
      if (loop === 'keeper') return () => keeperAt(napped_at);
      if (loop === 'reconcile') return () => of.sky.asksAt(at, RECONCILE_EVERY_MS);
      return () => at;
    },
  };
}
