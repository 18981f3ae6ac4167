/**
 * Alertmanager's time intervals: their values, and what an instant means to them. Wall-clock time of a
 * zone comes from the time zone data of the runtime; an instant is given, so nothing here reads a clock.
 */
export interface TimeInterval {
  readonly name: string;
  /** It contains an instant when one of them does. */
  readonly specs: readonly TimeSpec[];
}
/** All that is not null must hold. */
export interface TimeSpec {
  readonly times: readonly MinuteRange[] | null;
  /** 0 is Sunday. */
  readonly weekdays: readonly InclusiveRange[] | null;
  /** From 1; a negative one counts from the month's end, -1 is its last day. */
  readonly days_of_month: readonly InclusiveRange[] | null;
  /** From 1. */
  readonly months: readonly InclusiveRange[] | null;
  readonly years: readonly InclusiveRange[] | null;
  /** An IANA name. */
  readonly location: string;
}
export interface InclusiveRange {
  readonly from: number;
  readonly to: number;
}
/** Minutes since local midnight; `end_minute` (at most 1,440) is no longer in it. */
export interface MinuteRange {
  readonly start_minute: number;
  readonly end_minute: number;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
/** How far ahead a change is looked for, and in how many steps (a step is a day or less). */
export const CHANGE_HORIZON_MAX_MS = 400 * DAY_MINUTES * MINUTE_MS;
export const CHANGE_STEPS_MAX = 5_000;
/** Zones whose formatter is kept; making one costs some 50 microseconds. */
export const ZONES_CACHED_MAX = 100;

/** Does the interval contain the instant? `at_ms`: since the epoch. */
export function contains(interval: TimeInterval, at_ms: number): boolean {
  return interval.specs.some((spec) => specContains(spec, wallClock(spec.location, at_ms)));
}

/**
 * The next instant at which the interval begins or ends, on a whole minute after `at_ms`; undefined
 * where there is none within `horizon_ms`, which is cut to CHANGE_HORIZON_MAX_MS. Until then nothing
 * changes, whatever the clocks of its zone do. After CHANGE_STEPS_MAX steps it is an instant at which
 * nothing changes yet: look again then.
 */
export function nextChange(
  interval: TimeInterval,
  at_ms: number,
  horizon_ms: number,
): number | undefined {
  const end_ms = at_ms + Math.min(horizon_ms, CHANGE_HORIZON_MAX_MS);
  const now = contains(interval, at_ms);
  let next_ms = at_ms;
  for (let step = 0; step < CHANGE_STEPS_MAX; step += 1) {
    const from_ms = next_ms;
    next_ms = Math.min(...interval.specs.map((spec) => nextEdge(spec, from_ms)));
    if (next_ms > end_ms) return undefined;
    if (contains(interval, next_ms) !== now) return next_ms;
  }
  return next_ms;
}

/** Does the runtime know this zone? Offsets (`+01:00`) are none, as in Alertmanager. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    formatterOf(name);
    return true;
  } catch {
    return false;
  }
}

/* ---------------------------------------------------------------- what holds */

/** What the clock on the wall shows. `day`: days since 1970-01-01. */
interface WallClock {
  readonly year: number;
  readonly month: number;
  readonly day_of_month: number;
  readonly day: number;
  /** Since local midnight. */
  readonly minute: number;
}

function specContains(spec: TimeSpec, at: WallClock): boolean {
  if (!dateHolds(spec, at)) return false;
  const { times } = spec;
  if (times === null) return true;
  return times.some((time) => time.start_minute <= at.minute && at.minute < time.end_minute);
}

function dateHolds(spec: TimeSpec, at: WallClock): boolean {
  return (
    within(spec.years, at.year) &&
    within(spec.months, at.month) &&
    within(spec.weekdays, weekdayOf(at.day)) &&
    daysHold(spec.days_of_month, at)
  );
}

function within(ranges: readonly InclusiveRange[] | null, value: number): boolean {
  return ranges === null || ranges.some(({ from, to }) => from <= value && value <= to);
}

/** What lies outside the month is cut off by the day itself: it is never outside. */
function daysHold(ranges: readonly InclusiveRange[] | null, at: WallClock): boolean {
  if (ranges === null) return true;
  const length = monthLength(at.year, at.month);
  return ranges.some(
    ({ from, to }) =>
      fromStart(from, length) <= at.day_of_month && at.day_of_month <= fromStart(to, length),
  );
}

function fromStart(day: number, month_length: number): number {
  return day < 0 ? month_length + day + 1 : day;
}

/* ---------------------------------------------------------------- when it changes */

/**
 * The next instant at which the spec may begin or end: an edge of its times, local midnight, or a
 * change of the zone's offset, whichever comes first. At most a day away.
 */
function nextEdge(spec: TimeSpec, at_ms: number): number {
  const zone = spec.location;
  const at = wallClock(zone, at_ms);
  const edges = dateHolds(spec, at) ? (spec.times ?? []) : [];
  const ahead = edges
    .flatMap(({ start_minute, end_minute }) => [start_minute, end_minute])
    .filter((minute) => minute > at.minute);
  const edge_minute = Math.min(DAY_MINUTES, ...ahead);
  const from = Math.floor(at_ms / MINUTE_MS);
  const to = from + edge_minute - at.minute;
  const offset = offsetAt(zone, from);
  if (offsetAt(zone, to) === offset) return to * MINUTE_MS;
  return firstMinuteOff(zone, offset, from, to) * MINUTE_MS;
}

/** The first minute after `from`, at most `to`, at which the zone's offset is another. */
function firstMinuteOff(zone: string, offset: number, from: number, to: number): number {
  let before = from;
  let after = to;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(zone, middle) === offset) before = middle;
    else after = middle;
  }
  return after;
}

/** Minutes that the zone's clocks are ahead of UTC. `utc_minute`: since the epoch. */
function offsetAt(zone: string, utc_minute: number): number {
  const { day, minute } = wallClock(zone, utc_minute * MINUTE_MS);
  return day * DAY_MINUTES + minute - utc_minute;
}

/* ---------------------------------------------------------------- clocks and calendar */

const formatters = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError for a zone that does not exist. */
function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  const [oldest] = formatters.keys();
  if (formatters.size >= ZONES_CACHED_MAX && oldest !== undefined) formatters.delete(oldest);
  formatters.set(zone, made);
  return made;
}

function wallClock(zone: string, at_ms: number): WallClock {
  const shown = formatterOf(zone).format(at_ms).split(/\D+/).map(Number);
  const [month = 1, day_of_month = 1, year = 1970, hour = 0, minute = 0] = shown;
  const day = dayNumber(year, month, day_of_month);
  return { year, month, day_of_month, day, minute: hour * 60 + minute };
}

/** 1970-01-01 was a Thursday. */
function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

function monthLength(year: number, month: number): number {
  const next = month === 12 ? dayNumber(year + 1, 1, 1) : dayNumber(year, month + 1, 1);
  return next - dayNumber(year, month, 1);
}

/** Days since 1970-01-01 in the Gregorian calendar; years are counted from March, so that a leap day ends one. */
function dayNumber(year: number, month: number, day_of_month: number): number {
  const march_year = month <= 2 ? year - 1 : year;
  const march_month = month <= 2 ? month + 9 : month - 3;
  const leap_days =
    Math.floor(march_year / 4) - Math.floor(march_year / 100) + Math.floor(march_year / 400);
  const day_of_year = Math.floor((153 * march_month + 2) / 5) + day_of_month - 1;
  return march_year * 365 + leap_days + day_of_year - 719_468;
}
