import type { Lease, LeaseHolder } from '../core/healing/lease.ts';
import type { Engine } from './deps.ts';
import { recheck } from './facts.ts';

/** Why a lease whose last holder let go is not reverted at once, and for how long. */

/** While blind nothing is reverted, for so long after it fell due; then the temporary has to end. */
export const BLIND_CAP_MS = 60 * 60_000;
const BLIND_PAUSE_MS = 15_000;
/** The first time that an alert came back after our own revert, the next revert waits this long; then twice, ... */
export const RELAPSE_WAIT_MS = 5 * 60_000;
/** As often as this, and a human decides: until then the lease stands. */
export const RELAPSES_MAX = 3;
const STANDS_PAUSE_MS = 5 * 60_000;
/** An alert that the API still shows after its lease ran out is evidence: the lease goes on for this long. */
const STILL_FIRES_MS = 5 * 60_000;

/**
 * When to look at the lease again instead of reverting it; undefined: revert now. `looked` has its holders
 * as they were judged. An operator's word is never waited with, nor a lease whose every step failed.
 */
export async function notYet(
  lease: Lease,
  looked: Lease,
  engine: Engine,
): Promise<number | undefined> {
  const now = engine.clock.now();
  const due = looked.holders.filter(
    ({ released }) => released === 'resolved' || released === 'expired',
  );
  // Holders that failed say nothing about the others: those had a change that worked, and may still need it.
  if (lease.ended_by !== null || due.length === 0 || lease.state === 'reverting') return undefined;
  const due_at = Math.max(...(await Promise.all(due.map((holder) => dueAt(holder, engine)))));
  const shown = engine.watch.blind().length > 0 ? 'unknown' : await shownOf(due, engine);
  if (shown === 'unknown' && now < due_at + BLIND_CAP_MS) return now + BLIND_PAUSE_MS;
  if (shown === 'fires') return now + STILL_FIRES_MS;
  if (lease.relapses === 0) return undefined;
  if (standsForGood(lease)) return now + STANDS_PAUSE_MS;
  const until = due_at + RELAPSE_WAIT_MS * 2 ** (lease.relapses - 1);
  return now < until ? until : undefined;
}

/** The alert came back after each of our reverts: undoing it once more would only bring it back again. */
export function standsForGood(lease: Lease): boolean {
  return lease.relapses >= RELAPSES_MAX;
}

async function dueAt(holder: LeaseHolder, engine: Engine): Promise<number> {
  const episode = await engine.store.episode(holder.episode_id);
  return episode?.closed_at ?? holder.expires_at;
}

/**
 * Before an expiry reverts, Alertmanager is asked: the webhook may only have lost its repeats. Also a suppressed
 * alert fires: a silence tells people not to look, not that it is over.
 */
async function shownOf(
  due: readonly LeaseHolder[],
  engine: Engine,
): Promise<'fires' | 'gone' | 'unknown'> {
  if (!engine.watch.configured) return 'gone';
  let unknown = false;
  for (const { released, episode_id } of due) {
    if (released !== 'expired') continue;
    const episode = await engine.store.episode(episode_id);
    if (episode?.state !== 'open' || episode.source !== 'alertmanager') continue;
    const { state } = await recheck(episode.fingerprint, engine);
    if (state === 'active' || state === 'suppressed') return 'fires';
    unknown ||= state === 'unknown';
  }
  return unknown ? 'unknown' : 'gone';
}
