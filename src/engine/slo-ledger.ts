import { addBeats, type Beats, BEAT_WITHIN_MS, MINUTE_MS, slicesOf } from '../core/slo/ledger.ts';
import {
  type Counted,
  LOOKS,
  type SloStanding,
  standingOf,
  sumCounts,
} from '../core/slo/standing.ts';
import type { Clock } from '../ports.ts';
import type { Store } from '../store.ts';
import type { SloAdd } from '../store-slo.ts';
import type { SloTally } from './slo-tally.ts';

/** What a crash loses at most, together with the pause between two rounds of the keeper. */
const FLUSH_EVERY_MS = 10_000;
const NOTHING: SloAdd = { counts: [], beats: [] };

/** How autoheal's own objectives stand by its own count. */
export interface SloBoard {
  /** In the order of the objectives. Reads sums of the store, and what is not there yet. */
  standing(): Promise<readonly SloStanding[]>;
}
export interface SloLedger extends SloBoard {
  /** Writes what was counted, when it is time. @throws the store's fault; nothing is lost by it. */
  tick(): Promise<void>;
  /** Writes it now. @throws as `tick`. */
  flush(): Promise<void>;
}

/** Brings what was counted to the disk, and answers from there: a restart is no gap in any window. */
export function createSloLedger({
  store,
  clock,
  tally,
}: {
  readonly store: Pick<Store, 'commit' | 'sloCounts' | 'sloBeats'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly tally: SloTally;
}): SloLedger {
  let flushed_at = clock.now();
  /** Handed to the store, which has not said yet that it is on disk. */
  let on_the_way = NOTHING;

  async function flush(): Promise<void> {
    const add = tally.take();
    flushed_at = clock.now();
    if (add.counts.length === 0 && add.beats.length === 0) return;
    on_the_way = add;
    try {
      await store.commit([{ kind: 'slo_add', add }]);
    } catch (error) {
      tally.giveBack(add);
      throw error;
    } finally {
      on_the_way = NOTHING;
    }
  }

  return {
    async tick() {
      if (clock.now() - flushed_at >= FLUSH_EVERY_MS) await flush();
    },
    flush,
    async standing() {
      const now = clock.now();
      // Taken before the store is asked: what reaches it meanwhile is then not counted twice.
      const unsaved = [on_the_way, tally.waiting()];
      const counted = LOOKS.map(({ ms }) => sinceOf(now, ms));
      const [kept, ...sums] = await Promise.all([
        store.sloBeats(now - Math.max(...LOOKS.map(({ ms }) => ms)) - BEAT_WITHIN_MS),
        ...counted.map((since) => store.sloCounts(since)),
      ]);
      const beats = unsaved.flatMap((add) => add.beats).reduce(addBeats, kept.beats);
      const first_at = kept.first_at ?? beats[0]?.from ?? null;
      return standingOf(
        LOOKS.map((look, index): Counted => {
          const since = sinceOf(now, look.ms);
          const fresh = unsaved.flatMap((add) => add.counts).filter(({ at }) => at >= since);
          return {
            look,
            counts: sumCounts([...(sums[index] ?? []), ...fresh]),
            slices: slicesOf(within(beats, now - look.ms), first_at, { since: now - look.ms, now }),
            seen: first_at !== null,
          };
        }),
      );
    },
  };
}

/** The first whole minute of a window. */
function sinceOf(now: number, window_ms: number): number {
  return Math.ceil((now - window_ms) / MINUTE_MS) * MINUTE_MS;
}

/** Stretches that reach into the window. */
function within(beats: readonly Beats[], since: number): readonly Beats[] {
  return beats.filter(({ to }) => to >= since - BEAT_WITHIN_MS);
}
