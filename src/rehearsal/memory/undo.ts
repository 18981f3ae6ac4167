import { type Conflict, ConflictError } from '../../store.ts';

/** What takes back the changes of a unit, the last first. */
export type Undo = (() => void)[];

/** A map whose changes can be taken back. */
export function putIn<K, V>(map: Map<K, V>, key: K, value: V, undo: Undo): void {
  const before = map.get(key);
  const had = map.has(key);
  map.set(key, value);
  undo.push(() => {
    if (had) map.set(key, before as V);
    else map.delete(key);
  });
}

/** For each key the rows that were added to it, in order. */
export function addTo<K, V>(map: Map<K, V[]>, key: K, value: V, undo: Undo): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
  undo.push(() => {
    map.get(key)?.pop();
  });
}

export function refuse(conflict: Conflict, detail: string): never {
  throw new ConflictError(conflict, detail);
}

/** The row with its times in whole ms, as a database keeps them: jitter makes fractions. */
export function whole<T extends object>(row: T, fields: readonly (keyof T & string)[]): T {
  let made: Record<string, unknown> | undefined;
  for (const field of fields) {
    const value: unknown = row[field];
    if (typeof value !== 'number' || Number.isInteger(value)) continue;
    made ??= { ...(row as Record<string, unknown>) };
    made[field] = Math.round(value);
  }
  return (made as T | undefined) ?? row;
}
