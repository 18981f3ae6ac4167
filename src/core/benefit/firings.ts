import type { Duration } from './survival.ts';
import type { Treatment } from './treatment.ts';

/** Why a firing was left alone. `waited`: refused, held, or it waited for as long as is compared. */
export const LEFT_ALONE = ['dry_run', 'holdout', 'waited'] as const;
export type LeftAlone = (typeof LEFT_ALONE)[number];

/** One firing of one alert that the rule was chosen for. Times in ms. */
export interface Firing {
  /** When the rule was chosen, ms since the epoch: from then on it is watched, acted on or not. */
  readonly began_at: number;
  /** Null: the rule acted within the horizon. */
  readonly left_alone: LeftAlone | null;
  /** What the rule's own verification said. */
  readonly healed: boolean;
  /** Did the alert end within the horizon? Null: it is too early to say. */
  readonly recovered: boolean | null;
  /** Until the alert ended; not ended: until now, or until the rule acted after all. */
  readonly until_end: Duration;
  /** The rule's hold-out could have drawn it. */
  readonly drawable: boolean;
}

/** Why firings are in neither group. */
export interface LeftOut {
  /** Another rule acted within the horizon. */
  readonly other_rule: number;
  /** Somebody began a run by hand, or a failure was injected on purpose. */
  readonly meddled: number;
}
export interface Firings {
  readonly firings: readonly Firing[];
  readonly left_out: LeftOut;
}

/**
 * Remediations of one rule as firings; several for one firing (it was stale, then repeated) are one. Both groups are
 * watched from the moment the rule was chosen, and by the same evidence, the end of the alert: a verification of
 * its own is something that only those have that were acted on. Drills are not counted. `horizon_ms`: how long both
 * are watched for the comparison.
 */
export function firingsOf(rows: readonly Treatment[], horizon_ms: number, now: number): Firings {
  const by_episode = Map.groupBy(
    rows.filter(({ drill }) => !drill),
    ({ episode_id }) => episode_id,
  );
  const firings: Firing[] = [];
  const left_out = { other_rule: 0, meddled: 0 };
  for (const group of by_episode.values()) {
    const began_at = Math.min(...group.map(({ created_at }) => created_at));
    const others_at = earliest(group.map(({ others_acted_at }) => others_acted_at));
    if (group.some(({ by_hand, chaos }) => by_hand || chaos)) left_out.meddled += 1;
    else if (others_at !== null && others_at - began_at < horizon_ms) left_out.other_rule += 1;
    else firings.push(firingOf(group, began_at, horizon_ms, now));
  }
  return { firings, left_out };
}

function firingOf(
  group: readonly Treatment[],
  began_at: number,
  horizon_ms: number,
  now: number,
): Firing {
  const acted_at = earliest(group.map((row) => row.acted_at));
  const closed_at = earliest(group.map((row) => row.closed_at));
  const acted = acted_at !== null && acted_at - began_at < horizon_ms;
  const left_alone = acted ? null : whyAlone(group);
  const watched_until = left_alone === null ? now : Math.min(now, acted_at ?? now);
  return {
    began_at,
    left_alone,
    healed: group.some(({ outcome }) => outcome === 'healed'),
    recovered: recoveredIn(closed_at, began_at, horizon_ms, now),
    until_end:
      closed_at !== null && closed_at <= watched_until
        ? { ms: Math.max(0, closed_at - began_at), ended: true }
        : { ms: Math.max(0, watched_until - began_at), ended: false },
    drawable: group.every(({ critical, outcome }) => !critical && outcome !== 'dry_run'),
  };
}

function whyAlone(group: readonly Treatment[]): LeftAlone {
  if (group.some(({ held_out_until }) => held_out_until !== null)) return 'holdout';
  return group.some(({ outcome }) => outcome === 'dry_run') ? 'dry_run' : 'waited';
}

function recoveredIn(
  closed_at: number | null,
  began_at: number,
  horizon_ms: number,
  now: number,
): boolean | null {
  if (closed_at !== null) return closed_at - began_at <= horizon_ms;
  return now - began_at > horizon_ms ? false : null;
}

function earliest(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}
