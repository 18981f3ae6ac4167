import type { Change, LockTarget, Store } from '../../store.ts';
import { refuse, type Undo } from './undo.ts';

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

/** The rows, and how one changes. */
function createRows() {
  /** By target, then by holder: is it locked whole? */
  const by_target = new Map<string, Map<string, boolean>>();
  const by_holder = new Map<string, Set<string>>();

  function set(target: string, holder: string, whole_now: boolean | undefined): void {
    const holders = by_target.get(target) ?? new Map<string, boolean>();
    const held = by_holder.get(holder) ?? new Set<string>();
    if (whole_now === undefined) {
      holders.delete(holder);
      held.delete(target);
    } else {
      holders.set(holder, whole_now);
      held.add(target);
    }
    if (holders.size === 0) by_target.delete(target);
    else by_target.set(target, holders);
    if (held.size === 0) by_holder.delete(holder);
    else by_holder.set(holder, held);
  }

  function change(target: string, holder: string, to: boolean | undefined, undo: Undo): void {
    const before = by_target.get(target)?.get(holder);
    set(target, holder, to);
    undo.push(() => set(target, holder, before));
  }

  function other(target: string, holder: string, only_whole: boolean): string | undefined {
    let found: string | undefined;
    for (const [who, is_whole] of by_target.get(target) ?? [])
      if (who !== holder && (is_whole || !only_whole) && (found === undefined || who < found))
        found = who;
    return found;
  }

  return { by_target, by_holder, change, other };
}

/** Who works on which targets in a replay. */
export function createLocks() {
  const { by_target, by_holder, change, other } = createRows();

  /** Who else holds the target, or one of its parents whole. */
  function lockedBy({ id, parents }: LockTarget, holder: string): string | undefined {
    const direct = other(id, holder, false);
    if (direct !== undefined) return direct;
    for (const parent of parents) {
      const above = other(parent, holder, true);
      if (above !== undefined) return above;
    }
    return undefined;
  }

  function lock({ holder, targets }: Of<'lock'>, undo: Undo): void {
    for (const target of targets) {
      const by = lockedBy(target, holder);
      if (by !== undefined) refuse('target_locked', `${target.id} is locked by ${by}`);
      change(target.id, holder, true, undo);
      for (const parent of target.parents)
        change(parent, holder, by_target.get(parent)?.get(holder) === true, undo);
    }
  }

  /** @returns whether it held anything. */
  function unlock({ holder }: Of<'unlock'>, undo: Undo): boolean {
    const held = [...(by_holder.get(holder) ?? [])];
    for (const target of held) change(target, holder, undefined, undo);
    return held.length > 0;
  }

  const reads: Pick<Store, 'lockHolder' | 'lockSharers'> = {
    async lockHolder(targets, except) {
      for (const target of targets) {
        const holder = lockedBy(target, except);
        if (holder !== undefined) return holder;
      }
      return undefined;
    },
    async lockSharers(parents, except) {
      const holders = new Set(parents.flatMap((one) => [...(by_target.get(one)?.keys() ?? [])]));
      holders.delete(except);
      let sharers = 0;
      for (const holder of holders)
        for (const target of by_holder.get(holder) ?? [])
          if (by_target.get(target)?.get(holder) === true) sharers += 1;
      return sharers;
    },
  };
  return { lock, unlock, holds: (holder: string) => by_holder.has(holder), reads };
}
