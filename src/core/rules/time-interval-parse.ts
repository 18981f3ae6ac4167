import { didYouMean } from '../suggest.ts';
import type { InclusiveRange } from '../time-intervals.ts';

/** Texts of Alertmanager's time intervals: what it takes is taken, what it refuses is refused. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string; readonly fix: string };

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
const DAY_MAX = 31;
/** The shortest month: Alertmanager compares days from the end with days from the start by it. */
const SHORTEST_MONTH_DAYS = 28;

interface RangeKind {
  /** How one is written, for the message. */
  readonly example: string;
  readonly one: (text: string) => Parsed<number>;
  /** What is wrong with a range whose ends are each fine. */
  readonly check: (range: InclusiveRange) => Wrong | undefined;
}
type Wrong = { readonly message: string; readonly fix: string };

export type RangeField = 'weekdays' | 'days_of_month' | 'months' | 'years';

const KINDS: Readonly<Record<RangeField, RangeKind>> = {
  weekdays: { example: 'monday:friday', one: weekday, check: weekdayOrder },
  days_of_month: { example: '1:5 or -3:-1', one: dayOfMonth, check: dayOrder },
  months: { example: 'january:march', one: month, check: order },
  years: { example: '2024:2026', one: year, check: order },
};

/** `a` or `a:b`, both ends in it. */
export function parseRange(field: RangeField, value: unknown): Parsed<InclusiveRange> {
  const { example, one, check } = KINDS[field];
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') return wrong('must be a text', `write it like '${example}'`);
  const [first = '', last = first, ...more] = text.split(':').map((part) => part.trim());
  if (more.length > 0) return wrong('has more than two ends', `write it like '${example}'`);
  const from = one(first.toLowerCase());
  if (!from.ok) return from;
  const to = one(last.toLowerCase());
  if (!to.ok) return to;
  const range = { from: from.value, to: to.value };
  const found = check(range);
  return found === undefined ? { ok: true, value: range } : { ok: false, ...found };
}

/** `HH:MM` as minutes since midnight; `24:00` is the day's end. */
export function parseClock(value: unknown): Parsed<number> {
  const match = typeof value === 'string' ? /^(\d{2}):(\d{2})$/.exec(value) : null;
  const minutes = match === null ? Number.NaN : Number(match[1]) * 60 + Number(match[2]);
  if (match !== null && Number(match[2]) < 60 && minutes <= 24 * 60)
    return { ok: true, value: minutes };
  return wrong('is not a time of day', "write it like '09:00', at most '24:00', in quotes");
}

function weekday(text: string): Parsed<number> {
  const at = WEEKDAYS.indexOf(text);
  if (at !== -1) return { ok: true, value: at };
  return wrong(`"${text}" is no day of the week`, didYouMean(text, WEEKDAYS));
}

function month(text: string): Parsed<number> {
  const at = MONTHS.indexOf(text);
  if (at !== -1) return { ok: true, value: at + 1 };
  const number = wholeNumber(text);
  if (number !== undefined && number >= 1 && number <= MONTHS.length)
    return { ok: true, value: number };
  const fix = number === undefined ? didYouMean(text, MONTHS) : 'write 1 to 12, or its name';
  return wrong(`"${text}" is no month`, fix);
}

function dayOfMonth(text: string): Parsed<number> {
  const day = wholeNumber(text);
  if (day !== undefined && day !== 0 && Math.abs(day) <= DAY_MAX) return { ok: true, value: day };
  return wrong(`"${text}" is no day of a month`, 'write 1 to 31, or -31 to -1 from its end');
}

function year(text: string): Parsed<number> {
  const number = wholeNumber(text);
  if (number !== undefined && number >= 1970 && number <= 9999) return { ok: true, value: number };
  return wrong(`"${text}" is no year`, 'write 1970 to 9999');
}

function wholeNumber(text: string): number | undefined {
  return /^-?\d{1,4}$/.test(text) ? Number(text) : undefined;
}

function order({ from, to }: InclusiveRange): Wrong | undefined {
  if (from <= to) return undefined;
  return { message: 'ends before it begins', fix: 'write two ranges, each in order' };
}

function weekdayOrder(range: InclusiveRange): Wrong | undefined {
  if (order(range) === undefined) return undefined;
  return {
    message: 'ends before it begins: the week begins on Sunday',
    fix: "write two entries, like 'saturday' and 'sunday'",
  };
}

function dayOrder({ from, to }: InclusiveRange): Wrong | undefined {
  if (from < 0 && to > 0)
    return {
      message: 'counts from the end of the month to its start',
      fix: 'write two entries, like -3:-1 and 1:5',
    };
  if (inShortest(from) <= inShortest(to)) return undefined;
  return {
    message: 'ends before it begins, at least in a short month',
    fix: 'write both ends from the same side, like 1:5 or -3:-1',
  };
}

function inShortest(day: number): number {
  return day < 0 ? SHORTEST_MONTH_DAYS + day : day;
}

function wrong(message: string, fix: string): { ok: false; message: string; fix: string } {
  return { ok: false, message, fix };
}
