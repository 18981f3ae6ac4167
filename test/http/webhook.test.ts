import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { AutohealError } from '../../src/core/errors.ts';
import { traceOf } from '../../src/http/traceparent.ts';
import { sourceOf } from '../../src/http/webhook.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

let world: World;
afterEach(() => world.close());

async function start(options?: WorldOptions): Promise<World> {
  world = await startWorld(options);
  return world;
}

const BODY = '{"version":"4",  "groupKey":12345678901234567890,"alerts":[]}';
const JSON_TYPE = { 'content-type': 'application/json' };

function post(body: string | Uint8Array, headers: Record<string, string> = JSON_TYPE) {
  return world.call('POST', '/webhook', { body, headers });
}

describe('POST /webhook', () => {
  test('passes the bytes on as they came and answers 202', async () => {
    await start();
    world.state.accept = async () => ({
      delivery: 'd-9',
      alerts: 3,
      unusable: [{ index: 2, why: 'no labels' }],
      drill: true,
    });
    const reply = await post(BODY, {
      ...JSON_TYPE,
      'user-agent': 'Alertmanager/0.25.0',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    });
    expect(reply.status).toBe(202);
    expect(reply.body).toEqual({
      delivery: 'd-9',
      alerts: 3,
      unusable: [{ index: 2, why: 'no labels' }],
    });
    const [seen] = world.state.posts;
    expect(Buffer.from(seen?.body ?? []).toString()).toBe(BODY);
    expect(seen).toMatchObject({
      source: 'alertmanager',
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      parent_span_id: '00f067aa0ba902b7',
    });
    expect(world.state.webhooks).toEqual([
      { outcome: 'accepted', seconds: expect.any(Number), drill: true },
    ]);
    expect(world.state.webhooks[0]?.seconds).toBeGreaterThan(0);
    expect(world.state.logged).toEqual([]);
  });

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/cloudevents+json',
    'application/vnd.x.v1+json;charset=utf-8',
  ])('takes %s', async (type) => {
    await start();
    expect((await post(BODY, { 'content-type': type })).status).toBe(202);
    expect(world.state.posts).toHaveLength(1);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'nonsense'])(
    'answers 415 to %s and says what to send',
    async (type) => {
      await start();
      const reply = await post(BODY, { 'content-type': type });
      expect(reply.status).toBe(415);
      expect(reply.body.detail).toContain('Content-Type: application/json');
      expect(world.state.posts).toEqual([]);
      expect(world.state.webhooks).toMatchObject([{ outcome: 'rejected_invalid' }]);
    },
  );

  test('answers 415 to a compressed body, because nobody would read it', async () => {
    await start();
    const reply = await post(gzipSync(BODY), { ...JSON_TYPE, 'content-encoding': 'gzip' });
    expect(reply.status).toBe(415);
    expect(reply.body.detail).toContain('Content-Encoding');
    expect(world.state.posts).toEqual([]);
  });

  test.each([
    ['not_json', 400, 'rejected_invalid'],
    ['not_a_webhook', 400, 'rejected_invalid'],
    ['no_usable_alert', 400, 'rejected_invalid'],
    ['not_stored', 503, 'error'],
    ['overloaded', 503, 'overloaded'],
  ] as const)('turns %s of the intake into %i', async (code, status, outcome) => {
    await start();
    world.state.accept = async () => {
      throw new AutohealError(code, 'because');
    };
    const reply = await post(BODY);
    expect(reply.status).toBe(status);
    expect(reply.body).toMatchObject({ code, detail: 'because' });
    expect(reply.headers.has('retry-after')).toBe(status === 503);
    expect(world.state.webhooks).toMatchObject([{ outcome }]);
  });

  test('answers 500 to a surprise, logs it once and keeps its message to itself', async () => {
    await start();
    world.state.accept = async () => {
      throw new Error('password=hunter2');
    };
    const reply = await post(BODY);
    expect(reply.status).toBe(500);
    expect(reply.text).not.toContain('hunter2');
    const errors = world.state.logged.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(1);
    expect(reply.body.instance).toBe(
      `urn:autoheal:request:${String(errors[0]?.fields['request_id'])}`,
    );
    expect(world.state.webhooks).toMatchObject([{ outcome: 'error' }]);
  });

  test('passes an empty body on, with and without a content type', async () => {
    await start();
    await post('');
    await world.call('POST', '/webhook');
    expect(world.state.posts.map(({ body }) => body.length)).toEqual([0, 0]);
  });

  test('takes a body of the limit and answers 413 to one byte more', async () => {
    await start({ limits: { body_bytes: 100_000 } });
    expect((await post(new Uint8Array(100_000))).status).toBe(202);
    const reply = await post(new Uint8Array(100_001));
    expect(reply.status).toBe(413);
    expect(reply.body.code).toBe('body_too_large');
    expect(world.state.posts).toHaveLength(1);
  });

  test('lets a client that sends far too much read the 413', async () => {
    await start();
    const reply = await post(new Uint8Array(17 * 1024 * 1024));
    expect(reply.status).toBe(413);
    expect((await post(BODY)).status).toBe(202);
  });

  test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('answers 405 to %s', async (method) => {
    await start();
    const reply = await world.call(method, '/webhook');
    expect(reply.status).toBe(405);
    expect(reply.headers.get('allow')).toBe('POST');
    expect(world.state.webhooks).toMatchObject([{ outcome: 'rejected_invalid' }]);
  });

  test('forgives a trailing slash and a doubled one', async () => {
    await start();
    expect((await world.call('POST', '/webhook/', { body: BODY, headers: JSON_TYPE })).status).toBe(
      202,
    );
    expect((await world.call('POST', '//webhook', { body: BODY, headers: JSON_TYPE })).status).toBe(
      202,
    );
  });

  test('logs the first refusal of a kind, then one line a minute with the count', async () => {
    await start();
    world.state.accept = async () => {
      throw new AutohealError('not_json', 'because');
    };
    await post(BODY);
    await post(BODY);
    await post(BODY);
    expect(world.state.logged).toHaveLength(1);
    world.state.now += 60_000;
    await post(BODY);
    expect(world.state.logged.map(({ fields }) => fields['left_out'])).toEqual([0, 2]);
  });

  test('bounds what large bodies hold in memory and frees it again', async () => {
    await start({
      limits: { small_body_bytes: 10, body_bytes: 1_000, bodies_in_flight_bytes: 150 },
    });
    const held = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    world.state.accept = async () => {
      arrived.resolve();
      await held.promise;
      return { delivery: 'd', alerts: 1, unusable: [], drill: false };
    };
    const first = post(new Uint8Array(100));
    await arrived.promise;
    const refused = await post(new Uint8Array(100));
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('2');
    const small = post(new Uint8Array(10));
    held.resolve();
    expect((await first).status).toBe(202);
    expect((await small).status).toBe(202);
    expect((await post(new Uint8Array(100))).status).toBe(202);
  });
});

describe('who sent it', () => {
  test.each([
    ['Alertmanager/0.25.0', 'alertmanager'],
    ['Grafana', 'grafana'],
    ['Grafana/11.2', 'grafana'],
    ['vmalert', 'vmalert'],
    ['curl/8.5.0', 'curl'],
    ['autoheal/0.1.0', 'autoheal'],
    ['x'.repeat(10_000), 'other'],
    ['', 'other'],
    [undefined, 'other'],
  ])('%s', (agent, source) => {
    expect(sourceOf(agent)).toBe(source);
  });
});

describe('traceparent', () => {
  const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
  test.each([
    [`00-${TRACE}-00f067aa0ba902b7-01`, TRACE],
    [`01-${TRACE}-00f067aa0ba902b7-01-what-comes`, TRACE],
    [`00-${TRACE}-00f067aa0ba902b7-01-more`, null],
    [`ff-${TRACE}-00f067aa0ba902b7-01`, null],
    [`00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01`, null],
    [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, null],
    [`00-${TRACE}-${'0'.repeat(16)}-01`, null],
    [`00-${TRACE}-00f067aa0ba902b7`, null],
    [` 00-${TRACE}-00f067aa0ba902b7-01`, null],
    ['', null],
    [undefined, null],
  ])('%s', (header, trace_id) => {
    const place = trace_id === null ? null : { trace_id, span_id: '00f067aa0ba902b7' };
    expect(traceOf(header)).toEqual(place);
  });
});
