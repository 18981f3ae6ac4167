const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['y', 31_536_000_000],
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];
/** Each unit at most once, the largest first: Prometheus's own grammar (common/model, ParseDuration). */
const DURATION = new RegExp(`^${UNITS.map(([unit]) => `(?:(\\d+)${unit})?`).join('')}$`);
/** Years and weeks are read, never written: `7d` needs no calendar to be understood. */
const WRITTEN_FROM_MS = 86_400_000;

/** A Prometheus duration (`5m`, `1h30m`, `0`) in milliseconds; `undefined` when it is not one. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const match = text === '' ? null : DURATION.exec(text);
  if (match === null) return undefined;
  let total_ms = 0;
  for (const [index, [, unit_ms]] of UNITS.entries()) {
    total_ms += Number(match[index + 1] ?? 0) * unit_ms;
  }
  return Number.isSafeInteger(total_ms) ? total_ms : undefined;
}

/** Milliseconds (a whole number, not negative) as a Prometheus duration: 5,400,000 is `1h30m`. */
export function formatDuration(ms: number): string {
  let rest_ms = ms;
  let text = '';
  for (const [unit, unit_ms] of UNITS) {
    if (unit_ms > WRITTEN_FROM_MS) continue;
    const amount = Math.floor(rest_ms / unit_ms);
    if (amount > 0) text += `${amount}${unit}`;
    rest_ms -= amount * unit_ms;
  }
  return text === '' ? '0s' : text;
}
