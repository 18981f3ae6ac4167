import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createErrorReports,
  type ErrorReports,
  REPORTS_PER_MINUTE_MAX,
  withErrorReports,
} from '../../src/adapters/error-reports.ts';
import { NO_TRACER } from '../../src/adapters/tracing.ts';
import { createSparing } from '../../src/engine/sparing.ts';
import type { Log } from '../../src/ports.ts';
import { type FakeSentry, startSentry } from '../fakes/sentry.ts';
import { until } from '../real/until.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SOON = { timeout_ms: 10_000, every_ms: 10 };

let sentry: FakeSentry;
let reports: ErrorReports;
let warned: { readonly fields: object; readonly message: string }[];
let now: number;

function reportsTo(dsn: string): ErrorReports {
  const warn = (fields: object, message: string) => void warned.push({ fields, message });
  const log: Log = { debug() {}, info() {}, warn, error: warn };
  const options = { dsn, environment: 'test', release: 'autoheal@1.2.3' };
  const clock = { now: () => now };
  return createErrorReports(options, { clock, log, sparing: () => createSparing(clock) });
}

beforeEach(async () => {
  warned = [];
  now = 1_795_000_000_000;
  sentry = await startSentry();
  reports = reportsTo(sentry.dsn);
});
afterEach(async () => {
  await reports.close();
  await sentry.close();
});

/** Errors that differ in what they are, not in what they say. */
function wrong(name: string, message = 'the token is planted-secret'): Error {
  return Object.assign(new Error(message), { name });
}

describe('a report', () => {
  test('says what it is, where, and by which ids it is found again; never its message', async () => {
    const about = { where: 'request', request_id: 'ab12-7' } as const;
    const error = Object.assign(new TypeError('GET /x?token=planted-secret'), { code: 'E_ODD' });
    reports.report(error, about, TRACE);
    await reports.close();
    expect(sentry.refused).toEqual([]);
    expect(sentry.events).toMatchObject([
      {
        level: 'error',
        release: 'autoheal@1.2.3',
        environment: 'test',
        tags: { where: 'request', code: 'E_ODD', request_id: 'ab12-7', trace_id: TRACE },
        exception: { values: [{ type: 'TypeError', value: 'E_ODD' }] },
      },
    ]);
    const frames = sentry.events[0]?.exception.values[0]?.stacktrace.frames ?? [];
    expect(frames.at(-1)?.filename).toMatch(/error-reports\.test\.ts$/);
    expect(sentry.posts.map(({ body }) => body).join()).not.toContain('planted');
    expect(Object.keys(sentry.events[0] ?? {})).not.toContain('user');
    expect(Object.keys(sentry.events[0] ?? {})).not.toContain('server_name');
  });

  test('keeps sentences of the language, without what they quote', async () => {
    const none = undefined as unknown as { secret: { value: string } };
    try {
      none.secret.value = 'x';
    } catch (error) {
      reports.report(error, { where: 'drain' }, null);
    }
    await reports.close();
    const [value] = sentry.events[0]?.exception.values ?? [];
    expect(value?.value).toBe('Cannot read properties of undefined');
  });

  test.each([['text'], [null], [{ message: 'planted-secret' }]])(
    'of %j, thrown',
    async (thrown) => {
      reports.report(thrown, { where: 'loop' }, null);
      await reports.close();
      expect(sentry.events).toHaveLength(1);
      expect(sentry.posts[0]?.body).not.toContain('planted');
    },
  );
});

describe('bounds', () => {
  test('the same error is told once a minute, with how many were left out', async () => {
    const same = wrong('OddError');
    for (let i = 0; i < 5; i += 1) reports.report(same, { where: 'worker' }, null);
    now += 60_000;
    reports.report(same, { where: 'worker' }, null);
    await reports.close();
    expect(sentry.events.map(({ tags }) => tags['left_out'])).toEqual([undefined, '4']);
  });

  test('all errors together have a bound for the minute', async () => {
    for (let i = 0; i < REPORTS_PER_MINUTE_MAX + 20; i += 1)
      reports.report(wrong(`Error${i}`), { where: 'worker' }, null);
    await until('they came', () => sentry.posts.length > 0, SOON);
    await reports.close();
    expect(sentry.posts.length).toBeLessThanOrEqual(REPORTS_PER_MINUTE_MAX);
  });

  test('Sentry says that it has enough: nothing more is sent meanwhile', async () => {
    sentry.answer({ status: 429, headers: { 'retry-after': '60' } });
    reports.report(wrong('First'), { where: 'worker' }, null);
    await until('it was told', () => warned.length > 0, SOON);
    reports.report(wrong('Second'), { where: 'worker' }, null);
    await reports.close();
    expect(sentry.posts).toHaveLength(1);
    expect(warned).toEqual([
      { fields: { why: 'HTTP 429', left_out: 0 }, message: 'an error could not be reported' },
    ]);
  });
});

describe('a Sentry that does not take it', () => {
  test('is away: one line in the log, and nothing else', async () => {
    await sentry.close();
    reports.report(wrong('First'), { where: 'worker' }, null);
    reports.report(wrong('Second'), { where: 'worker' }, null);
    await until('it was told', () => warned.length > 0, SOON);
    await reports.close();
    expect(warned).toEqual([
      { fields: { why: 'ECONNREFUSED', left_out: 0 }, message: 'an error could not be reported' },
    ]);
    sentry = await startSentry();
  });

  test('hangs: the end does not wait for it', async () => {
    sentry.answer('hang');
    reports.report(wrong('First'), { where: 'worker' }, null);
    await until('it was asked', () => sentry.posts.length > 0, SOON);
    const began = performance.now();
    await reports.close();
    expect(performance.now() - began).toBeLessThan(4_000);
  });
});

test('a tracer with reports tells them of a fault, with the trace of its place', async () => {
  const tracer = withErrorReports(NO_TRACER, reports);
  tracer.fault(wrong('OddError'), { where: 'drain', parent: { trace_id: TRACE, span_id: null } });
  await tracer.close();
  expect(sentry.events.map(({ tags }) => tags['trace_id'])).toEqual([TRACE]);
});

test('without an address there is nobody to tell', () => {
  expect(withErrorReports(NO_TRACER, undefined)).toBe(NO_TRACER);
});
