/** What the service keeps of its own objectives: which events are good, and when its heart beat. */

/** SLOs that count events; `availability` counts slices of time. Their order is that of the counts in memory. */
export const EVENT_SLOS = ['webhook_latency', 'action_success', 'audit_latency'] as const;
export type EventSlo = (typeof EVENT_SLOS)[number];

/** Edges of the histograms that the rules read (prometheus/slos.yaml); a test holds the two together. */
const WEBHOOK_WITHIN_S = 0.25;
const AUDIT_WITHIN_S = 0.1;

/** Is this answer to a delivery good; undefined: the client's own fault, which does not count. */
export function isGoodDelivery(outcome: string, seconds: number): boolean | undefined {
  if (outcome.startsWith('rejected_')) return undefined;
  return outcome === 'accepted' && seconds <= WEBHOOK_WITHIN_S;
}

/** Is this end of a step good; undefined: nothing was tried. */
export function isGoodStep(outcome: string): boolean | undefined {
  if (outcome === 'success') return true;
  return outcome === 'failure' || outcome === 'timeout' ? false : undefined;
}

/** Is this commit of audit entries good. */
export function isGoodAuditWrite(result: string, seconds: number): boolean {
  return result === 'ok' && seconds <= AUDIT_WITHIN_S;
}

/** Counted events; drills apart. */
export interface EventCount {
  readonly slo: EventSlo;
  readonly drill: boolean;
  readonly good: number;
  readonly total: number;
}
export const MINUTE_MS = 60_000;
/** Those of the minute that begins at `at`, ms since the epoch. */
export interface MinuteCount extends EventCount {
  readonly at: number;
}

/* ---------------------------------------------------------------- heartbeats */

/** A stretch of heartbeats with no pause that a slice could miss; first and last beat, ms since the epoch. */
export interface Beats {
  readonly from: number;
  readonly to: number;
}

/** A slice is good when a beat came within this before its end. */
export const BEAT_WITHIN_MS = 120_000;
const SLICE_MS = 30_000;
/** After the first beat ever nothing is bad: the rules look so far back for a beginning. */
const GRACE_MS = 300_000;

/**
 * The stretches with one more behind them. Shorter pauses than `BEAT_WITHIN_MS` are closed: no slice can tell, so a
 * month without an outage is one stretch.
 */
export function addBeats(stretches: readonly Beats[], next: Beats): readonly Beats[] {
  const last = stretches.at(-1);
  if (last === undefined || next.from - last.to >= BEAT_WITHIN_MS) return [...stretches, next];
  const joined = { from: Math.min(last.from, next.from), to: Math.max(last.to, next.to) };
  return [...stretches.slice(0, -1), joined];
}

/** Slices that ended within a window. */
export interface Slices {
  /** Without a beat. */
  readonly bad: number;
  /** Since the first beat ever: there is data for them. */
  readonly seen: number;
}

/**
 * Counts the slices that end after `since` and not after `now` (ms since the epoch).
 * `beats`: in order, those that reach into the window; `first_at`: the first beat ever, null: none yet.
 */
export function slicesOf(
  beats: readonly Beats[],
  first_at: number | null,
  { since, now }: { readonly since: number; readonly now: number },
): Slices {
  if (first_at === null) return { bad: 0, seen: 0 };
  const from = Math.max(since + 1, first_at + GRACE_MS);
  const ends = [...beats.slice(1).map((stretch) => stretch.from), now + 1];
  let bad = endsBetween(from, Math.min(beats[0]?.from ?? now + 1, now + 1));
  for (const [index, { to }] of beats.entries())
    bad += endsBetween(Math.max(from, to + BEAT_WITHIN_MS), Math.min(ends[index] ?? 0, now + 1));
  return { bad, seen: endsBetween(Math.max(since + 1, first_at), now + 1) };
}

/** Ends of slices at `from` or later and before `to`; none when that is no time at all. */
function endsBetween(from: number, to: number): number {
  return Math.max(0, Math.ceil(to / SLICE_MS) - Math.ceil(from / SLICE_MS));
}

/** Slices in a window. */
export function slicesIn(window_ms: number): number {
  return window_ms / SLICE_MS;
}
