import { compareQueued, isStarving, type Queued } from '../../core/healing/priority.ts';
import type { Claim } from '../../store.ts';

/** A row that waits for its time, or is worked on. */
export interface Timed {
  /** Order of insertion. */
  readonly n: number;
  it: Queued & { readonly id: string; readonly claim_until: number };
  /** Raised when it is put in anew: what was put in before counts no more. */
  stamp: number;
}
interface Entry<T extends Timed> {
  readonly at: number;
  readonly row: T;
  readonly stamp: number;
}

/** Rows that are not over, by the time that they are due: a heap, in which what was moved is passed over. */
export interface Due<T extends Timed> {
  /** It is live, as it is now. */
  put(row: T): void;
  drop(row: T): void;
  /** When the earliest that nobody holds at `now` is due. */
  next(now: number): number | null;
  /** Those that a claim gets; they are not claimed yet. */
  take(claim: Claim): readonly T[];
}

export function createDue<T extends Timed>(): Due<T> {
  const heap: Entry<T>[] = [];
  /** Worked on: few, and not in the heap. A claim ends by its time. */
  const claimed = new Set<T>();

  function stands({ row, stamp }: Entry<T>): boolean {
    return row.stamp === stamp;
  }

  function first(): Entry<T> | undefined {
    for (;;) {
      const [top] = heap;
      if (top === undefined || stands(top)) return top;
      pop(heap);
    }
  }

  function put(row: T): void {
    row.stamp += 1;
    claimed.delete(row);
    if (row.it.claim_until > 0) claimed.add(row);
    else push(heap, { at: row.it.next_at, row, stamp: row.stamp });
  }

  /** What is due at `now` leaves the heap. */
  function due(now: number): T[] {
    const rows: T[] = [];
    for (let top = first(); top !== undefined && top.at <= now; top = first()) {
      pop(heap);
      rows.push(top.row);
    }
    for (const row of claimed)
      if (row.it.claim_until <= now && row.it.next_at <= now) rows.push(row);
    return rows;
  }

  return {
    put,
    drop(row) {
      row.stamp += 1;
      claimed.delete(row);
    },
    next(now) {
      let next = first()?.at ?? Number.POSITIVE_INFINITY;
      for (const { it } of claimed) if (it.claim_until <= now) next = Math.min(next, it.next_at);
      return next === Number.POSITIVE_INFINITY ? null : next;
    },
    take({ now, limit }) {
      const rows = due(now);
      if (rows.length > 1) rows.sort((a, b) => chosenFirst(a, b, now));
      for (const row of rows.slice(limit)) put(row);
      const taken = rows.slice(0, limit);
      // As the others are sorted, but the end of an earlier claim says nothing.
      return taken.length > 1
        ? taken.toSorted((a, b) => compareQueued(a.it, b.it, now) || a.n - b.n)
        : taken;
    },
  };
}

/** Who gets a place where there are too few. */
function chosenFirst(a: Timed, b: Timed, now: number): number {
  const starves = Number(isStarving(b.it, now)) - Number(isStarving(a.it, now));
  if (starves !== 0) return starves;
  const priority = isStarving(a.it, now) ? 0 : (b.it.priority ?? 0) - (a.it.priority ?? 0);
  return (
    priority ||
    a.it.next_at - b.it.next_at ||
    a.it.claim_until - b.it.claim_until ||
    a.it.updated_at - b.it.updated_at ||
    a.n - b.n
  );
}

function push<T extends Timed>(heap: Entry<T>[], entry: Entry<T>): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as Entry<T>;
    if (above.at <= entry.at) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = entry;
}

function pop<T extends Timed>(heap: Entry<T>[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    if (left >= heap.length) break;
    const right = left + 1;
    const child =
      right < heap.length && (heap[right] as Entry<T>).at < (heap[left] as Entry<T>).at
        ? right
        : left;
    if ((heap[child] as Entry<T>).at >= last.at) break;
    heap[at] = heap[child] as Entry<T>;
    at = child;
  }
  heap[at] = last;
}
