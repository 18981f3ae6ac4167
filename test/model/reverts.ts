import type { Lease, LeaseHolder } from '../../src/core/healing/lease.ts';
import type { Entry } from './journal.ts';
import type { State } from './state.ts';

/** While blind nothing is reverted for so long after it fell due, ms. */
const BLIND_CAP_MS = 60 * 60_000;
/** As often as this an alert may come back after a revert; then a human decides. */
const RELAPSES_MAX = 3;

type Ended = 'by people' | 'failed' | 'holds' | { readonly since: number };

/** Promises about the revert of a lease at the moment when it begins. */
export function revertedTooSoon(
  state: State,
  lease: Lease,
  { at, blind_since }: Extract<Entry, { kind: 'begin' }>,
): readonly string[] {
  const ends = lease.holders.map((holder) => endOf(state, lease, holder, at));
  const broken: string[] = [];
  if (ends.includes('holds')) broken.push('while somebody holds it');
  const due = ends.flatMap((end) => (typeof end === 'object' ? [end.since] : []));
  // What was begun is carried through.
  const first = lease.tries === 0 && !state.reverted_before.has(lease.id);
  if (!first) return broken;
  const begun_at = lease.updated_at;
  if ((state.paused_since ?? begun_at) < begun_at) broken.push('while paused');
  if (due.length < ends.length) return broken;
  const blind = (blind_since ?? begun_at) < begun_at;
  if (blind && begun_at < Math.max(...due) + BLIND_CAP_MS) broken.push('while blind');
  if (lease.relapses >= RELAPSES_MAX) broken.push('and a human was to decide');
  return broken;
}

/** Does the holder need it still, by what is on disk? */
function endOf(state: State, lease: Lease, holder: LeaseHolder, now: number): Ended {
  if (lease.ended_by !== null) return 'by people';
  const runs = [...state.runs.values()].filter(
    (run) => run.remediation_id === holder.remediation_id && run.target.id === lease.target.id,
  );
  if (runs.at(-1)?.state === 'failed') return 'failed';
  const episode = state.episodes.get(holder.episode_id);
  if (episode?.state === 'closed') return { since: episode.closed_at ?? 0 };
  const expires_at = (episode?.last_firing_at ?? 0) + holder.lease_ms;
  return expires_at <= now ? { since: expires_at } : 'holds';
}
