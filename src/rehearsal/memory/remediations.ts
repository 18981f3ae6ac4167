import type { Remediation } from '../../core/healing/remediation.ts';
import { BUSY_WAKE_MAX, type Change, type Claim } from '../../store.ts';
import { createDue, type Timed } from './due.ts';
import { addTo, refuse, type Undo, whole } from './undo.ts';

/** Times of looks: `every_ms` apart from `from` on. */
export interface Looks {
  readonly from: number;
  readonly every_ms: number;
}
/** Looks of a remediation that would change nothing, and are left out. */
export interface Rests extends Looks {
  /** The look that is made in any case. */
  readonly until: number;
}
export interface RemediationRow extends Timed {
  it: Remediation;
  rests: Rests | undefined;
}
export type Remediations = ReturnType<typeof createRemediations>;
type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

const TIMES = [
  'created_at',
  'updated_at',
  'ended_at',
  'next_at',
  'held_out_until',
] as const satisfies (keyof Remediation)[];

/** The rows, and how one changes. */
function createRows(now: () => number) {
  const rows: RemediationRow[] = [];
  const by_id = new Map<string, RemediationRow>();
  const by_episode = new Map<string, RemediationRow[]>();
  const live = new Set<RemediationRow>();
  const due = createDue<RemediationRow>();

  function become(row: RemediationRow, it: Remediation, rests: Rests | undefined, undo: Undo) {
    const before = { it: row.it, rests: row.rests };
    set(row, it, rests);
    undo.push(() => set(row, before.it, before.rests));
  }

  function set(row: RemediationRow, it: Remediation, rests: Rests | undefined): void {
    row.it = it;
    row.rests = rests;
    if (it.state === 'done') {
      live.delete(row);
      due.drop(row);
    } else {
      // An undo may bring one back; the order of the set does not matter to who reads it.
      live.add(row);
      due.put(row);
    }
  }

  function wake(row: RemediationRow, part: Partial<Remediation>, undo: Undo): void {
    const { it, rests } = row;
    // Had it looked meanwhile, it would have said so; who is looked at first depends on it.
    const updated_at = rests === undefined ? it.updated_at : lastLook(rests, now());
    const woken = { ...it, ...part, updated_at, wakes: it.wakes + 1, next_at: 0 };
    become(row, woken, undefined, undo);
  }

  /** Live rows in the order of their insertion. */
  function lively(fits: (it: Remediation) => boolean): RemediationRow[] {
    return [...live].filter(({ it }) => fits(it)).toSorted((a, b) => a.n - b.n);
  }

  return { rows, by_id, by_episode, live, due, become, set, wake, lively };
}
type Rows = ReturnType<typeof createRows>;

/** The remediations of a replay. */
export function createRemediations(now: () => number) {
  const table = createRows(now);
  const { rows, by_id, by_episode, live, due, become, set } = table;
  return {
    rows: rows as readonly RemediationRow[],
    get: (id: string) => by_id.get(id),
    of: (episode_id: string) => (by_episode.get(episode_id) ?? []).map(({ it }) => it),
    nextDue: (at: number) => due.next(at),
    ...createWakes(table),
    claim(claim: Claim): readonly Remediation[] {
      return due.take(claim).map((row) => {
        const { it } = row;
        const { worker: claimed_by, until: claim_until } = claim;
        set(row, { ...it, fence: it.fence + 1, claimed_by, claim_until }, undefined);
        return row.it;
      });
    },
    add({ remediation }: Of<'remediation_add'>, undo: Undo): void {
      if (by_id.has(remediation.id)) throw new Error(`remediation ${remediation.id} is there`);
      const it = whole(remediation, TIMES);
      const row: RemediationRow = { n: rows.length + 1, it, rests: undefined, stamp: 0 };
      rows.push(row);
      by_id.set(it.id, row);
      set(row, it, undefined);
      undo.push(() => {
        rows.pop();
        by_id.delete(it.id);
        live.delete(row);
        due.drop(row);
      });
      addTo(by_episode, it.episode_id, row, undo);
    },
    /** `rests`: which of its next looks are left out. */
    put({ remediation, release }: Of<'remediation_put'>, rests: Rests | undefined, undo: Undo) {
      const row = by_id.get(remediation.id);
      if (row === undefined || row.it.fence !== remediation.fence)
        refuse('fence_lost', `remediation ${remediation.id} is not there with that fence`);
      const { wakes, priority, cancel, created_at, priority_of, held_out_until } = row.it;
      const kept = { wakes, priority, cancel, created_at, priority_of, held_out_until };
      const claim = release ? { claimed_by: null, claim_until: 0 } : {};
      const woken = wakes !== remediation.wakes;
      const next_at = woken ? 0 : remediation.next_at;
      const it = whole({ ...remediation, ...kept, ...claim, next_at }, TIMES);
      if (woken || rests === undefined) return become(row, it, undefined, undo);
      // As the last look before it would have left it; who of two is looked at first depends on it.
      const updated_at = lastLook(rests, rests.until - 1);
      become(row, { ...it, updated_at, next_at: rests.until }, rests, undo);
    },
    /** Who rests looks again at the next time of its own looks. */
    stir(id: string): void {
      const row = by_id.get(id);
      if (row?.rests === undefined) return;
      const { it, rests } = row;
      const next_at = nextLook(rests, now());
      if (next_at >= it.next_at) return;
      set(row, { ...it, next_at, updated_at: next_at - rests.every_ms }, undefined);
    },
  };
}

/** Who is looked at sooner than it said. */
function createWakes({ by_episode, become, wake, lively }: Rows) {
  function wakeBusy(holder: string, undo: Undo): void {
    const waiting = lively(
      ({ state, reason, next_at }) => state === 'waiting' && reason === 'busy' && next_at > 0,
    );
    const named = waiting.filter(({ it }) => it.detail?.includes(holder) === true);
    const others = waiting.filter(({ it }) => it.detail?.includes(holder) !== true);
    for (const row of [...named, ...others].slice(0, BUSY_WAKE_MAX)) wake(row, {}, undo);
  }

  return {
    wakeBusy,
    wake,
    wakeOf({ episode_id }: Of<'remediations_wake'>, undo: Undo): void {
      for (const row of by_episode.get(episode_id) ?? [])
        if (row.it.state !== 'done') wake(row, {}, undo);
    },
    wakeWaiting({ reasons }: Of<'waiting_wake'>, undo: Undo): void {
      const words: readonly (string | null)[] = reasons;
      for (const row of lively((it) => it.state === 'waiting' && words.includes(it.reason)))
        wake(row, {}, undo);
    },
    raise({ of, priority }: Of<'priority_raise'>, undo: Undo): void {
      for (const row of lively((it) => it.priority_of === of && it.priority < priority))
        become(row, { ...row.it, priority }, row.rests, undo);
    },
    releaseAll(undo: Undo): void {
      for (const row of lively(({ claimed_by }) => claimed_by !== null))
        become(row, { ...row.it, claimed_by: null, claim_until: 0 }, undefined, undo);
    },
  };
}

/** The first look of these after `at`. */
export function nextLook({ from, every_ms }: Looks, at: number): number {
  return from + Math.max(1, Math.floor((at - from) / every_ms) + 1) * every_ms;
}

/** The last look of these up to `at`; the one at `from` was made. */
export function lastLook({ from, every_ms }: Looks, at: number): number {
  return from + Math.floor(Math.max(0, at - from) / every_ms) * every_ms;
}
