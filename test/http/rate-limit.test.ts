import { afterEach, describe, expect, test } from 'vitest';
import type { Tokens } from '../../src/http/deps.ts';
import { until } from '../real/until.ts';
import { startWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

const LONG = 'a-token-that-nobody-can-guess-31';
const TOKENS: Tokens = {
  webhook: ['hook'],
  api: [
    { role: 'viewer', token: LONG },
    { role: 'viewer', token: `${LONG}-too` },
    { role: 'viewer', token: 'short' },
  ],
};
const HOOK = { json: { alerts: [] }, token: 'hook' };

async function statuses(count: number, ask: () => Promise<{ readonly status: number }>) {
  const found: number[] = [];
  for (let i = 0; i < count; i += 1) found.push((await ask()).status);
  return found;
}

describe('requests of one client', () => {
  test('beyond the limit get 429, which says when to come again', async () => {
    world = await startWorld({ tokens: TOKENS, limits: { api_requests: 2 } });
    const ask = () => world.call('GET', '/api/v1/pause', { token: LONG });
    expect(await statuses(2, ask)).toEqual([200, 200]);
    const reply = await ask();
    expect(reply.status).toBe(429);
    expect(reply.body.code).toBe('rate_limited');
    expect(reply.body.detail).toBe('one client may send 2 requests in 60 s');
    const wait_s = Number(reply.headers.get('retry-after'));
    expect(wait_s).toBeGreaterThan(0);
    expect(wait_s).toBeLessThanOrEqual(60);
    expect(world.state.rate_limited).toEqual(['api']);
    expect((await world.call('GET', '/api/v1/pause', { token: `${LONG}-too` })).status).toBe(200);
  });

  test('are counted over all of the API, also where there is nothing', async () => {
    world = await startWorld({ tokens: TOKENS, limits: { api_requests: 2 } });
    const found = [];
    for (const path of ['/nowhere', '/', '/nowhere'])
      found.push((await world.call('GET', path, { token: LONG })).status);
    expect(found).toEqual([404, 200, 429]);
  });

  test('have no limit at the webhook, at health and metrics', async () => {
    world = await startWorld({ tokens: TOKENS, limits: { api_requests: 1, unknown_tokens: 1 } });
    expect(await statuses(5, () => world.call('POST', '/webhook', HOOK))).toEqual(
      Array.from({ length: 5 }, () => 202),
    );
    const stranger = { ...HOOK, token: 'unknown-token' };
    expect(await statuses(5, () => world.call('POST', '/webhook', stranger))).toEqual(
      Array.from({ length: 5 }, () => 401),
    );
    for (const path of ['/health', '/metrics', '/health/liveness'])
      expect(await statuses(3, () => world.call('GET', path))).toEqual([200, 200, 200]);
  });

  test('are not limited by 0', async () => {
    world = await startWorld({ limits: { api_requests: 0 } });
    expect(new Set(await statuses(20, () => world.call('GET', '/')))).toEqual(new Set([200]));
  });

  test('without tokens the address is the client, and the window ends', async () => {
    world = await startWorld({ limits: { api_requests: 1, rate_window_ms: 300 } });
    expect(await statuses(2, () => world.call('GET', '/'))).toEqual([200, 429]);
    const again = async () => (await world.call('GET', '/')).status === 200;
    await until('the window is over', again, { timeout_ms: 5_000, every_ms: 20 });
  });
});

describe('unknown tokens from one address', () => {
  test('beyond the limit get 429 instead of 401; one without a token is asked for one', async () => {
    world = await startWorld({ tokens: TOKENS, limits: { unknown_tokens: 2 } });
    const guess = () => world.call('GET', '/', { token: 'guess' });
    expect(await statuses(3, guess)).toEqual([401, 401, 429]);
    expect((await world.call('GET', '/')).status).toBe(401);
    expect(world.state.rate_limited).toEqual(['sign_in']);
    expect(world.state.denied_metric).toEqual([
      'wrong_token',
      'wrong_token',
      'wrong_token',
      'no_token',
    ]);
  });

  test('lock nobody out who has a good token, unless it is one that can be guessed', async () => {
    world = await startWorld({ tokens: TOKENS, limits: { unknown_tokens: 1 } });
    expect((await world.call('GET', '/', { token: 'short' })).status).toBe(200);
    expect((await world.call('GET', '/', { token: 'guess' })).status).toBe(401);
    expect((await world.call('GET', '/', { token: LONG })).status).toBe(200);
    expect((await world.call('GET', '/', { token: 'short' })).status).toBe(429);
  });
});
