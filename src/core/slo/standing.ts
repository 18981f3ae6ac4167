import { formatDuration } from '../duration.ts';
import { SLO_WINDOWS, SLOS } from '../slo-table.ts';
import { type EventCount, slicesIn, type Slices } from './ledger.ts';

/** How the objectives stand by the service's own count: the arithmetic of the recording rules, without Prometheus. */

/** A look over time. `scaled`: what there is no data for counts as good, as in the rules. */
export interface Look {
  readonly window: string;
  readonly ms: number;
  readonly scaled: boolean;
}
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The shortest first, the error budget's own last. */
export const LOOKS: readonly Look[] = [
  { ms: HOUR_MS / 12, scaled: false },
  { ms: SLO_WINDOWS.burn_fast.ms, scaled: true },
  { ms: SLO_WINDOWS.burn_slow.ms, scaled: true },
  { ms: 3 * DAY_MS, scaled: true },
  { ms: SLO_WINDOWS.budget_left.ms, scaled: true },
].map((look) => ({ ...look, window: formatDuration(look.ms) }));

/** What was counted over one look. */
export interface Counted {
  readonly look: Look;
  readonly counts: readonly EventCount[];
  readonly slices: Slices;
  /** Has autoheal ever been seen? */
  readonly seen: boolean;
}

/** One SLO over one look; drills left out. */
export interface SloFigure {
  readonly window: string;
  /** Slices or events. */
  readonly bad: number;
  readonly total: number;
  /** The share of the window that there is data for. */
  readonly covered: number;
  /** The share that was bad; 0 when nothing happened. */
  readonly error: number;
  /** How many times faster than even spending. */
  readonly burn: number;
}
export interface SloStanding {
  readonly slo: (typeof SLOS)[number]['slo'];
  /** As `LOOKS`. */
  readonly figures: readonly SloFigure[];
  /** The share of the error budget that is left; negative when overspent. */
  readonly budget_left: number;
}

/** Every SLO over every look. `counted` in the order of `LOOKS`. */
export function standingOf(counted: readonly Counted[]): readonly SloStanding[] {
  return SLOS.map(({ slo, budget }) => {
    const figures = counted.map((one) => figureOf(slo, budget, one));
    const spent = figures.at(-1)?.burn ?? 0;
    return { slo, figures: figures.map(shown), budget_left: rounded(1 - spent) };
  });
}

function figureOf(slo: SloStanding['slo'], budget: number, counted: Counted): SloFigure {
  const { look, slices } = counted;
  const covered = coverage(counted);
  const { bad, total, error } =
    slo === 'availability'
      ? sliceError(slices, look.ms)
      : eventError(counted.counts, slo, look.scaled ? covered : 1);
  return {
    window: look.window,
    bad,
    total,
    covered,
    error,
    burn: error / budget,
  };
}

function shown(figure: SloFigure): SloFigure {
  const { covered, error, burn } = figure;
  return { ...figure, covered: rounded(covered), error: rounded(error), burn: rounded(burn) };
}

interface Errors {
  readonly bad: number;
  readonly total: number;
  readonly error: number;
}

/** Of all slices of the window: what was before the first beat counts as good. */
function sliceError({ bad, seen }: Slices, window_ms: number): Errors {
  return { bad, total: seen, error: Math.min(bad / slicesIn(window_ms), 1) };
}

function eventError(counts: readonly EventCount[], slo: string, covered: number): Errors {
  let [good, total] = [0, 0];
  for (const count of counts) {
    if (count.slo !== slo || count.drill) continue;
    good += count.good;
    total += count.total;
  }
  return { bad: total - good, total, error: total === 0 ? 0 : (1 - good / total) * covered };
}

/** Before the first beat there is nothing to scale by. */
function coverage({ look, slices, seen }: Counted): number {
  return seen ? Math.min(slices.seen / slicesIn(look.ms), 1) : 1;
}

/** Two sums of the same SLO, drill and time are one. */
export function sumCounts(counts: readonly EventCount[]): readonly EventCount[] {
  const sums = new Map<string, EventCount>();
  for (const { slo, drill, good, total } of counts) {
    const key = `${slo}/${drill}`;
    const before = sums.get(key) ?? { slo, drill, good: 0, total: 0 };
    sums.set(key, { ...before, good: before.good + good, total: before.total + total });
  }
  return [...sums.values()];
}

/** Without the noise of floating point: 0.000001 of a share is one event in a million. */
function rounded(value: number): number {
  // `+ 0`: minus zero is nobody's figure.
  return Math.round(value * 1_000_000) / 1_000_000 + 0;
}
