import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPrometheus } from '../../src/adapters/prometheus.ts';
import { failureOf, one } from '../actions/context.ts';
import { badData, type FakePrometheus, startPrometheus, vector } from '../fakes/prometheus.ts';

let prometheus: FakePrometheus;
beforeEach(async () => {
  prometheus = await startPrometheus();
});
afterEach(() => prometheus.close());

function holds(expr: string, signal: AbortSignal = AbortSignal.timeout(10_000)) {
  return createPrometheus({ url: prometheus.url, timeout_ms: 5_000 }).holds(expr, signal);
}

test('a vector holds when it has a sample, also one of 0; a NaN is none', async () => {
  prometheus.set('zero', vector('0'));
  prometheus.set('mixed', vector('NaN', '3'));
  prometheus.set('nan', vector('NaN', 'NaN'));
  prometheus.set('inf', vector('+Inf'));
  expect(await holds('zero')).toEqual({ holds: true, detail: '1 sample, first {"i":"0"} = 0' });
  expect(await holds('mixed')).toMatchObject({
    holds: true,
    detail: '1 sample, first {"i":"1"} = 3',
  });
  expect(await holds('nan')).toEqual({ holds: false, detail: 'every sample is NaN' });
  expect(await holds('nothing')).toEqual({ holds: false, detail: 'no sample' });
  expect((await holds('inf')).holds).toBe(true);
});

test('a native histogram is a sample', async () => {
  prometheus.set('h', {
    resultType: 'vector',
    result: [{ metric: {}, histogram: [1, { count: '3' }] }],
  });
  expect((await holds('h')).holds).toBe(true);
});

test.each([
  ['0', false],
  ['1', true],
  ['-1', true],
  ['NaN', false],
  ['-Inf', true],
])('a scalar of %s: %s', async (value, expected) => {
  prometheus.set('s', { resultType: 'scalar', result: [1_700_000_000, value] });
  expect((await holds('s')).holds).toBe(expected);
});

test.each([
  { resultType: 'string', result: [1_700_000_000, 'x'] },
  { resultType: 'matrix', result: [] },
] as const)('a $resultType says nothing about yes or no', async (data) => {
  prometheus.set('x', data);
  const failure = await failureOf(holds('x'));
  expect(failure).toMatchObject({ code: 'rejected', retryable: false });
  expect(failure.message).toContain(`gives a ${data.resultType}`);
});

test('samples are the numbers of a vector with their labels; everything else is no answer', async () => {
  const adapter = createPrometheus({ url: prometheus.url, timeout_ms: 5_000 });
  const signal = AbortSignal.timeout(10_000);
  prometheus.set('v', {
    resultType: 'vector',
    result: [
      { metric: { __name__: 'a', slo: 'x' }, value: [1_700_000_000, '0.25'] },
      { metric: { __name__: 'b' }, value: [1_700_000_000, 'NaN'] },
      { metric: { __name__: 'c' }, value: [1_700_000_000, '+Inf'] },
      { metric: { __name__: 'd' }, histogram: [1, { count: '3' }] },
    ],
  });
  prometheus.set('s', { resultType: 'scalar', result: [1_700_000_000, '1'] });
  expect(await adapter.samples('v', signal)).toEqual([
    { labels: { __name__: 'a', slo: 'x' }, value: 0.25 },
    { labels: { __name__: 'c' }, value: Number.POSITIVE_INFINITY },
  ]);
  expect(await adapter.samples('nothing', signal)).toEqual([]);
  expect(await failureOf(adapter.samples('s', signal))).toMatchObject({ code: 'rejected' });
  expect(await failureOf(createPrometheus({ timeout_ms: 1 }).samples('v', signal))).toMatchObject({
    code: 'not_configured',
  });
});

test('the query is a POST form, under the path that the address has, with user and password as Basic', async () => {
  prometheus.set('up{a="b c"} > 0', vector('1'));
  await holds('up{a="b c"} > 0');
  const { port } = new URL(prometheus.url);
  const prefixed = createPrometheus({
    url: `http://me:p%40ss@127.0.0.1:${port}/prom/`,
    timeout_ms: 5_000,
  });
  await failureOf(prefixed.holds('up', AbortSignal.timeout(5_000)));
  const [plain, withUser] = prometheus.requests;
  expect(plain).toMatchObject({ method: 'POST', path: '/api/v1/query' });
  expect(new URLSearchParams(plain?.body).get('query')).toBe('up{a="b c"} > 0');
  expect(withUser?.path).toBe('/prom/api/v1/query');
  expect(withUser?.headers.authorization).toBe(
    `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
  );
});

test.each([
  [badData('parse error: unexpected end'), 'rejected', false, 'parse error'],
  [
    { status: 422, body: { status: 'error', errorType: 'execution', error: 'many-to-many' } },
    'rejected',
    false,
    'many-to-many',
  ],
  [
    { status: 503, body: { status: 'error', errorType: 'timeout', error: 'query timed out' } },
    'timeout',
    true,
    'timed out',
  ],
  [{ status: 503, body: 'no upstream' }, 'unavailable', true, 'HTTP 503'],
  [{ status: 429, body: '' }, 'unavailable', true, 'HTTP 429'],
  [{ status: 401, body: 'no' }, 'rejected', false, 'HTTP 401'],
  [{ status: 404, body: 'no' }, 'rejected', false, 'check AUTOHEAL_PROMETHEUS_URL'],
  [{ status: 200, body: '<html>' }, 'rejected', false, 'not Prometheus'],
  [
    { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
    'rejected',
    false,
    'redirects are not followed',
  ],
  [{ status: 200, body: 'x'.repeat(4 * 1024 * 1024 + 1) }, 'rejected', false, 'longer than'],
  ['reset', 'unavailable', true, 'ECONNRESET|UND_ERR_SOCKET'],
] as const)('answer %#: %s', async (answer, code, retryable, why) => {
  prometheus.fail(answer);
  const failure = await failureOf(holds('up'));
  expect(failure).toMatchObject({ code, retryable });
  expect(failure.message).toMatch(new RegExp(why));
});

test('no answer: its own timeout, and the caller’s signal', async () => {
  prometheus.fail('hang', 2);
  const quick = createPrometheus({ url: prometheus.url, timeout_ms: 30 });
  expect(await failureOf(quick.holds('up', AbortSignal.timeout(10_000)))).toMatchObject({
    code: 'timeout',
    retryable: true,
  });
  expect((await failureOf(holds('up', AbortSignal.abort()))).code).toBe('timeout');
});

test('not configured is off, not an address is said, away is degraded', async () => {
  const off = createPrometheus({ timeout_ms: 1_000 });
  expect(await off.component.status()).toMatchObject({ status: 'off' });
  expect((await failureOf(off.holds('up', AbortSignal.timeout(100)))).code).toBe('not_configured');
  const bad = createPrometheus({ url: 'prometheus:9090', timeout_ms: 1_000 });
  expect((await failureOf(bad.holds('up', AbortSignal.timeout(100)))).code).toBe('not_configured');
  expect(await bad.component.status()).toMatchObject({ status: 'degraded' });
  const here = createPrometheus({ url: prometheus.url, timeout_ms: 1_000 });
  expect(await here.component.status()).toMatchObject({ status: 'ok' });
  expect(one(prometheus.requests).body).toContain('vector');
  await prometheus.close();
  expect(await here.component.status()).toMatchObject({ status: 'degraded' });
  prometheus = await startPrometheus();
});

test('the alerts that fire, without those that are pending', async () => {
  prometheus.setAlerts(
    { labels: { alertname: 'A' }, state: 'firing' },
    { labels: { alertname: 'B' }, state: 'pending' },
  );
  const adapter = createPrometheus({ url: prometheus.url, timeout_ms: 5_000 });
  expect(adapter.configured).toBe(true);
  expect(await adapter.firing(AbortSignal.timeout(10_000))).toEqual([
    { labels: { alertname: 'A' } },
  ]);
  expect(prometheus.requests.at(-1)).toMatchObject({ method: 'GET', path: '/api/v1/alerts' });
});

test('what answers without alerts is no Prometheus; none at all is not configured', async () => {
  prometheus.fail({ status: 200, body: { status: 'success', data: {} } });
  const adapter = createPrometheus({ url: prometheus.url, timeout_ms: 5_000 });
  const signal = AbortSignal.timeout(10_000);
  expect(await failureOf(adapter.firing(signal))).toMatchObject({ code: 'rejected' });
  const off = createPrometheus({ timeout_ms: 5_000 });
  expect(off.configured).toBe(false);
  expect(await failureOf(off.firing(signal))).toMatchObject({ code: 'not_configured' });
});
