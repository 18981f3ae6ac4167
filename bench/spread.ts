/** Of sorted values, the one below which this share lies; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** As `0.68 (0.61-0.74)`: the median, and between what the middle half lies. */
export function spread(values: readonly number[], digits = 2): string {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) =>
    quantile(values, share).toFixed(digits),
  );
  return `${middle} (${low}-${high})`;
}

/** As `0.90 missed`; empty where nothing is asked for. */
export function verdict(goal: number | undefined, met: boolean, digits = 2): string {
  return goal === undefined ? '' : `${goal.toFixed(digits)} ${met ? 'met' : 'missed'}`;
}
