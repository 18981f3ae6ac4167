import { Agent, request } from 'node:http';
import { hash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { isLoopbackAddress, isLoopbackHost } from '../../src/http/auth.ts';
import type { Tokens } from '../../src/http/deps.ts';
import { ROUTE_INFOS } from '../../src/http/routes.ts';
import { createServer } from '../../src/http/server.ts';
import { startWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

const TOKENS: Tokens = {
  webhook: ['hook-old', 'hook-new'],
  api: [
    { role: 'viewer', token: 'view' },
    { role: 'operator', token: 'operate' },
    { role: 'admin', token: 'rule-all' },
  ],
};

function actorOf(token: string): string {
  return `token:${hash('sha256', token).slice(0, 8)}`;
}

function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

const POST_JSON = { body: '{}', headers: { 'content-type': 'application/json' } };

describe('with tokens', () => {
  test('every route but health and metrics answers 401 without one', async () => {
    world = await startWorld({ tokens: TOKENS });
    for (const { method, path, access } of ROUTE_INFOS) {
      const reply = await world.call(method, path.replace(/\{\w+\}/, 'x'));
      expect([path, reply.status === 401]).toEqual([path, access !== 'open']);
      if (access === 'open') continue;
      expect(reply.headers.get('www-authenticate')).toBe('Bearer realm="autoheal"');
    }
    const closed = ROUTE_INFOS.filter(({ access }) => access !== 'open');
    expect(world.state.denied).toHaveLength(closed.length);
    expect(world.state.denied_metric).toEqual(closed.map(() => 'no_token'));
    expect(world.state.denied.map(({ route }) => route)).toContain('/api/v1/flags/{key}');
    expect(world.state.denied[0]?.client).toBe('127.0.0.1');
  });

  test('no open route is anything but a health probe or the metrics', () => {
    const open = ROUTE_INFOS.filter(({ access }) => access === 'open');
    expect(open.map(({ path }) => path).toSorted()).toEqual([
      '/-/healthy',
      '/-/ready',
      '/health',
      '/health/liveness',
      '/health/readiness',
      '/health/startup',
      '/metrics',
    ]);
    expect(open.every(({ method }) => method === 'GET')).toBe(true);
  });

  test('an unknown path says nothing without a token either', async () => {
    world = await startWorld({ tokens: TOKENS });
    expect((await world.call('GET', '/api/v2/secret')).status).toBe(401);
    expect((await world.call('GET', '/api/v2/secret', { token: 'view' })).status).toBe(404);
  });

  test.each([
    ['hook-old', 202],
    ['hook-new', 202],
    ['operate', 202],
    ['rule-all', 202],
    ['view', 403],
    ['nonsense', 401],
    ['HOOK-OLD', 401],
  ])('the webhook answers token %s with %i', async (token, status) => {
    world = await startWorld({ tokens: TOKENS });
    const reply = await world.call('POST', '/webhook', { ...POST_JSON, token });
    expect(reply.status).toBe(status);
    expect(world.state.posts).toHaveLength(status === 202 ? 1 : 0);
    const outcome = status === 202 ? 'accepted' : 'rejected_auth';
    expect(world.state.webhooks).toMatchObject([{ outcome }]);
  });

  test.each([
    ['view', 200, 403],
    ['operate', 200, 200],
    ['rule-all', 200, 200],
    ['hook-new', 403, 403],
  ])('token %s reads with %i and changes with %i', async (token, read, change) => {
    world = await startWorld({ tokens: TOKENS });
    expect((await world.call('GET', '/api/v1/flags', { token })).status).toBe(read);
    expect((await world.call('POST', '/-/reload', { token })).status).toBe(change);
    expect(world.state.reloads).toEqual(change === 200 ? [actorOf(token)] : []);
  });

  test('each request of one connection is judged by its own token', async () => {
    world = await startWorld({ tokens: TOKENS });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const seen: (number | undefined)[] = [];
    for (const token of ['view', 'view', 'wrong', 'hook-new', 'view', '']) {
      seen.push(await getOn(agent, world.port, { authorization: `Bearer ${token}` }));
    }
    expect(seen).toEqual([200, 200, 401, 403, 200, 401]);
    expect(world.state.denied).toHaveLength(3);
    agent.destroy();
  });

  test('a refused role is named with the one needed', async () => {
    world = await startWorld({ tokens: TOKENS });
    const reply = await world.call('POST', '/-/reload', { token: 'view' });
    expect(reply.body.detail).toBe('this token has the role viewer; needed: operator');
  });

  test('basic auth carries the token as its password, colons and all', async () => {
    world = await startWorld({ tokens: { ...TOKENS, webhook: ['a:b'] } });
    const ok = await world.call('POST', '/webhook', {
      body: '{}',
      headers: { ...basic('alertmanager', 'a:b'), 'content-type': 'application/json' },
    });
    expect(ok.status).toBe(202);
    const wrong = await world.call('GET', '/', { headers: basic('view', 'x') });
    expect(wrong.status).toBe(401);
  });

  test.each(['Bearer', 'Bearer ', 'Basic !!!', 'Digest view', 'view', 'Bearer view x'])(
    'the header "%s" is no token',
    async (authorization) => {
      world = await startWorld({ tokens: TOKENS });
      expect((await world.call('GET', '/', { headers: { authorization } })).status).toBe(401);
    },
  );

  test('a token given twice has the higher role', async () => {
    const api = [
      { role: 'operator', token: 'same' },
      { role: 'viewer', token: 'same' },
    ] as const;
    world = await startWorld({ tokens: { webhook: ['same'], api } });
    expect((await world.call('POST', '/-/reload', { token: 'same' })).status).toBe(200);
  });

  test('an empty token stops the start: it would open everything', async () => {
    world = await startWorld();
    expect(() => createServer({ ...world.deps, tokens: { webhook: [''], api: [] } })).toThrow(
      'empty',
    );
  });

  test('a wrong token never reaches the log or the answer', async () => {
    world = await startWorld({ tokens: TOKENS });
    const reply = await world.call('POST', '/webhook', { ...POST_JSON, token: 'almost-hook' });
    expect(JSON.stringify([reply.text, world.state.logged])).not.toContain('almost-hook');
  });
});

/** fetch does not let a caller write Host. */
function getWithHost(port: number, host: string): Promise<number | undefined> {
  return getOn(undefined, port, { host });
}

function getOn(
  agent: Agent | undefined,
  port: number,
  headers: Record<string, string>,
): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const sent = request({ agent, port, host: '127.0.0.1', headers }, (response) => {
    response.resume().on('end', () => resolve(response.statusCode));
  });
  sent.on('error', reject).end();
  return promise;
}

describe('without tokens', () => {
  test('this machine is served, as the actor local', async () => {
    world = await startWorld();
    expect((await world.call('POST', '/-/reload')).status).toBe(200);
    expect(world.state.reloads).toEqual(['local']);
  });

  test.each([
    ['localhost', 200],
    ['LOCALHOST:9009', 200],
    ['autoheal.localhost', 200],
    ['127.0.0.1:9009', 200],
    ['[::1]:9009', 200],
    ['evil.example', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['10.0.0.1', 403],
    ['127.1', 403],
  ])('Host %s is answered %i', async (host, status) => {
    world = await startWorld();
    expect(await getWithHost(world.port, host)).toBe(status);
  });

  test("another site's page may not post, this machine's own may", async () => {
    world = await startWorld();
    const evil = { headers: { origin: 'https://evil.example' } };
    const reply = await world.call('POST', '/-/reload', evil);
    expect(reply.body).toMatchObject({ status: 403, code: 'loopback_only' });
    expect(world.state.reloads).toEqual([]);
    const own = { headers: { origin: `http://localhost:${world.port}` } };
    expect((await world.call('POST', '/-/reload', own)).status).toBe(200);
  });

  test('X-Forwarded-For makes nobody local or remote', async () => {
    world = await startWorld();
    const headers = { 'x-forwarded-for': '10.1.1.1' };
    expect((await world.call('GET', '/', { headers })).status).toBe(200);
  });

  test('health stays open whatever the Host says', async () => {
    world = await startWorld();
    const headers = { origin: 'https://evil.example' };
    expect((await world.call('GET', '/health', { headers })).status).toBe(200);
    expect((await world.call('GET', '/metrics', { headers })).status).toBe(200);
  });
});

describe('loopback', () => {
  test.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['10.0.0.1', false],
    ['::ffff:10.0.0.1', false],
    ['fe80::1', false],
    ['127.evil', false],
  ])('address %s: %s', (address, is) => {
    expect(isLoopbackAddress(address)).toBe(is);
  });

  test.each([undefined, '', ':9009', 'a:b:c', '[::1', '::1'])('host %s is not', (host) => {
    expect(isLoopbackHost(host)).toBe(false);
  });
});
