import { addBeats, type Beats, BEAT_WITHIN_MS, type EventCount } from '../../core/slo/ledger.ts';
import type { SloAdd, SloReads } from '../../store-slo.ts';
import type { Sql } from './sqlite.ts';
import * as text from './statements-slo.ts';

const MINUTE_S = 60;
const HOUR_S = 3_600;

/** Adds to the minutes and hours, and to the stretches of heartbeats. */
export function sloAdd(sql: Sql, { counts, beats }: SloAdd): void {
  for (const { at, slo, drill, good, total } of counts)
    for (const span_s of [MINUTE_S, HOUR_S]) {
      const at_s = Math.floor(at / 1_000 / span_s) * span_s;
      sql.run(text.slo_count_add, [span_s, at_s, slo, drill ? 1 : 0, good, total]);
    }
  for (const stretch of beats) beatsAdd(sql, stretch);
}

function beatsAdd(sql: Sql, next: Beats): void {
  const [last] = sql.all(text.slo_beats_last) as unknown as readonly Beats[];
  const joined = addBeats(last === undefined ? [] : [last], next);
  if (last !== undefined && joined.length === 1) sql.run(text.slo_beats_remove, [last.from]);
  const stretch = joined.at(-1) ?? next;
  sql.run(text.slo_beats_put, [Math.round(stretch.from), Math.round(stretch.to)]);
}

/** What was counted; sums, so that an answer costs the same however long the history is. */
export function createSloReads(sql: Sql): SloReads {
  return {
    async sloCounts(since) {
      const since_s = Math.ceil(since / 1_000 / MINUTE_S) * MINUTE_S;
      const hour_s = Math.ceil(since_s / HOUR_S) * HOUR_S;
      return sql
        .all(text.slo_counts_since, [since_s, hour_s])
        .map((row) => ({ ...(row as unknown as EventCount), drill: row['drill'] === 1 }));
    },
    async sloBeats(since) {
      const beats = sql.all(text.slo_beats_since, [since]) as unknown as readonly Beats[];
      const [first_at = null] = sql.column<number>(text.slo_beats_first);
      return { first_at, beats };
    },
  };
}

/** Hours whose rows are removed in one transaction: some 2,000 rows. */
const HOURS_A_SLICE = 6;

/** Up to when the next slice of what is older than `before` goes; null: nothing is. Ms since the epoch, whole hours. */
export function oldestSlo(sql: Sql, before: number): number | null {
  const [at_s] = sql.column<number>(text.slo_counts_oldest);
  if (at_s === undefined) return null;
  const hour_s = Math.floor(at_s / HOUR_S) * HOUR_S;
  const before_s = Math.floor(before / 1_000 / HOUR_S) * HOUR_S;
  return hour_s < before_s ? Math.min(before_s, hour_s + HOURS_A_SLICE * HOUR_S) * 1_000 : null;
}

/** Removes what is older than `until`, but never the last stretch of heartbeats. @returns rows. */
export function sloRemove(sql: Sql, until: number): number {
  return (
    sql.run(text.slo_counts_remove, [until / 1_000]) +
    sql.run(text.slo_beats_remove_before, [until - BEAT_WITHIN_MS])
  );
}
