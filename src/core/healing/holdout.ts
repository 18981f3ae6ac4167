import type { Episode } from '../alerts/episode.ts';
import { fingerprintOf } from '../alerts/fingerprint.ts';
import type { Rule } from '../rules/rule.ts';

/** A severity that is never left alone for the sake of a figure. */
const NEVER = 'critical';

/**
 * Where in [0, 1) the draw of this rule for this episode falls. The same two always draw the same, so that a
 * draw can be shown later, and a restart changes none. FNV-1a over both, then the finalizer of MurmurHash3
 * (Appleby, 2011): ids of one moment share their beginning, and FNV alone mixes an end too little.
 */
export function drawOf(rule: string, episode_id: string): number {
  const words = fingerprintOf({ rule, episode: episode_id });
  let h = Number.parseInt(words.slice(0, 8), 16) ^ Number.parseInt(words.slice(8), 16);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/**
 * Until when the rule leaves this firing alone, to learn what happens without it, ms since the epoch; null: it
 * does not. Only a rule that asks for it, never a drill, never what is critical. `now`: when it would begin.
 */
export function heldOutUntil(
  rule: Pick<Rule, 'name' | 'mode' | 'holdout'>,
  episode: Pick<Episode, 'id' | 'labels' | 'drill'>,
  now: number,
): number | null {
  const { holdout } = rule;
  // In dry-run nothing is done anyway.
  if (holdout === null || rule.mode === 'dry-run') return null;
  if (episode.drill || episode.labels['severity'] === NEVER) return null;
  return drawOf(rule.name, episode.id) * 100 < holdout.share_pct ? now + holdout.for_ms : null;
}
