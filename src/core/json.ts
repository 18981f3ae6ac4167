/** A JSON value: what crosses the wire and what the store keeps in its JSON columns. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Label or annotation set of an alert. Names may be any UTF-8 text. */
export type Labels = Readonly<Record<string, string>>;

/** Deep equality of two JSON values; the order of object keys does not count. */
export function jsonEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a === undefined || b === undefined || Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a);
  if (left.length !== Object.keys(b).length) return false;
  return left.every(
    ([key, value]) => Object.hasOwn(b, key) && jsonEqual(value, (b as JsonObject)[key]),
  );
}
