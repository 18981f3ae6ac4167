import { describe, expect, test } from 'vitest';
import { TimeIntervalsSection } from '../../../src/core/rules/time-interval-schema.ts';

/** The first mistake of one entry: its path below the entry, message and fix. */
function mistake(spec: unknown): readonly [path: string, message: string] {
  const parsed = TimeIntervalsSection.safeParse([{ name: 'freeze', time_intervals: [spec] }]);
  const [issue] = parsed.error?.issues ?? [];
  if (issue === undefined) throw new Error('it was taken');
  return [issue.path.slice(3).join('.'), issue.message];
}

describe('what Alertmanager refuses is refused, at its place', () => {
  test.each([
    [{ times: [{ start_time: '17:00', end_time: '09:00' }] }, 'times.0', 'ends before it begins'],
    [{ times: [{ start_time: '09:00', end_time: '09:00' }] }, 'times.0', 'ends before'],
    [{ times: [{ start_time: '9:00', end_time: '10:00' }] }, 'times.0.start_time', 'time of day'],
    [{ times: [{ start_time: '09:60', end_time: '10:00' }] }, 'times.0.start_time', 'time of day'],
    [{ times: [{ start_time: '09:00', end_time: '24:01' }] }, 'times.0.end_time', 'time of day'],
    [{ times: [{ start_time: 540, end_time: '10:00' }] }, 'times.0.start_time', 'time of day'],
    [{ times: [] }, 'times', 'Too small'],
    [{ weekdays: ['friday:monday'] }, 'weekdays.0', 'the week begins on Sunday'],
    [{ weekdays: ['monday:sunday'] }, 'weekdays.0', 'the week begins on Sunday'],
    [{ weekdays: ['mon'] }, 'weekdays.0', '"mon" is no day of the week'],
    [{ weekdays: ['monday:friday:sunday'] }, 'weekdays.0', 'more than two ends'],
    [{ days_of_month: ['0'] }, 'days_of_month.0', '"0" is no day'],
    [{ days_of_month: ['1:32'] }, 'days_of_month.0', '"32" is no day'],
    [{ days_of_month: ['-3:5'] }, 'days_of_month.0', 'from the end of the month to its start'],
    [{ days_of_month: ['10:-25'] }, 'days_of_month.0', 'in a short month'],
    [{ days_of_month: ['-1:-3'] }, 'days_of_month.0', 'in a short month'],
    [{ months: ['march:january'] }, 'months.0', 'ends before it begins'],
    [{ months: ['13'] }, 'months.0', '"13" is no month'],
    [{ months: ['martius'] }, 'months.0', '"martius" is no month'],
    [{ years: ['2026:2024'] }, 'years.0', 'ends before it begins'],
    [{ years: ['26'] }, 'years.0', '"26" is no year'],
    [{ years: [null] }, 'years.0', 'must be a text'],
    [{ years: ['2026'], location: 'Europe/Atlantis' }, 'location', 'is no time zone'],
    [{ weekday: ['monday'] }, '', 'Unrecognized key'],
    [{ location: 'UTC' }, '', 'has no condition'],
    [{}, '', 'has no condition'],
  ])('%j', (spec, path, message) => {
    const [found_path, found] = mistake(spec);
    expect(found_path).toBe(path);
    expect(found).toContain(message);
  });
});

test('a whole interval becomes its values', () => {
  const written = {
    name: 'release-freeze',
    time_intervals: [
      {
        times: [{ start_time: '00:00', end_time: '24:00' }],
        weekdays: ['monday:Friday', 'sunday'],
        days_of_month: ['1:5', '-3:-1', 7],
        months: ['january:march', '5', 6],
        years: ['2024:2026', 2030],
        location: 'Europe/Berlin',
      },
      { weekdays: ['saturday'] },
    ],
  };
  expect(TimeIntervalsSection.parse([written])).toEqual([
    {
      name: 'release-freeze',
      specs: [
        {
          times: [{ start_minute: 0, end_minute: 1_440 }],
          weekdays: [
            { from: 1, to: 5 },
            { from: 0, to: 0 },
          ],
          days_of_month: [
            { from: 1, to: 5 },
            { from: -3, to: -1 },
            { from: 7, to: 7 },
          ],
          months: [
            { from: 1, to: 3 },
            { from: 5, to: 5 },
            { from: 6, to: 6 },
          ],
          years: [
            { from: 2024, to: 2026 },
            { from: 2030, to: 2030 },
          ],
          location: 'Europe/Berlin',
        },
        {
          times: null,
          weekdays: [{ from: 6, to: 6 }],
          days_of_month: null,
          months: null,
          years: null,
          location: 'UTC',
        },
      ],
    },
  ]);
});

test('a name stands for one interval', () => {
  const one = { name: 'a', time_intervals: [{ years: ['2026'] }] };
  const { error } = TimeIntervalsSection.safeParse([one, one]);
  expect(error?.issues).toMatchObject([{ path: [1, 'name'] }]);
  expect(TimeIntervalsSection.safeParse([{ ...one, name: 'a b' }]).error?.issues).toMatchObject([
    { path: [0, 'name'] },
  ]);
});
