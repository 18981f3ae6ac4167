import type { Beats, EventCount, MinuteCount } from './core/slo/ledger.ts';

/** What is added at once: events by the minute, heartbeats by the stretch. */
export interface SloAdd {
  readonly counts: readonly MinuteCount[];
  readonly beats: readonly Beats[];
}

/** The part of the store that keeps what the service counts of its own objectives. */
export interface SloReads {
  /** Sums of the minutes that begin at `since` (ms since the epoch) or later; drills apart. */
  sloCounts(since: number): Promise<readonly EventCount[]>;
  /** Stretches of heartbeats that end at `since` or later, in order, and the first beat that is kept. */
  sloBeats(
    since: number,
  ): Promise<{ readonly first_at: number | null; readonly beats: readonly Beats[] }>;
}
