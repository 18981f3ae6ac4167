import { afterEach, describe, expect, test } from 'vitest';
import { FLAG } from './values.ts';
import { startWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

describe('/api/v1/pause', () => {
  test('pauses for a time, shows it, resumes', async () => {
    world = await startWorld();
    const paused = await world.call('POST', '/api/v1/pause', {
      json: { reason: 'release', for: '30m' },
    });
    expect(paused.body).toEqual({
      mode: 'paused',
      pause: {
        reason: 'release',
        actor: 'local',
        since: '2026-03-01T12:00:00.000Z',
        until: '2026-03-01T12:30:00.000Z',
      },
    });
    expect((await world.call('GET', '/api/v1/pause')).body).toEqual(paused.body);
    expect((await world.call('DELETE', '/api/v1/pause')).body).toEqual({
      mode: 'auto',
      pause: null,
    });
    expect((await world.call('DELETE', '/api/v1/pause')).body.code).toBe('conflict');
  });

  test('takes an end, or none', async () => {
    world = await startWorld();
    const json = { reason: 'x', until: '2026-03-01T14:00:00+01:00' };
    const until = await world.call('POST', '/api/v1/pause', { json });
    expect(until.body.pause.until).toBe('2026-03-01T13:00:00.000Z');
    const open = await world.call('POST', '/api/v1/pause', { json: { reason: 'x' } });
    expect(open.body.pause.until).toBeNull();
  });

  test('shows a pause of the environment as paused without a pause', async () => {
    world = await startWorld();
    world.state.env_paused = true;
    expect((await world.call('GET', '/api/v1/pause')).body).toEqual({
      mode: 'paused',
      pause: null,
    });
  });

  test.each([
    [{}, 'reason'],
    [{ reason: '  ' }, 'say why'],
    [{ reason: 'x', for: '30m', until: '2026-03-01T13:00:00Z' }, 'not both'],
    [{ reason: 'x', for: 'soon' }, 'duration'],
    [{ reason: 'x', for: '0s' }, 'ahead'],
    [{ reason: 'x', for: '400d' }, '366 days'],
    [{ reason: 'x', until: '2026-03-01T11:00:00Z' }, 'ahead'],
    [{ reason: 'x', until: 'noon' }, 'RFC 3339'],
    [{ reason: 'x', untill: '1h' }, 'untill'],
    [[], 'expected object'],
  ])('%j is 400', async (json, detail) => {
    world = await startWorld();
    const reply = await world.call('POST', '/api/v1/pause', { json });
    expect(reply.status).toBe(400);
    expect(reply.body.detail).toContain(detail);
    expect(world.state.pauses).toBe(0);
  });

  test.each([
    ['', 'invalid_request'],
    ['{', 'not_json'],
    ['\xff', 'not_json'],
  ])('the body %j is %s', async (body, code) => {
    world = await startWorld();
    const headers = { 'content-type': 'application/json' };
    const sent = body === '\xff' ? new Uint8Array([0xff]) : body;
    const reply = await world.call('POST', '/api/v1/pause', { body: sent, headers });
    expect(reply.body.code).toBe(code);
  });

  test('a body larger than any change needs is 413', async () => {
    world = await startWorld();
    const reply = await world.call('POST', '/api/v1/pause', {
      json: { reason: 'x'.repeat(70_000) },
    });
    expect(reply.status).toBe(413);
  });
});

describe('Idempotency-Key', () => {
  const json = { reason: 'release' };
  function pause(key: string, body: object = json) {
    return world.call('POST', '/api/v1/pause', { json: body, headers: { 'idempotency-key': key } });
  }

  test('the same request again gets the same answer and is not done again', async () => {
    world = await startWorld();
    const first = await pause('k1');
    world.state.now += 1_000;
    expect((await pause('k1')).text).toBe(first.text);
    expect(world.state.pauses).toBe(1);
    await pause('k2');
    expect(world.state.pauses).toBe(2);
  });

  test('two at once are done once', async () => {
    world = await startWorld();
    const [a, b] = await Promise.all([pause('k1'), pause('k1')]);
    expect(a.text).toBe(b.text);
    expect(world.state.pauses).toBe(1);
  });

  test('another request with the same key is 409', async () => {
    world = await startWorld();
    await pause('k1');
    expect((await pause('k1', { reason: 'other' })).body.code).toBe('idempotency_key_reused');
    const other = await world.call('DELETE', '/api/v1/pause', {
      headers: { 'idempotency-key': 'k1' },
    });
    expect(other.status).toBe(409);
  });

  test('a failure is not kept', async () => {
    world = await startWorld();
    const headers = { 'idempotency-key': 'k1' };
    expect((await world.call('DELETE', '/api/v1/pause', { headers })).status).toBe(409);
    await world.call('POST', '/api/v1/pause', { json });
    expect((await world.call('DELETE', '/api/v1/pause', { headers })).status).toBe(200);
  });

  test('an answer is forgotten after its time, and the oldest when there are too many', async () => {
    world = await startWorld({ limits: { idempotency_entries: 2, idempotency_ttl_ms: 1_000 } });
    await pause('k1');
    world.state.now += 1_000;
    await pause('k1');
    expect(world.state.pauses).toBe(2);
    await pause('k2');
    await pause('k3');
    await pause('k2');
    expect(world.state.pauses).toBe(4);
    await pause('k1');
    expect(world.state.pauses).toBe(5);
  });

  test('belongs to its actor, and to changes only', async () => {
    const api = [
      { role: 'operator', token: 'one' },
      { role: 'operator', token: 'two' },
    ] as const;
    world = await startWorld({ tokens: { webhook: [], api } });
    const headers = { 'idempotency-key': 'k1' };
    await world.call('POST', '/api/v1/pause', { json, headers, token: 'one' });
    await world.call('POST', '/api/v1/pause', { json: { reason: 'b' }, headers, token: 'two' });
    expect(world.state.pauses).toBe(2);
    expect((await world.call('GET', '/api/v1/pause', { headers, token: 'one' })).status).toBe(200);
  });

  test.each(['k'.repeat(256), 'two words'])('%s is no key', async (key) => {
    world = await startWorld();
    expect((await pause(key)).body.code).toBe('invalid_request');
  });
});

describe('/api/v1/flags', () => {
  test('lists and shows flags with the lease that stands on them', async () => {
    world = await startWorld();
    const all = await world.call('GET', '/api/v1/flags');
    expect(all.body.items.map((flag: { key: string }) => flag.key)).toContain('ai-model');
    const one = await world.call('GET', '/api/v1/flags/heuristics-only');
    expect(one.body).toMatchObject({
      value: true,
      lease: { rule: 'ai-errors', until: '2026-03-01T12:01:00.000Z' },
    });
    expect((await world.call('GET', '/api/v1/flags/none')).status).toBe(404);
  });

  test('an operator sets one, with a reason', async () => {
    world = await startWorld();
    world.state.flags.set('heuristics-only', { ...FLAG, lease: null });
    const json = { value: false, reason: 'model is back' };
    const reply = await world.call('PUT', '/api/v1/flags/heuristics-only', { json });
    expect(reply.body).toMatchObject({ value: false, actor: 'local' });
    expect(world.state.flag_sets).toEqual([
      { key: 'heuristics-only', value: false, actor: 'local', reason: 'model is back' },
    ]);
  });

  test.each([
    ['none', { value: true, reason: 'x' }, 'not_found'],
    ['ai-model', { value: 7, reason: 'x' }, 'invalid_request'],
    ['ai-model', { value: null, reason: 'x' }, 'invalid_request'],
    ['ai-model', { value: 'x'.repeat(1_001), reason: 'x' }, 'invalid_request'],
    ['ai-model', { value: 'x' }, 'invalid_request'],
    ['heuristics-only', { value: false, reason: 'x' }, 'conflict'],
  ])('%s to %j is %s', async (key, json, code) => {
    world = await startWorld();
    const reply = await world.call('PUT', `/api/v1/flags/${key}`, { json });
    expect(reply.body.code).toBe(code);
    expect(world.state.flag_sets).toEqual([]);
  });
});
