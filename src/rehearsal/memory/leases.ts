import type { Lease } from '../../core/healing/lease.ts';
import type { Change, Claim, Store } from '../../store.ts';
import { createDue, type Timed } from './due.ts';
import { addTo, refuse, type Undo, whole } from './undo.ts';

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;
interface LeaseRow extends Timed {
  it: Lease;
}
const TIMES = ['told_at', 'created_at', 'updated_at', 'next_at'] as const satisfies (keyof Lease)[];

/** The rows, and how one changes. */
function createRows() {
  const by_target = new Map<string, LeaseRow[]>();
  const live = new Set<LeaseRow>();
  const by_id = new Map<string, LeaseRow>();
  /** Whoever held it once is among its episodes: waking it is harmless. */
  const by_episode = new Map<string, LeaseRow[]>();
  const due = createDue<LeaseRow>();

  function set(row: LeaseRow, it: Lease): void {
    row.it = it;
    if (stands(it)) {
      live.add(row);
      due.put(row);
    } else {
      live.delete(row);
      due.drop(row);
    }
  }

  function become(row: LeaseRow, it: Lease, undo: Undo): void {
    const before = row.it;
    set(row, it);
    undo.push(() => set(row, before));
    for (const { episode_id } of it.holders)
      if (by_episode.get(episode_id)?.includes(row) !== true)
        addTo(by_episode, episode_id, row, undo);
  }

  function standing(target: string): LeaseRow | undefined {
    return by_target.get(target)?.findLast(({ it }) => stands(it));
  }

  function alone(it: Lease, row: LeaseRow | undefined): void {
    const other = stands(it) ? standing(it.target.id) : undefined;
    if (other !== undefined && other !== row) refuse('lease_taken', it.target.id);
  }

  function wake(row: LeaseRow, part: Partial<Lease>, undo: Undo): void {
    if (!stands(row.it)) return;
    become(row, { ...row.it, ...part, wakes: row.it.wakes + 1, next_at: 0 }, undo);
  }

  return { by_id, by_target, by_episode, live, due, set, become, standing, alone, wake };
}

/** The leases of a replay. */
export function createLeases() {
  const { by_id, by_target, by_episode, live, due, set, become, standing, alone, wake } =
    createRows();
  let count = 0;
  return {
    nextDue: (at: number) => due.next(at),
    claim: (claim: Claim): readonly Lease[] =>
      due.take(claim).map((row) => {
        const { worker: claimed_by, until: claim_until } = claim;
        set(row, { ...row.it, fence: row.it.fence + 1, claimed_by, claim_until });
        return row.it;
      }),
    fenceOf: (id: string) => by_id.get(id)?.it.fence,
    add({ lease }: Of<'lease_add'>, undo: Undo): void {
      alone(lease, undefined);
      const it = whole(lease, TIMES);
      count += 1;
      const row: LeaseRow = { n: count, it, stamp: 0 };
      by_id.set(it.id, row);
      undo.push(() => {
        by_id.delete(it.id);
        live.delete(row);
        due.drop(row);
      });
      addTo(by_target, it.target.id, row, undo);
      become(row, it, undo);
    },
    put({ lease, release }: Of<'lease_put'>, undo: Undo): void {
      const row = by_id.get(lease.id);
      if (row === undefined || row.it.fence !== lease.fence)
        refuse('fence_lost', `lease ${lease.id} is not there with that fence`);
      alone(lease, row);
      const { wakes, ended_by, created_at } = row.it;
      const claim = release ? { claimed_by: null, claim_until: 0 } : {};
      const next_at = wakes === lease.wakes ? lease.next_at : 0;
      const it = { ...lease, wakes, ended_by, created_at, ...claim, next_at };
      become(row, whole(it, TIMES), undo);
    },
    wakeOf({ episode_id }: Of<'leases_wake'>, undo: Undo): void {
      for (const row of by_episode.get(episode_id) ?? []) wake(row, {}, undo);
    },
    end({ id, by }: Of<'lease_end'>, undo: Undo): void {
      const row = by_id.get(id);
      if (row !== undefined) wake(row, { ended_by: by }, undo);
    },
    releaseAll(undo: Undo): void {
      for (const row of live)
        if (row.it.claimed_by !== null)
          become(row, { ...row.it, claimed_by: null, claim_until: 0 }, undo);
    },
    reads: {
      activeLease: async (target) => standing(target)?.it,
      activeLeases: async () => [...live].toSorted((a, b) => a.n - b.n).map(({ it }) => it),
      lastLease: async (target) => by_target.get(target)?.at(-1)?.it,
    } satisfies Pick<Store, 'activeLease' | 'activeLeases' | 'lastLease'>,
  };
}

function stands({ state }: Lease): boolean {
  return state === 'active' || state === 'reverting';
}
