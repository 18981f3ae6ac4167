/** Arithmetic of objectives, budgets and burn rates: decimals in, decimals out, no noise of floating point. */

/** Percentages are whole numbers of 0.0001 %: 99.9 % is 999,000. */
const PCT_DIGITS = 4;
/** All of it, in 0.0001 %. */
export const WHOLE = 1_000_000;
/** Digits of a factor after the point: 28 d make 0.9333. */
const FACTOR_DIGITS = 4;
/** A factor of 1, in the unit of factors. */
export const FACTOR_UNIT = 10_000;

/** A share in decimal text (`99.9`, `2`) as whole 0.0001 %; undefined when it is none, or not in (0, 100). */
export function parsePercent(text: string): number | undefined {
  const match = /^(\d{1,2})(?:\.(\d{1,4}))?$/.exec(text);
  if (match === null) return undefined;
  const units = Number(match[1]) * FACTOR_UNIT + Number((match[2] ?? '').padEnd(PCT_DIGITS, '0'));
  return units > 0 ? units : undefined;
}

/** `units` of 10^-`digits` as a decimal without trailing zeros: (1000, 6) is `0.001`. */
export function decimal(units: number, digits: number): string {
  const text = String(units).padStart(digits + 1, '0');
  const point = text.length - digits;
  return `${text.slice(0, point)}.${text.slice(point)}`.replace(/\.?0+$/, '');
}

/** A burn factor in decimal text (`14.4`) as whole 0.0001; undefined when it is none, 0, or above 9,999. */
export function parseFactor(text: string): number | undefined {
  const match = /^(\d{1,4})(?:\.(\d{1,4}))?$/.exec(text);
  if (match === null) return undefined;
  const units =
    Number(match[1]) * FACTOR_UNIT + Number((match[2] ?? '').padEnd(FACTOR_DIGITS, '0'));
  return units > 0 ? units : undefined;
}

/** A factor as it is written: 144,000 is `14.4`. */
export function factorText(units: number): string {
  return decimal(units, FACTOR_DIGITS);
}

/** A percentage of 0.0001 % as it is written: 999,000 is `99.9`. */
export function percentText(units: number): string {
  return decimal(units, PCT_DIGITS);
}

/** The share that may be bad, as a decimal of 1: `0.001` for 99.9 %. `objective` in 0.0001 %. */
export function budgetText(objective: number): string {
  return decimal(WHOLE - objective, PCT_DIGITS + 2);
}

/** The share of the period's budget that goes within `long_ms` at this factor: `2%` for 14.4 in 1h of 30d. */
export function shareText(factor: number, long_ms: number, period_ms: number): string {
  const over = BigInt(factor) * BigInt(long_ms) * BigInt(WHOLE);
  const under = BigInt(FACTOR_UNIT) * BigInt(period_ms);
  const units = Number((2n * over + under) / (2n * under));
  // Two digits are enough for people: 14.4 over 1h of 90d is 0.67%.
  return `${decimal(Math.round(units / 100), 2)}%`;
}

/**
 * Error ratio / budget: 1 spends it exactly over the period. No events burn nothing.
 * `budget` is a ratio above 0. Rounded to 0.0001, so that 0.1 / 0.005 is 20.
 */
export function burnRate(bad: number, total: number, budget: number): number {
  if (total === 0) return 0;
  return Math.round((bad / total / budget) * FACTOR_UNIT) / FACTOR_UNIT;
}
