const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAY_MINUTES = 1_440;
const MINUTE_MS = 60_000;

/**
 * The first moment that a sender can mean. Go writes its zero time as year 1, others write 1970; both say
 * "no time", and no alert is older than Prometheus anyhow. 2000-01-01T00:00:00Z in ms since the epoch.
 */
export const EARLIEST_TIME = 946_684_800_000;

/**
 * RFC 3339 with any offset and up to nine digits of a second, in ms since the epoch. Null for everything
 * else: a zero time, an impossible date, a time without a zone. Never throws. Fields are read at their
 * fixed places: with groups and `map` this was a third of the time of reading a delivery.
 */
export function parseTimestamp(text: unknown): number | null {
  if (typeof text !== 'string' || !RFC3339.test(text)) return null;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const minutes = digits(text, 11, 2) * 60 + digits(text, 14, 2);
  if (!exists(year, month, day) || !isTimeOfDay(text)) return null;
  const utc_minutes = dayNumber(year, month, day) * DAY_MINUTES + minutes - offsetMinutes(text);
  const time = utc_minutes * MINUTE_MS + digits(text, 17, 2) * 1_000 + fractionMs(text);
  return time < EARLIEST_TIME ? null : time;
}

function digits(text: string, from: number, count: number): number {
  let value = 0;
  for (let i = from; i < from + count; i++) value = value * 10 + text.charCodeAt(i) - 48;
  return value;
}

function exists(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
}

function isTimeOfDay(text: string): boolean {
  return digits(text, 11, 2) <= 23 && digits(text, 14, 2) <= 59 && digits(text, 17, 2) <= 59;
}

/** `Z`, or the last six characters. */
function offsetMinutes(text: string): number {
  const at = text.length - 6;

  if (text.endsWith('Z') || text.endsWith('z')) return 0;
  const minutes = digits(text, at + 1, 2) * 60 + digits(text, at + 4, 2);
  return text[at] === '-' ? -minutes : minutes;
}

/** Digits behind the third are cut. */
function fractionMs(text: string): number {
  if (text[19] !== '.') return 0;
  let value = 0;
  let unit_ms = 100;
  for (let i = 20; unit_ms >= 1 && isDigit(text.charCodeAt(i)); i++, unit_ms /= 10)
    value += digits(text, i, 1) * unit_ms;
  return value;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function daysIn(year: number, month: number): number {
  return month === 2 && isLeap(year) ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar; years count from March, so that the leap day is last. */
function dayNumber(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const day_of_year = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const leap_days = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return y * 365 + leap_days + day_of_year - 719_468;
}
