import { assert, constantFrom, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TimeIntervalsSection } from '../../src/core/rules/time-interval-schema.ts';
import {
  CHANGE_HORIZON_MAX_MS,
  contains,
  isZone,
  nextChange,
  type TimeInterval,
} from '../../src/core/time-intervals.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function interval(...specs: readonly object[]): TimeInterval {
  const [parsed] = TimeIntervalsSection.parse([{ name: 'it', time_intervals: specs }]);
  if (parsed === undefined) throw new Error('no interval');
  return parsed;
}

function at(iso: string): number {
  return Date.parse(iso);
}

const OFFICE = { times: [{ start_time: '09:00', end_time: '17:00' }], weekdays: ['monday:friday'] };
const LAST_DAYS = { days_of_month: ['-3:-1'] };

describe('contains', () => {
  // 2026-11-21 is a Saturday. The first block holds what Alertmanager's own cases hold.
  test.each([
    [OFFICE, '2026-11-20T09:00:00Z', true],
    [OFFICE, '2026-11-20T16:59:59.999Z', true],
    [OFFICE, '2026-11-20T17:00:00Z', false],
    [OFFICE, '2026-11-20T08:59:59Z', false],
    [OFFICE, '2026-11-21T12:00:00Z', false],
    [
      { times: [{ start_time: '23:00', end_time: '24:00' }], weekdays: ['sunday'] },
      '2026-11-22T23:59:59Z',
      true,
    ],
    [{ weekdays: ['Saturday'] }, '2026-11-21T00:00:00Z', true],
    [{ months: ['january:march', '11'] }, '2026-11-21T00:00:00Z', true],
    [{ months: ['january:march'] }, '2026-04-01T00:00:00Z', false],
    [{ years: ['2024:2026'] }, '2026-12-31T23:59:59Z', true],
    [{ years: [2025] }, '2026-01-01T00:00:00Z', false],
    [{ days_of_month: ['1:5'] }, '2026-11-05T23:59:00Z', true],
    [{ days_of_month: ['1:5'] }, '2026-11-06T00:00:00Z', false],
    // From the end of the month, in leap years too.
    [LAST_DAYS, '2026-02-26T00:00:00Z', true],
    [LAST_DAYS, '2026-02-25T23:59:00Z', false],
    [LAST_DAYS, '2024-02-26T12:00:00Z', false],
    [LAST_DAYS, '2024-02-29T23:59:00Z', true],
    [LAST_DAYS, '2000-02-29T23:59:00Z', true],
    [LAST_DAYS, '2100-02-28T23:59:00Z', true],
    [{ days_of_month: ['31'] }, '2026-04-30T12:00:00Z', false],
    [{ days_of_month: ['28:31'] }, '2026-02-28T12:00:00Z', true],
    [{ days_of_month: ['29:31'] }, '2026-02-28T12:00:00Z', false],
    [{ days_of_month: ['-31:-1'] }, '2026-02-01T00:00:00Z', true],
    [{ days_of_month: ['-31'] }, '2026-02-01T00:00:00Z', false],
    [{ days_of_month: ['10:-1'] }, '2026-11-30T12:00:00Z', true],
    [{ days_of_month: ['10:-1'] }, '2026-11-09T12:00:00Z', false],
    // All conditions of one entry must hold.
    [{ ...OFFICE, months: ['december'] }, '2026-11-20T12:00:00Z', false],
    // The zone's own wall clock, weekday and date.
    [{ ...OFFICE, location: 'Europe/Berlin' }, '2026-11-20T08:00:00Z', true],
    [{ ...OFFICE, location: 'Europe/Berlin' }, '2026-11-20T16:00:00Z', false],
    [{ ...OFFICE, location: 'Europe/Berlin' }, '2026-07-20T07:00:00Z', true],
    [{ weekdays: ['saturday'], location: 'Pacific/Auckland' }, '2026-11-20T11:00:00Z', true],
    [{ weekdays: ['saturday'], location: 'America/New_York' }, '2026-11-21T04:59:00Z', false],
    [{ years: ['2027'], location: 'Australia/Lord_Howe' }, '2026-12-31T13:00:00Z', true],
    [{ years: ['2027'], location: 'Australia/Lord_Howe' }, '2026-12-31T12:59:59Z', false],
  ])('%j at %s: %s', (spec, iso, wanted) => {
    expect(contains(interval(spec), at(iso))).toBe(wanted);
  });

  test('one entry that holds is enough', () => {
    const it = interval({ weekdays: ['monday'] }, { days_of_month: ['21'] });
    expect(contains(it, at('2026-11-21T12:00:00Z'))).toBe(true);
    expect(contains(it, at('2026-11-22T12:00:00Z'))).toBe(false);
  });
});

const NIGHT = { times: [{ start_time: '02:15', end_time: '02:45' }] };

describe('nextChange', () => {
  test.each([
    ['begins', OFFICE, '2026-11-20T08:00:30Z', '2026-11-20T09:00:00.000Z'],
    ['ends', OFFICE, '2026-11-20T09:00:00Z', '2026-11-20T17:00:00.000Z'],
    ['over a weekend', OFFICE, '2026-11-20T17:00:00Z', '2026-11-23T09:00:00.000Z'],
    ['at midnight', { weekdays: ['saturday'] }, '2026-11-21T12:00:00Z', '2026-11-22T00:00:00.000Z'],
    [
      'a leap day',
      { days_of_month: ['29'], months: ['2'] },
      '2027-03-01T00:00:00Z',
      '2028-02-29T00:00:00.000Z',
    ],
    [
      'spring, Berlin',
      { ...OFFICE, weekdays: ['sunday'], location: 'Europe/Berlin' },
      '2026-03-28T23:30:00Z',
      '2026-03-29T07:00:00.000Z',
    ],
    [
      'autumn, New York',
      { ...OFFICE, weekdays: ['sunday'], location: 'America/New_York' },
      '2026-11-01T04:30:00Z',
      '2026-11-01T14:00:00.000Z',
    ],
    // Skipped by the clocks: that night has no 02:15, so the next one begins it.
    [
      'an hour that is not',
      { ...NIGHT, location: 'Europe/Berlin' },
      '2026-03-29T00:50:00Z',
      '2026-03-30T00:15:00.000Z',
    ],
    // Shown twice by the clocks: it holds twice.
    [
      'an hour that comes twice, first',
      { ...NIGHT, location: 'Europe/Berlin' },
      '2026-10-25T00:45:00Z',
      '2026-10-25T01:15:00.000Z',
    ],
    // Half an hour forward at 02:00: 02:15 is skipped, 02:30 is in it at once.
    [
      'half an hour, Lord Howe',
      { ...NIGHT, location: 'Australia/Lord_Howe' },
      '2026-10-03T15:00:00Z',
      '2026-10-03T15:30:00.000Z',
    ],
  ])('%s', (_, spec, from, wanted) => {
    const found = nextChange(interval(spec), at(from), CHANGE_HORIZON_MAX_MS);
    expect(new Date(found ?? 0).toISOString()).toBe(wanted);
  });

  test('nothing within the horizon, or ever', () => {
    const from = at('2026-11-20T17:00:00Z');
    expect(nextChange(interval(OFFICE), from, DAY)).toBeUndefined();
    expect(nextChange(interval(OFFICE), from, 3 * DAY)).toBe(at('2026-11-23T09:00:00Z'));
    expect(nextChange(interval({ years: ['2020'] }), from, Infinity)).toBeUndefined();
    const always = interval({ times: [{ start_time: '00:00', end_time: '24:00' }] });
    expect(nextChange(always, from, Infinity)).toBeUndefined();
  });

  test('the number of steps ends: what comes back then is a time to look again', () => {
    // Edges each minute, and no change at any of them.
    const minutes = Array.from({ length: 48 }, (_, at_minute) => ({
      start_time: `00:${String(at_minute).padStart(2, '0')}`,
      end_time: '24:00',
    }));
    const it = interval({ times: minutes });
    const from = at('2026-11-20T00:00:00Z');
    const found = nextChange(it, from, Infinity) ?? 0;
    expect(found).toBeGreaterThan(from + 30 * DAY);
    expect(found).toBeLessThan(from + CHANGE_HORIZON_MAX_MS);
  });

  const SPECS = [
    OFFICE,
    NIGHT,
    { days_of_month: ['-1'] },
    { weekdays: ['sunday'] },
    {
      times: [
        { start_time: '01:00', end_time: '03:00' },
        { start_time: '22:30', end_time: '24:00' },
      ],
    },
  ];
  const ZONES = [
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
    'Pacific/Apia',
  ];

  test('containment is constant until then, and another from then on', () => {
    assert(
      property(
        constantFrom(...SPECS),
        constantFrom(...ZONES),
        // Nights on which clocks change, in some of these zones, are drawn often.
        constantFrom(
          '2011-12-29',
          '2026-02-15',
          '2026-03-08',
          '2026-03-29',
          '2026-04-05',
          '2026-10-04',
          '2026-10-25',
          '2026-11-01',
          '2028-02-28',
        ),
        integer({ min: -2 * 1_440, max: 2 * 1_440 }),
        integer({ min: 0, max: MINUTE - 1 }),
        (spec, location, day, minutes, ms) => {
          const it = interval({ ...spec, location });
          const from = at(`${day}T00:00:00Z`) + minutes * MINUTE + ms;
          const now = contains(it, from);
          const until = nextChange(it, from, 3 * DAY);
          if (until !== undefined) {
            expect(until % MINUTE).toBe(0);
            expect(contains(it, until)).toBe(!now);
          }
          const last = until ?? from + 3 * DAY;
          for (let look = from; look < last; look += 15 * MINUTE)
            expect(contains(it, look)).toBe(now);
          if (until !== undefined) expect(contains(it, until - 1)).toBe(now);
        },
      ),
      { numRuns: 300 },
    );
  });
});

test.each([
  ['UTC', true],
  ['Europe/Berlin', true],
  ['EST5EDT', true],
  ['+01:00', false],
  ['Local', false],
  ['Europe/Atlantis', false],
  ['', false],
])('is "%s" a zone: %s', (name, wanted) => {
  expect(isZone(name)).toBe(wanted);
});
