import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type AuditDraft, auditEntry } from '../../src/core/audit/audit.ts';
import type { Store } from '../../src/store.ts';
import { useFolder } from '../adapters/store/folder.ts';
import { openSse, type SseClient } from './sse.ts';
import { NOW } from './values.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

const folder = useFolder();
let world: World;
let store: Store;
const clients: SseClient[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await world.close();
});

async function start(limits: NonNullable<WorldOptions['limits']> = {}): Promise<void> {
  store = await folder.open();
  world = await startWorld({
    limits: { tail_poll_ms: 5, ...limits },
    store: { audit: (query) => store.audit(query) },
  });
}

async function tail(query = '', headers: Record<string, string> = {}): Promise<SseClient> {
  const client = await openSse(`${world.url}/api/v1/audit/stream${query}`, headers);
  clients.push(client);
  return client;
}

let written = 0;
async function write(count: number, draft: Partial<AuditDraft> = {}): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    const entry = auditEntry(`a-${(written += 1)}`, NOW, { kind: 'action_ok', ...draft });
    await store.commit([{ kind: 'audit', entry }]);
  }
}

function ids(client: SseClient): readonly number[] {
  return client.events.map(({ id }) => Number(id));
}
function between(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

describe('GET /api/v1/audit/stream', () => {
  test('begins at now, and sends each new entry as the JSON listing has it', async () => {
    await start();
    await write(3);
    const client = await tail();
    expect(client.status).toBe(200);
    expect(client.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    await write(2, { alertname: 'Ä\n"b"', detail: { text: 'two\nlines' } });
    await client.has(2);
    const listed = await world.call('GET', '/api/v1/audit?limit=2&order=desc');
    const items = listed.body.items.toReversed() as { seq: number; kind: string }[];
    expect(client.events).toEqual(
      items.map((item) => ({ id: String(item.seq), event: item.kind, data: item })),
    );
    expect(ids(client)).toEqual([4, 5]);
    expect(client.retry()).toBe(2_000);
  });

  test('since goes back; Last-Event-ID goes on exactly after it, and counts more than since', async () => {
    await start({ tail_page_rows: 10 });
    await write(45);
    const back = await tail('?since=1h');
    await back.has(45);
    expect(ids(back)).toEqual(between(1, 45));
    const header = await tail('?since=1h&last_event_id=7', { 'last-event-id': '30' });
    await header.has(15);
    expect(ids(header)).toEqual(between(31, 45));
    const parameter = await tail('?last_event_id=41');
    await parameter.has(4);
    await write(1);
    await parameter.has(5);
    expect(ids(parameter)).toEqual(between(42, 46));
  });

  test('a reader that comes and goes while others write misses nothing and gets nothing twice', async () => {
    await start({ tail_page_rows: 7 });
    const total = 200;
    const first = await tail();
    const writing = write(total);
    const seen: number[] = [];
    let client = first;
    while (seen.length < total) {
      await client.has(1);
      await client.close();
      seen.push(...ids(client));
      // Also before it has seen anything it has an id to come back to.
      client = await tail('', { 'last-event-id': client.lastId() });
      if (seen.length >= total) break;
    }
    await writing;
    expect(seen).toEqual(between(1, total));
  });

  test('filters, and moves its id past what it leaves out', async () => {
    // An idle stream is not a reader that stalls.
    await start({ tail_heartbeat_ms: 20, reader_stall_ms: 15 });
    const client = await tail('?kind=pause&actor=local');
    await write(5);
    await write(1, { kind: 'pause', actor: 'local' });
    await write(5);
    await client.has(1);
    expect(client.events).toMatchObject([{ id: '6', event: 'pause' }]);
    await expect.poll(() => client.lastId()).toBe('11');
    await expect.poll(() => client.comments.length).toBeGreaterThan(3);
    expect(client.events).toHaveLength(1);
  });

  test.each([
    ['?last_event_id=abc', 'is not the id of an event'],
    ['?last_event_id=3', "lies after the log's end, 2"],
    ['?kind=pausd', 'query parameter "kind"'],
    ['?until=1h', 'unknown query parameter'],
    ['?limit=1', 'unknown query parameter'],
  ])('%s is 400 and takes no place', async (query, why) => {
    await start({ tails: 1 });
    await write(2);
    const reply = await world.call('GET', `/api/v1/audit/stream${query}`);
    expect(reply.body).toMatchObject({ code: 'invalid_request' });
    expect(reply.body.detail).toContain(why);
    expect((await tail()).status).toBe(200);
  });

  test('more than there are places: 503; a closed one is free again, HEAD takes none', async () => {
    await start({ tails: 1 });
    expect((await world.call('HEAD', '/api/v1/audit/stream')).status).toBe(200);
    const client = await tail();
    expect((await world.call('GET', '/api/v1/audit/stream')).body.code).toBe('overloaded');
    await client.close();
    await expect
      .poll(async () => (await world.call('GET', '/api/v1/audit/stream')).status)
      .toBe(200);
  });

  test('ends when the server stops, and says when to come back', async () => {
    await start();
    const client = await tail();
    await write(1);
    await client.has(1);
    await world.close();
    expect(await client.ended).toBe('whole');
    expect(client.retry()).toBe(2_000);
  });

  test('is cut where the store fails, so that the reader comes back', async () => {
    store = await folder.open();
    let broken = false;
    world = await startWorld({
      limits: { tail_poll_ms: 5 },
      store: {
        audit: async (query) => {
          if (broken) throw new Error('disk I/O error');
          return store.audit(query);
        },
      },
    });
    const client = await tail();
    broken = true;
    expect(await client.ended).toBe('cut');
    broken = false;
    expect((await tail('', { 'last-event-id': client.lastId() })).status).toBe(200);
  });

  test('a reader that does not read is cut off, and can go on where it was', async () => {
    await start({ tail_page_rows: 10, reader_stall_ms: 100, tails: 1 });
    await write(400, { detail: { padding: 'x'.repeat(30_000) } });
    const accepted = once(world.app.server, 'connection');
    const socket = connect({ port: world.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    const [server] = await accepted;
    socket.pause();
    socket.write('GET /api/v1/audit/stream?since=1h HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(server, 'close');
    socket.destroy();
    const client = await tail('?last_event_id=399');
    await client.has(1);
    expect(ids(client)).toEqual([400]);
  });

  test('nobody listening: the store is not asked', async () => {
    let asked = 0;
    store = await folder.open();
    world = await startWorld({
      limits: { tail_poll_ms: 1 },
      store: { audit: (query) => ((asked += 1), store.audit(query)) },
    });
    const client = await tail();
    await expect.poll(() => asked).toBeGreaterThan(5);
    await client.close();
    await expect
      .poll(async () => {
        const before = asked;
        for (let at = 0; at < 10; at += 1) await world.call('GET', '/health/liveness');
        return asked - before;
      })
      .toBe(0);
  });
});
