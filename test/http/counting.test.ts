import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createMetrics } from '../../src/adapters/metrics.ts';
import { ROUTE_INFOS } from '../../src/http/routes.ts';
import { until } from '../real/until.ts';
import { startWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

/** `route method status` of what was counted since the last look. */
function counted(): readonly string[] {
  return world.state.requests
    .splice(0)
    .map(({ route, status }) => `${route?.path ?? 'other'} ${route?.method ?? 'other'} ${status}`);
}

test('each request is counted once, by the route that is declared for it', async () => {
  world = await startWorld();
  await world.call('GET', '/api/v1/flags/heuristics-only');
  await world.call('GET', '/api/v1/flags/nothing');
  await world.call('HEAD', '/api/v1/pause');
  await world.call('POST', '/webhook', { json: { alerts: [] } });
  await world.call('POST', '/webhook', { body: 'x', headers: { 'content-type': 'text/plain' } });
  await world.call('GET', '/health');
  expect(counted()).toEqual([
    '/api/v1/flags/{key} GET 200',
    '/api/v1/flags/{key} GET 404',
    '/api/v1/pause GET 200',
    '/webhook POST 202',
    '/webhook POST 415',
    '/health GET 200',
  ]);
});

test('what is not declared counts as one, whatever it is called', async () => {
  world = await startWorld();
  await world.call('GET', '/nowhere/1');
  await world.call('GET', '/nowhere/2?x=1');
  await world.call('GET', '/webhook');
  await world.call('PUT', '/api/v1/pause');
  expect(counted()).toEqual([
    'other other 404',
    'other other 404',
    'other other 405',
    'other other 405',
  ]);
});

test('the time is that of the answer, and never of a request that has no beginning', async () => {
  world = await startWorld();
  const socket = connect(world.port, '127.0.0.1');
  socket.write('GET /%zz HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await until('it is counted', () => world.state.requests.length > 0, { timeout_ms: 5_000 });
  socket.destroy();
  await world.call('GET', '/');
  for (const { seconds } of world.state.requests) {
    expect(seconds).toBeGreaterThanOrEqual(0);
    expect(seconds).toBeLessThan(5);
  }
});

test('what nobody expected is told to who collects errors, with the id that the client got', async () => {
  world = await startWorld();
  const wrong = new TypeError('not expected');
  world.state.accept = () => Promise.reject(wrong);
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const { body } = await world.call('POST', '/webhook', {
    json: { alerts: [] },
    headers: { traceparent },
  });
  expect(body.code).toBe('internal');
  const [fault] = world.state.faults;
  expect(fault?.error).toBe(wrong);
  expect(fault?.about).toEqual({
    where: 'request',
    request_id: body.instance.replace('urn:autoheal:request:', ''),
    parent: { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) },
  });
  expect(world.state.faults).toHaveLength(1);
});

test('no line of the log about a request has the address of its client; each has its id', async () => {
  world = await startWorld({ tokens: { webhook: ['hook'], api: [] } });
  world.state.accept = () => Promise.reject(new Error('not expected'));
  await world.call('POST', '/webhook', { json: { alerts: [] }, token: 'hook' });
  await world.call('POST', '/webhook', { json: { alerts: [] }, token: 'unknown' });
  await world.call('POST', '/webhook', { body: '{', token: 'hook' });
  expect(world.state.logged.length).toBeGreaterThan(1);
  for (const { fields } of world.state.logged) {
    expect(fields['request_id']).toMatch(/^[0-9a-f]{8}-\d+$/);
    expect(JSON.stringify(fields)).not.toContain('127.0.0.1');
  }
});

test('all series of the routes stand at 0 from the start, a bounded number of them', async () => {
  world = await startWorld();
  const scrape = () => Promise.reject(new Error('not scraped'));
  const options = { version: 'test', actions: [], backends: [], scrape, routes: ROUTE_INFOS };
  const metrics = createMetrics(options);
  const page = (await metrics.render()).split('\n');
  const requests = page.filter((line) => line.startsWith('autoheal_http_requests_total{'));
  expect(requests).toHaveLength((ROUTE_INFOS.length + 1) * 4);
  expect(requests.filter((line) => !line.endsWith(' 0'))).toEqual([]);
  const paths = new Set(ROUTE_INFOS.map(({ path }) => path));
  const name = 'autoheal_http_request_duration_seconds_count{';
  expect(page.filter((line) => line.startsWith(name))).toHaveLength(paths.size + 1);

  metrics.request({ method: 'GET', path: '/health' }, 503, 0.3);
  metrics.request(null, 404, 0.001);
  const after = await metrics.render();
  expect(after).toContain(
    'autoheal_http_requests_total{route="/health",method="GET",status_class="5xx"} 1',
  );
  expect(after).toContain(
    'autoheal_http_request_duration_seconds_bucket{le="0.25",route="/health"} 0',
  );
  expect(after).toContain(
    'autoheal_http_request_duration_seconds_bucket{le="0.5",route="/health"} 1',
  );
  expect(after).toContain(
    'autoheal_http_requests_total{route="other",method="other",status_class="4xx"} 1',
  );
  // Nothing new was made by them.
  expect(after.split('\n')).toHaveLength(page.length);
});
