/** A dashboard as we describe it: what Grafana is told and what docs/dashboards.md says are made from it. */
export interface Board {
  /** Stable: links and bookmarks hold it. Also the name of the file. */
  readonly uid: string;
  readonly title: string;
  /** One sentence: when to open it. */
  readonly summary: string;
  /** The time that is shown at first, in Grafana's words: `6h`. */
  readonly shows: string;
  readonly rows: readonly Row[];
}
export interface Row {
  readonly title: string;
  /** Of all panels of the row, in the rows of Grafana's grid (30 px each). */
  readonly height: number;
  readonly panels: readonly Panel[];
}
export interface Panel {
  readonly kind: Kind;
  readonly title: string;
  /** The question that it answers, for the person with the pager. */
  readonly answers: string;
  /** What to do when it does not look well. */
  readonly act: string;
  readonly unit: Unit;
  /** Of 24 columns. */
  readonly width: number;
  readonly queries: readonly Query[];
  /** Colours from a value on, rising; below the first it is green, or what `below` says. */
  readonly limits?: readonly Limit[];
  readonly below?: Colour;
  /** Words for values. */
  readonly words?: Readonly<Record<string, Word>>;
  /** Shown where there is nothing to show. Never NaN. */
  readonly empty?: string;
  /** Of bars: the right end. */
  readonly max?: number;
}
export interface Query {
  readonly expr: string;
  /** Of the series, with `{{label}}`. */
  readonly legend: string;
}
/** stat: values now; bars: values now, side by side; lines: over time. */
export type Kind = 'stat' | 'bars' | 'lines';
export type Colour = 'green' | 'yellow' | 'orange' | 'red' | 'blue' | 'text';
export type Limit = readonly [from: number, colour: Colour];
export type Word = readonly [text: string, colour: Colour];
/** Grafana's names of units. */
export type Unit =
  | 'short'
  | 'none'
  | 'percentunit'
  | 's'
  | 'bytes'
  | 'suffix:x'
  | 'suffix: / min'
  | 'suffix: / s';

/** The series of this installation; every dashboard has the variable. */
export const OURS = 'job="$job"';
/** From the first sample of the time shown to the last. Counters that extrapolate are rounded: nobody healed 2.97 times. */
export function inRange(series: string, by = ''): string {
  const sum = by === '' ? 'sum' : `sum by (${by}) `;
  return `round(${sum}(increase(${series}[$__range])))`;
}

export function perMinute(series: string, by = ''): string {
  const sum = by === '' ? 'sum' : `sum by (${by}) `;
  return `60 * ${sum}(rate(${series}[$__rate_interval]))`;
}

/** A quantile of a histogram; nothing rather than NaN where nothing was measured. */
export function quantile(q: number, histogram: string, labels: string, by = ''): string {
  const group = by === '' ? 'le' : `le, ${by}`;
  const rates = `rate(${histogram}_bucket{${labels}}[$__rate_interval])`;
  return `histogram_quantile(${q}, sum by (${group}) (${rates})) >= 0`;
}
