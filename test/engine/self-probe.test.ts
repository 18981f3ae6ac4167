import { afterEach, expect, test } from 'vitest';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { createProbeSend } from '../../src/adapters/self-probe.ts';
import { createSelfProbe, type ProbeAnswer, SELF_PROBE_KEY } from '../../src/engine/self-probe.ts';
import { PENDING_MAX } from '../../src/engine/intake.ts';
import { PROBE_HEADER } from '../../src/ports.ts';
import { fakeClock, turn } from '../fakes/clock.ts';
import { startWorld, type World } from '../http/world.ts';

const SECRET = 's'.repeat(64);
const TOKENS = { webhook: ['webhook-token-0123456789'], api: [] };
const BODY = new TextEncoder().encode(
  '{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"X"}}]}',
);

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

/** A probe with a clock that the test moves; `answers` are those of its listener. */
function probe(over: { every_ms?: number | null; pending?: number; fails?: boolean } = {}) {
  const clock = fakeClock();
  const counted: string[] = [];
  const logged: object[] = [];
  const written: unknown[] = [];
  const made = createSelfProbe({
    clock,
    log: {
      debug() {},
      info() {},
      error() {},
      warn: (fields, message) => void logged.push({ ...fields, message }),
    },
    metrics: { selfProbe: (result) => void counted.push(result) },
    store: {
      async commit(changes) {
        if (over.fails === true) throw new Error('disk full');
        written.push(...changes);
      },
    },
    every_ms: over.every_ms === undefined ? 15_000 : over.every_ms,
    pending: () => over.pending ?? 0,
  });
  undo.push(() => made.stop());
  return { clock, counted, logged, written, made };
}

async function served(take: (body: Uint8Array) => Promise<void>, tokens = TOKENS): Promise<World> {
  const world = await startWorld({ tokens, self_probe: { secret: SECRET, take } });
  undo.push(() => world.close());
  return world;
}

function sender(world: World, over: { secret?: string; host?: string } = {}) {
  const address = { address: over.host ?? '127.0.0.1', port: world.port };
  const send = createProbeSend({ address, tokens: TOKENS, secret: over.secret ?? SECRET });
  if (typeof send === 'string') throw new Error(send);
  return () => send(BODY, new AbortController().signal);
}

test('comes after each pause, is counted, and says on GET / what it found; one line a minute', async () => {
  const answers: ProbeAnswer[] = [
    { result: 'ok', detail: '' },
    ...Array.from({ length: 5 }, () => ({ result: 'refused', detail: 'HTTP 503' }) as const),
  ];
  const { clock, counted, logged, made } = probe();
  expect(await made.component.status()).toMatchObject({ status: 'off' });
  made.start(async () => answers.shift() ?? { result: 'ok', detail: '' });
  expect(await made.component.status()).toMatchObject({ status: 'ok' });
  await clock.advance(14_999);
  expect(counted).toEqual([]);
  await clock.advance(1);
  await turn();
  expect(counted).toEqual(['ok']);
  for (let n = 0; n < 5; n += 1) {
    await clock.advance(15_000);
    await turn();
  }
  expect(counted).toEqual(['ok', 'refused', 'refused', 'refused', 'refused', 'refused']);
  expect(await made.component.status()).toEqual({
    status: 'degraded',
    detail: 'a delivery to itself failed (refused): HTTP 503',
  });
  expect(logged).toMatchObject([
    { result: 'refused', why: 'HTTP 503', left_out: 0 },
    { left_out: 3 },
  ]);
});

test('the end gives up the one under way, and none follows', async () => {
  const { clock, counted, made } = probe();
  let given_up = false;
  made.start(
    (_body, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          given_up = true;
          resolve({ result: 'error', detail: 'aborted' });
        });
      }),
  );
  await clock.advance(15_000);
  await turn();
  await made.stop();
  await clock.advance(60_000);
  expect([given_up, counted]).toEqual([true, []]);
});

test('off is off, and a listener that nobody can reach is said', async () => {
  const off = probe({ every_ms: null });
  off.made.start(async () => ({ result: 'ok', detail: '' }));
  await off.clock.advance(60_000);
  expect([await off.made.component.status(), off.counted]).toEqual([
    { status: 'off', detail: 'AUTOHEAL_SELF_PROBE is off' },
    [],
  ]);
  const alone = probe();
  const none = createProbeSend({
    address: { address: '10.0.0.5', port: 9_009 },
    tokens: { webhook: [], api: [] },
    secret: SECRET,
  });
  alone.made.start(none);
  expect(await alone.made.component.status()).toMatchObject({
    status: 'degraded',
    detail: expect.stringContaining('10.0.0.5 is not its loopback address'),
  });
  const viewer = { webhook: [], api: [{ role: 'viewer', token: 'v' }] };
  const address = { address: '0.0.0.0', port: 9_009 };
  expect(createProbeSend({ address, tokens: viewer, secret: SECRET })).toContain(
    'no token opens POST /webhook',
  );
});

test('writes one row, synced, and nothing that has to be drained, listed or audited', async () => {
  const { made, written } = probe();
  await made.take(BODY);
  expect(written).toMatchObject([{ kind: 'setting_put', key: SELF_PROBE_KEY }]);
  await expect(made.take(new Uint8Array())).rejects.toMatchObject({ code: 'not_json' });
  await expect(probe({ pending: PENDING_MAX }).made.take(BODY)).rejects.toMatchObject({
    code: 'overloaded',
  });
  await expect(probe({ fails: true }).made.take(BODY)).rejects.toMatchObject({
    code: 'not_stored',
  });
});

test('goes through the real listener, in no number and no list of deliveries', async () => {
  const { made, written } = probe();
  const world = await served((body) => made.take(body));
  expect(await sender(world)()).toEqual({ result: 'ok', detail: '' });
  expect(written).toHaveLength(1);
  expect([world.state.posts, world.state.webhooks, world.state.denied]).toEqual([[], [], []]);
});

test('a refused one is in no number either', async () => {
  const world = await served(probe({ fails: true }).made.take);
  expect(await sender(world)()).toEqual({ result: 'refused', detail: 'HTTP 503' });
  expect([world.state.webhooks, world.state.logged]).toEqual([[], []]);
});

test('a delivery with another secret is a delivery like every other', async () => {
  const { made, written } = probe();
  const world = await served((body) => made.take(body));
  await sender(world, { secret: 'guessed' })();
  expect([world.state.posts.length, written]).toEqual([1, []]);
  const [token = ''] = TOKENS.webhook;
  const body = BODY;
  const headers = { 'content-type': 'application/json', [PROBE_HEADER]: SECRET };
  // The secret alone opens nothing.
  expect((await world.call('POST', '/webhook', { headers, body })).status).toBe(401);
  expect((await world.call('POST', '/webhook', { headers, body, token })).status).toBe(202);
});

test('finds a listener on all addresses, and one that only speaks IPv6', async () => {
  const seen: string[] = [];
  for (const host of ['0.0.0.0', '::', '::1']) {
    const server = await listening(host, seen);
    if (server === undefined) continue;
    const { address, port } = server.address() as AddressInfo;
    const send = createProbeSend({ address: { address, port }, tokens: TOKENS, secret: SECRET });
    if (typeof send === 'string') throw new Error(send);
    expect(await send(BODY, new AbortController().signal)).toMatchObject({ result: 'ok' });
  }
  expect(seen[0]).toMatch(/^127\.0\.0\.1:\d+$/);
  for (const one of seen.slice(1)) expect(one).toMatch(/^\[::1\]:\d+$/);
});

test('nobody there and nobody answering are told apart', async () => {
  const silent = createTcpServer((socket) => void socket.resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address() as AddressInfo;
  const held = { address, tokens: TOKENS, secret: SECRET, timeout_ms: 50 };
  const late = createProbeSend(held);
  if (typeof late === 'string') throw new Error(late);
  const signal = new AbortController().signal;
  expect(await late(BODY, signal)).toMatchObject({ result: 'timeout' });
  await new Promise((resolve) => silent.close(resolve));
  expect(await late(BODY, signal)).toEqual({ result: 'error', detail: 'ECONNREFUSED' });
});

/** Answers 202 and notes the Host header; undefined where this machine has no such address. */
async function listening(host: string, seen: string[]): Promise<Server | undefined> {
  const server = createTcpServer((socket) => {
    socket.once('data', (chunk) => {
      seen.push(/host: (\S+)/i.exec(chunk.toString())?.[1] ?? '');
      socket.end('HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    });
  });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once('error', () => resolve(false));
  server.listen(0, host, () => resolve(true));
  if (!(await promise)) return undefined;
  undo.push(() => new Promise((done) => server.close(done)));
  return server;
}
