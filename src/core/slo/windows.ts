import { formatDuration } from '../duration.ts';
import type { Slo, SloSet } from './model.ts';

/** How far a test's clock runs ahead: every window, pause and interval is divided by it. */
export interface RenderOptions {
  readonly time_scale?: number;
}

/** Rules are evaluated, and a time slice is, at least this long; a scaled `rate` needs a few scrapes. */
const INTERVAL_MIN_MS = 1_000;
const WINDOW_MIN_MS = 5_000;
/** The service beats every 5 s of real time, whatever the scale: three beats. */
export const BEAT_MIN_MS = 15_000;

const SHORT_MS = 3_600_000;
const MEDIUM_MS = 21_600_000;
const INTERVAL_MS = { short: 30_000, medium: 60_000, long: 300_000 };
export type Pace = keyof typeof INTERVAL_MS;

/** A window under its own name (`1h`), as it is asked for (`30s` under a time scale of 120). */
export interface Window {
  readonly name: string;
  readonly ms: number;
  readonly range: string;
  readonly pace: Pace;
  /** Multiplied by the share of it that there is data for. */
  readonly scaled: boolean;
  /** An alert's long window: its bad events are counted. */
  readonly counted: boolean;
  /** Who needs it, in the order of the file. */
  readonly slos: readonly Slo[];
}

/** Every window that some SLO needs, the shortest first. */
export function windowsOf({ slos, alerts }: SloSet, scale: number): readonly Window[] {
  const long = new Set(alerts.map(({ long_ms }) => long_ms));
  const budgets = new Set(
    slos.flatMap(({ period_ms, also_over_ms }) => [period_ms, ...also_over_ms]),
  );
  const needs = new Map(
    slos.map((slo) => {
      const own = alerts.filter((alert) => alert.slos.includes(slo));
      const pairs = own.flatMap(({ long_ms, short_ms }) => [long_ms, short_ms]);
      return [slo, new Set([...pairs, slo.period_ms, ...slo.also_over_ms])];
    }),
  );
  const every = new Set([...needs.values()].flatMap((set) => [...set]));
  return [...every]
    .toSorted((a, b) => a - b)
    .map((nominal_ms) => {
      const ms = scaledMs(nominal_ms, scale, WINDOW_MIN_MS);
      return {
        name: formatDuration(nominal_ms),
        ms,
        range: formatDuration(ms),
        pace: nominal_ms <= SHORT_MS ? 'short' : nominal_ms <= MEDIUM_MS ? 'medium' : 'long',
        scaled: long.has(nominal_ms) || budgets.has(nominal_ms),
        counted: long.has(nominal_ms),
        slos: slos.filter((slo) => needs.get(slo)?.has(nominal_ms)),
      };
    });
}

export function intervalOf(pace: Pace, scale: number): string {
  return formatDuration(scaledMs(INTERVAL_MS[pace], scale, INTERVAL_MIN_MS));
}

export function sliceMs(slice_ms: number, scale: number): number {
  return scaledMs(slice_ms, scale, INTERVAL_MIN_MS);
}

export function scaledMs(ms: number, scale: number, least_ms: number): number {
  return scale === 1 ? ms : Math.max(least_ms, Math.round(ms / scale / 1_000) * 1_000);
}

/** Windows that alerts look over, the shortest first: `autoheal:burn_fast` is the first, `burn_slow` the second. */
export function longWindows({ alerts }: Pick<SloSet, 'alerts'>): readonly number[] {
  return [...new Set(alerts.map(({ long_ms }) => long_ms))].toSorted((a, b) => a - b);
}
