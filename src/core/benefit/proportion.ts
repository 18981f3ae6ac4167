/** The 97.5 % point of the normal distribution: two-sided intervals of 95 %. */
export const Z = 1.959963984540054;

/** A share with its 95 % interval, 0 to 1. */
export interface Proportion {
  /** How many were looked at. */
  readonly n: number;
  /** How many of them it holds for. */
  readonly k: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Wilson's score interval without continuity correction (E. B. Wilson, "Probable inference, the law of succession,
 * and statistical inference", JASA 22, 1927, p. 209). It never leaves 0 to 1, and means something with few cases,
 * where share plus-minus error does not.
 * @returns null without cases. @throws RangeError where k of n is no share.
 */
export function wilson(k: number, n: number): Proportion | null {
  if (!Number.isInteger(k) || !Number.isInteger(n) || k < 0 || k > n)
    throw new RangeError(`${k} of ${n} is no share`);
  if (n === 0) return null;
  const share = k / n;
  const z2 = Z * Z;
  const centre = (k + z2 / 2) / (n + z2);
  const half = (Z / (n + z2)) * Math.sqrt((k * (n - k)) / n + z2 / 4);
  // The ends are exact; rounding must not leave the share outside of its own interval.
  return {
    n,
    k,
    share,
    low: k === 0 ? 0 : Math.max(0, centre - half),
    high: k === n ? 1 : Math.min(1, centre + half),
  };
}

/** A difference of two shares with its 95 % interval, -1 to 1. */
export interface Difference {
  readonly points: number;
  readonly low: number;
  readonly high: number;
}

/**
 * `a` minus `b`, two independent groups: Newcombe's hybrid score interval, his method 10 (R. G. Newcombe, "Interval
 * estimation for the difference between independent proportions: comparison of eleven methods", Statistics in
 * Medicine 17, 1998, p. 873), made of the Wilson interval of each.
 */
export function newcombe(a: Proportion, b: Proportion): Difference {
  const points = a.share - b.share;
  return {
    points,
    low: points - Math.hypot(a.share - a.low, b.high - b.share),
    high: points + Math.hypot(a.high - a.share, b.share - b.low),
  };
}

/** The 80 % point of the normal distribution: how sure one wants to be to see what is there. */
const Z_POWER = 0.8416212335729143;

/**
 * Cases that each of two groups needs to see a difference of `points` in four of five tries, where the shares lie
 * around `share`: the usual formula for two proportions with a common variance (J. L. Fleiss, B. Levin, M. C. Paik,
 * "Statistical Methods for Rates and Proportions", 3rd ed. 2003, ch. 4).
 */
export function casesNeeded(points: number, share: number): number {
  const variance = Math.max(0.05, share * (1 - share));
  return Math.ceil((2 * variance * (Z + Z_POWER) ** 2) / points ** 2);
}
