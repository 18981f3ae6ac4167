const UNIT_MS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** A year, the longest that anything here looks back. */
const MAX_MS = 366 * 86_400_000;

/** OpenSLO's duration shorthand (`5m`, `1h`, `4w`) in ms; months and longer have no fixed length and are refused. */
export function durationMs(
  value: unknown,
): number | { readonly message: string; readonly fix: string } {
  const text = typeof value === 'string' ? value : '';
  const match = /^(\d{1,6})([mhdwMQY])$/.exec(text);
  const unit_ms = UNIT_MS[match?.[2] ?? ''];
  if (match !== null && unit_ms === undefined)
    return { message: `"${text}" has no fixed length`, fix: 'write it in days, like 30d or 90d' };
  if (match === null || unit_ms === undefined)
    return { message: 'is no duration of OpenSLO', fix: 'write it like 5m, 1h, 30d or 4w' };
  const ms = Number(match[1]) * unit_ms;
  return ms <= MAX_MS ? ms : { message: 'is longer than a year', fix: 'write at most 366d' };
}
