import { expect, test } from 'vitest';
import { checkPrometheus } from '../../src/doctor/prometheus.ts';
import { serve } from '../fakes/http.ts';
import { freePort } from '../real/ready.ts';
import { installation, later, linesOf, pages } from './world.ts';

const BUILD = '/api/v1/status/buildinfo';
const RUNTIME = '/api/v1/status/runtimeinfo';
const alertname = 'ImportBacklogGrowing';
const needs = {
  alertnames: [{ rule: 'import-backlog', alertname }],
  prometheus: ['import-backlog'],
};

function data(value: unknown): object {
  return { status: 'success', data: value };
}
/** One in which everything is as it should be. */
function good(): Record<string, unknown> {
  const rules = [
    { type: 'recording', name: 'autoheal:burn_fast', health: 'ok' },
    { type: 'recording', name: 'autoheal:burn_slow', health: 'ok' },
    { type: 'alerting', name: alertname, labels: { autoheal: 'import-backlog' }, health: 'ok' },
  ];
  return {
    [BUILD]: data({ version: '2.42.0' }),
    [RUNTIME]: data({ storageRetention: '30d', reloadConfigSuccess: true }),
    '/api/v1/status/flags': data({ 'web.enable-lifecycle': 'false' }),
    '/api/v1/targets': data({ activeTargets: [{ labels: { job: 'autoheal' }, health: 'up' }] }),
    '/api/v1/alertmanagers': data({
      activeAlertmanagers: [{ url: 'http://am:9093/api/v2/alerts' }],
    }),
    '/api/v1/rules': data({ groups: [{ rules }] }),
  };
}
async function check(
  changes: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
  of = needs,
): Promise<readonly string[]> {
  const url = await pages({ ...good(), ...changes }, headers);
  return linesOf(await checkPrometheus(installation({ AUTOHEAL_PROMETHEUS_URL: url }, of)));
}
async function complaints(changes: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  return (await check(changes)).filter((line) => !line.startsWith('ok'));
}

test('one that is as it should be', async () => {
  const lines = await check();
  expect(lines.every((line) => line.startsWith('ok: '))).toBe(true);
  expect(lines).toContain('ok: it keeps 30d');
  expect(lines).toContain(
    'ok: defined and labelled for their rules: ImportBacklogGrowing (rule import-backlog)',
  );
});

test.each([
  ['15d', /^fail: it keeps 15d: .*look back 30d.* -> .*--storage\.tsdb\.retention\.time=30d/],
  ['29d23h', /^fail: it keeps 29d23h/],
  ['30d or 10GiB', /^warn: it keeps 30d or 10GiB: what fits that size/],
  ['10GiB', /^warn: it keeps 10GiB/],
  ['', /^warn: it does not say how long/],
])('retention %s', async (storageRetention, expected) => {
  const lines = await complaints({ [RUNTIME]: data({ storageRetention }) });
  expect(lines).toEqual([expect.stringMatching(expected)]);
});

test.each([
  [
    'lifecycle',
    '/api/v1/status/flags',
    { 'web.enable-lifecycle': 'true' },
    /^warn: .*POST \/-\/quit/,
  ],
  ['no target', '/api/v1/targets', { activeTargets: [] }, /^warn: .*job_name: autoheal/],
  [
    'a target that is down',
    '/api/v1/targets',
    {
      activeTargets: [
        {
          labels: { job: 'autoheal' },
          health: 'down',
          scrapeUrl: 'http://a/metrics',
          lastError: 'refused',
        },
      ],
    },
    /^fail: job autoheal: http:\/\/a\/metrics is down: refused/,
  ],
  ['no Alertmanager', '/api/v1/alertmanagers', {}, /^fail: it knows no Alertmanager/],
  [
    'a failed reload',
    RUNTIME,
    { storageRetention: '90d', reloadConfigSuccess: false },
    /^fail: its last reload failed/,
  ],
])('%s', async (_, path, value, expected) => {
  expect(await complaints({ [path]: data(value) })).toEqual([expect.stringMatching(expected)]);
});

test('rules: ours missing, one that fails, an alert that nobody defines, one that no route would bring', async () => {
  const broken = { type: 'recording', name: 'x', health: 'err', lastError: 'many-to-many' };
  expect(await complaints({ '/api/v1/rules': data({ groups: [{ rules: [broken] }] }) })).toEqual([
    expect.stringMatching(/^fail: its rule x fails: many-to-many/),
    expect.stringMatching(/^warn: the recording rules autoheal:burn_fast, autoheal:burn_slow/),
    expect.stringMatching(
      /^warn: no rule of this Prometheus defines .*: ImportBacklogGrowing \(rule import-backlog\) -> define/,
    ),
  ]);
  const unlabelled = { type: 'alerting', name: alertname, labels: {}, health: 'ok' };
  expect(
    await complaints({ '/api/v1/rules': data({ groups: [{ rules: [unlabelled] }] }) }),
  ).toContainEqual(
    expect.stringMatching(
      /^warn: no label autoheal.*: ImportBacklogGrowing \(rule import-backlog\)/,
    ),
  );
});

test('alerts that nobody defines are one finding, however many they are', async () => {
  const alertnames = Array.from({ length: 10 }, (_, n) => ({ rule: `r${n}`, alertname: `A${n}` }));
  const lines = await check({}, {}, { ...needs, alertnames });
  expect(lines.filter((line) => line.includes('rules wait for'))).toEqual([
    expect.stringMatching(/: A0 \(rule r0\), .*, A7 \(rule r7\), and 2 more -> /),
  ]);
});

test('a clock that is off by more than 2 s is said, one that is not is passed over', async () => {
  const off = await check({}, { date: new Date(Date.now() + 60_000).toUTCString() });
  expect(off).toContainEqual(
    expect.stringMatching(/^warn: the clock of Prometheus is \d+\.\d s ahead/),
  );
  expect((await check()).filter((line) => line.includes('clock'))).toEqual([]);
});

test('not set, nobody there, and somebody else there', async () => {
  expect(linesOf(await checkPrometheus(installation({})))).toEqual([
    expect.stringMatching(/^skip: AUTOHEAL_PROMETHEUS_URL is not set/),
  ]);
  expect(linesOf(await checkPrometheus(installation({}, needs)))).toEqual([
    expect.stringMatching(/^fail: .*these rules look by promql .verify or when.: import-backlog/),
  ]);
  const nobody = { AUTOHEAL_PROMETHEUS_URL: `http://user:secret@127.0.0.1:${await freePort()}` };
  const [line = ''] = linesOf(await checkPrometheus(installation(nobody)));
  expect(line).toMatch(/^fail: 127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)/);
  expect(line).not.toContain('secret');
  const other = { AUTOHEAL_PROMETHEUS_URL: await pages({}) };
  expect(linesOf(await checkPrometheus(installation(other)))).toEqual([
    expect.stringMatching(/^fail: .* answered 404: no Prometheus there/),
  ]);
});

test('one that hangs is given up', { timeout: 10_000 }, async () => {
  const server = await serve(() => 'hang');
  later(() => server.close());
  const env = { AUTOHEAL_PROMETHEUS_URL: `http://127.0.0.1:${server.port}` };
  expect(linesOf(await checkPrometheus(installation(env)))).toEqual([
    expect.stringMatching(/^fail: .*did not answer in time/),
  ]);
});
