/** RFC 3339 in UTC with milliseconds. `Date` of a given number reads no clock, so it is pure. */
export function isoTime(ms: number): string {
  // oxlint-disable-next-line no-restricted-globals
  return new Date(ms).toISOString();
}
