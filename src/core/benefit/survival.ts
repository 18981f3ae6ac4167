import { Z } from './proportion.ts';

/** One case: how long it took, or for how long it was watched without coming to an end. */
export interface Duration {
  /** Ms, 0 or more. */
  readonly ms: number;
  /** False: it had not ended when the watch did (censored). */
  readonly ended: boolean;
}

/** A time at which at least the asked share has ended, with its 95 % interval; null: not seen (yet). Ms. */
export interface Quantile {
  readonly ms: number | null;
  readonly low_ms: number | null;
  readonly high_ms: number | null;
}

interface Step {
  readonly ms: number;
  /** Share that has not ended by then. */
  readonly open: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The share that has not ended, over time: E. L. Kaplan, P. Meier, "Nonparametric estimation from incomplete
 * observations", JASA 53, 1958, p. 457. Who was only watched for a while counts for as long. The band is
 * Greenwood's variance on the logarithm of the share, which is what R's `survfit` gives by default.
 */
export function survival(cases: readonly Duration[]): readonly Step[] {
  const sorted = cases.toSorted((a, b) => a.ms - b.ms);
  const steps: Step[] = [];
  let open = 1;
  let greenwood = 0;
  for (let at = 0; at < sorted.length; ) {
    const ms = sorted[at]?.ms ?? 0;
    const at_risk = sorted.length - at;
    let ended = 0;
    for (; sorted[at]?.ms === ms; at += 1) if (sorted[at]?.ended === true) ended += 1;
    if (ended === 0) continue;
    open *= 1 - ended / at_risk;
    greenwood += ended / (at_risk * (at_risk - ended));
    steps.push({ ms, open, ...bandOf(open, greenwood) });
  }
  return steps;
}

function bandOf(open: number, greenwood: number): { readonly low: number; readonly high: number } {
  // The last one ended: nothing is left to have a variance.
  if (open <= 0) return { low: 0, high: Number.NaN };
  const half = Z * Math.sqrt(greenwood);
  return { low: open * Math.exp(-half), high: Math.min(1, open * Math.exp(half)) };
}

/**
 * When `share` (0 to 1) of all have ended; the interval is that of R. Brookmeyer and J. Crowley, "A confidence
 * interval for the median survival time", Biometrics 38, 1982, p. 29: where the band crosses the line. An end is
 * null where so few ended that nobody can say.
 */
export function quantile(cases: readonly Duration[], share: number): Quantile {
  const steps = survival(cases);
  const line = 1 - share;
  // Products of fractions miss a round share by a last digit.
  function reached(value: number): boolean {
    return value <= line + 1e-12;
  }
  return {
    ms: steps.find(({ open }) => reached(open))?.ms ?? null,
    low_ms: steps.find(({ low }) => reached(low))?.ms ?? null,
    high_ms: steps.find(({ high }) => reached(high))?.ms ?? null,
  };
}
