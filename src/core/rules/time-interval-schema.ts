import { z } from 'zod';
import { isZone, type TimeInterval, type TimeSpec } from '../time-intervals.ts';
import { anyOfForm, issueOf, NAME, NAME_FORM } from './schema-parts.ts';
import { type Parsed, parseClock, parseRange, type RangeField } from './time-interval-parse.ts';

/** Intervals of a policy, entries of one, and values of one list in an entry. */
export const TIME_INTERVALS_MAX = 100;
export const TIME_SPECS_MAX = 50;
export const TIME_VALUES_MAX = 50;

function textSchema<T>(
  form: Readonly<Record<string, unknown>>,
  parse: (value: unknown) => Parsed<T>,
): z.ZodType<T> {
  return anyOfForm(form).transform((value, ctx): T => {
    const parsed = parse(value);
    if (parsed.ok) return parsed.value;
    ctx.addIssue(issueOf(parsed.message, parsed.fix));
    return z.NEVER;
  });
}

/** What JSON Schema is told; the texts themselves are judged by time-interval-parse.ts. */
const RANGE_FORM = { title: 'value or range', type: ['string', 'integer'] };
const CLOCK_FORM = {
  title: 'HH:MM, at most 24:00',
  type: 'string',
  pattern: '^([01]\\d|2[0-3]):[0-5]\\d$|^24:00$',
};

/** An empty list would never hold; nobody means that. */
function rangesSchema(field: RangeField) {
  return z
    .array(textSchema(RANGE_FORM, (value) => parseRange(field, value)))
    .min(1)
    .max(TIME_VALUES_MAX)
    .optional();
}

const Times = z
  .strictObject({
    start_time: textSchema(CLOCK_FORM, parseClock).describe('The first minute in it.'),
    end_time: textSchema(CLOCK_FORM, parseClock).describe(
      'The first minute no longer in it. Over midnight: two entries.',
    ),
  })
  .superRefine(({ start_time, end_time }, ctx) => {
    if (start_time < end_time) return;
    const fix = 'over midnight write two entries: to 24:00 and from 00:00';
    ctx.addIssue(issueOf('ends before it begins', fix));
  })
  .transform(({ start_time, end_time }) => ({ start_minute: start_time, end_minute: end_time }));

const Zone = z.string().superRefine((name, ctx) => {
  if (isZone(name)) return;
  const fix = 'write a name of the IANA database, like Europe/Berlin, or UTC';
  ctx.addIssue(issueOf(`"${name}" is no time zone`, fix));
});

const Spec = z
  .strictObject({
    times: z
      .array(Times)
      .min(1)
      .max(TIME_VALUES_MAX)
      .optional()
      .describe('Spans of a day; one of them at least holds.'),
    weekdays: rangesSchema('weekdays').describe(
      '`monday:friday`; the week begins on Sunday, so a weekend is two entries.',
    ),
    days_of_month: rangesSchema('days_of_month').describe(
      "`1:5`; negative ones count from the month's end: `-3:-1` are its last three days.",
    ),
    months: rangesSchema('months').describe('`january:march`, `5`.'),
    years: rangesSchema('years').describe('`2026:2028`.'),
    location: Zone.default('UTC').describe(
      'A zone of the IANA database, whose clocks and dates count.',
    ),
  })
  .superRefine((spec, ctx) => {
    if (Object.keys(spec).some((key) => key !== 'location')) return;
    const fix = 'write times, weekdays, days_of_month, months or years';
    ctx.addIssue(issueOf('has no condition, so it would always hold', fix));
  })
  .transform(
    (spec): TimeSpec => ({
      times: spec.times ?? null,
      weekdays: spec.weekdays ?? null,
      days_of_month: spec.days_of_month ?? null,
      months: spec.months ?? null,
      years: spec.years ?? null,
      location: spec.location,
    }),
  );

const Name = z.string().superRefine((name, ctx) => {
  if (!NAME.test(name)) ctx.addIssue(issueOf(`"${name}" is no name`, `use ${NAME_FORM}`));
});

const Interval = z
  .strictObject({
    name: Name.describe(`What rules call it: ${NAME_FORM}.`),
    time_intervals: z
      .array(Spec)
      .min(1)
      .max(TIME_SPECS_MAX)
      .describe(
        'The interval holds when one of these does; an entry when all that it names hold, of each list at least one.',
      ),
  })
  .transform(({ name, time_intervals }): TimeInterval => ({ name, specs: time_intervals }));

/** `time_intervals` of the policy, written as in `alertmanager.yml`. */
export const TimeIntervalsSection = z
  .array(Interval)
  .max(TIME_INTERVALS_MAX)
  .superRefine((intervals, ctx) => {
    const names = intervals.map(({ name }) => name);
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) === index) continue;
      const issue = issueOf(`there is a time interval "${name}" already`, 'give it another name');
      ctx.addIssue({ ...issue, path: [index, 'name'] });
    }
  })
  .prefault([]);
