import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { auditEntry } from '../../src/core/audit/audit.ts';
import { CSV_FIELDS } from '../../src/core/audit/csv.ts';
import { AutohealError } from '../../src/core/errors.ts';
import type { Change, Store } from '../../src/store.ts';
import { useFolder } from '../adapters/store/folder.ts';
import { parseCsv } from './csv.ts';
import { NOW } from './values.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

const folder = useFolder();
let world: World;
let store: Store;
let pages = 0;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await world.close();
});

/** A server over a real store with what is `stored`; `onPage` runs before each read of a page. */
async function start(
  stored: readonly Change[],
  limits: NonNullable<WorldOptions['limits']> = {},
  onPage: (page: number) => unknown = () => undefined,
): Promise<void> {
  store = await folder.open();
  await store.commit(stored);
  pages = 0;
  world = await startWorld({
    limits: { export_page_rows: 20, ...limits },
    store: {
      async audit(query) {
        // One entry, newest first, is the question where the log ends.
        if (query.limit > 1) await onPage((pages += 1));
        return store.audit(query);
      },
    },
  });
}

function entries(count: number, padding = ''): Change[] {
  return Array.from({ length: count }, (_, at) => ({
    kind: 'audit',
    entry: auditEntry(`a-${at}`, NOW + at, {
      kind: at % 2 === 0 ? 'action_ok' : 'decision_wait',
      reason: at % 3 === 0 ? '=2+3, "quoted"' : null,
      detail: { at, padding },
    }),
  }));
}

function seqsOf(ndjson: string): readonly number[] {
  const lines = ndjson.split('\n').filter(Boolean);
  return lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at + 1);
}

/** Asks for everything and reads nothing; kernel buffers hold only a part of it. */
async function slowReader(path = '/api/v1/audit?format=ndjson&order=asc') {
  const accepted = once(world.app.server, 'connection');
  const socket = connect({ port: world.port, host: '127.0.0.1' });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const [server] = (await accepted) as [Socket];
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  await expect.poll(() => server.writableLength, { timeout: 10_000 }).toBeGreaterThan(0);
  return { socket, server };
}

/** Turns of the event loop, each with a request of its own: what was going on has gone on. */
async function turns(): Promise<void> {
  for (let at = 0; at < 20; at += 1) await world.call('GET', '/health/liveness');
}

async function readToEnd(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

const PADDING = 'x'.repeat(20_000);
const LARGE = entries(800, PADDING);
const LARGE_PAGES = 40;
const PAGE_BYTES = 20 * 21_000;

describe('an export', () => {
  test('as NDJSON is the JSON listing, line by line, over all pages', async () => {
    await start(entries(75));
    const listed = await world.call('GET', '/api/v1/audit?limit=1000');
    const reply = await world.call('GET', '/api/v1/audit?format=ndjson');
    expect(reply.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    expect(reply.headers.get('content-disposition')).toBe(
      'attachment; filename="autoheal-audit-20260301T120000Z.ndjson"',
    );
    expect(reply.text.trimEnd().split('\n')).toEqual(
      listed.body.items.map((item: unknown) => JSON.stringify(item)),
    );
  });

  test('as CSV has the header and the same entries', async () => {
    await start(entries(75));
    const listed = await world.call('GET', '/api/v1/audit?limit=1000&order=asc');
    const reply = await world.call('GET', '/api/v1/audit?format=csv&order=asc');
    expect(reply.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const [head, ...rows] = parseCsv(reply.text);
    expect(head).toEqual([...CSV_FIELDS]);
    expect(rows.map((row) => [row[0], row[2], row[15], row[23]])).toEqual(
      listed.body.items.map(
        (item: { seq: number; ts: string; reason: string | null; detail: object }) => [
          String(item.seq),
          item.ts,
          item.reason === null ? null : `'${item.reason}`,
          JSON.stringify(item.detail),
        ],
      ),
    );
  });

  test('keeps the filter, and the limit bounds the whole', async () => {
    await start(entries(90));
    const some = await world.call('GET', '/api/v1/audit?format=ndjson&kind=action_ok&order=asc');
    expect(seqsOf(some.text)).toEqual(upTo(90).filter((seq) => seq % 2 === 1));
    const few = await world.call('GET', '/api/v1/audit?format=ndjson&order=asc&limit=47');
    expect(seqsOf(few.text)).toEqual(upTo(47));
    const none = await world.call('GET', '/api/v1/audit?format=csv&actor=nobody');
    expect(parseCsv(none.text)).toEqual([[...CSV_FIELDS]]);
    expect((await world.call('GET', '/api/v1/audit?format=ndjson&actor=nobody')).text).toBe('');
    expect((await world.call('GET', '/api/v1/audit?limit=1001')).status).toBe(400);
  });

  test.each([
    ['text/csv', 'text/csv'],
    ['application/x-ndjson', 'application/x-ndjson'],
    ['application/json;q=0.5, text/csv;q=0.9', 'text/csv'],
    ['text/html, */*', 'application/json'],
    ['image/png', 'application/json'],
  ])('Accept: %s gives %s', async (accept, type) => {
    await start(entries(1));
    const reply = await world.call('GET', '/api/v1/audit', { headers: { accept } });
    expect(reply.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
    expect(reply.headers.get('vary')).toBe('accept');
    const chosen = await world.call('GET', '/api/v1/audit?format=json', { headers: { accept } });
    expect(chosen.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  test('holds what stood when it began, in both orders', async () => {
    const late: Change[] = entries(3);
    await start(entries(50), {}, (page) => (page > 1 ? store.commit(late) : undefined));
    const up = await world.call('GET', '/api/v1/audit?format=ndjson&order=asc');
    expect(seqsOf(up.text)).toEqual(upTo(50));
    pages = 0;
    const length = (await store.audit({ order: 'desc', limit: 1 })).items[0]?.seq ?? 0;
    const down = await world.call('GET', '/api/v1/audit?format=ndjson');
    expect(seqsOf(down.text)).toEqual(upTo(length).toReversed());
  });

  test('HEAD answers the headers and reads nothing on', async () => {
    await start(entries(75), { exports: 1 });
    for (let at = 0; at < 3; at += 1) {
      const reply = await world.call('HEAD', '/api/v1/audit?format=csv');
      expect([reply.status, reply.text]).toEqual([200, '']);
      expect(reply.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    }
    expect(pages).toBe(3);
  });
});

describe('a slow reader', () => {
  test('stops the reading of pages, and gets everything when it goes on', async () => {
    await start(LARGE);
    const { socket, server } = await slowReader();
    await turns();
    const read = pages;
    expect(read).toBeLessThan(LARGE_PAGES / 2);
    expect(server.writableLength).toBeLessThan(3 * PAGE_BYTES);
    await turns();
    expect(pages).toBe(read);
    const text = await readToEnd(socket);
    expect(text.match(/^\{"seq":/gm)).toHaveLength(LARGE.length);
    expect(text).toMatch(/\r\n0\r\n\r\n$/);
    expect(pages).toBe(LARGE_PAGES);
  });

  test('that takes nothing for too long is cut off, visibly, and its place is free', async () => {
    await start(LARGE, { exports: 1, reader_stall_ms: 100 });
    const { socket, server } = await slowReader();
    await once(server, 'close');
    expect(await readToEnd(socket)).not.toMatch(/\r\n0\r\n\r\n$/);
    expect((await world.call('GET', '/api/v1/audit?format=csv&limit=1')).status).toBe(200);
    expect(world.state.logged).toMatchObject([{ message: 'a stream was cut short' }]);
  });

  test('more of them than there are places: 503 before the first byte', async () => {
    await start(LARGE, { exports: 1 });
    const { socket } = await slowReader();
    const refused = await world.call('GET', '/api/v1/audit?format=csv');
    expect([refused.status, refused.body.code]).toEqual([503, 'overloaded']);
    expect(refused.headers.get('retry-after')).toBe('2');
    expect((await world.call('GET', '/api/v1/audit')).status).toBe(200);
    socket.destroy();
    await expect
      .poll(async () => (await world.call('GET', '/api/v1/audit?format=csv&limit=1')).status)
      .toBe(200);
    await turns();
    expect(pages).toBeLessThan(LARGE_PAGES / 2);
  });

  test('that has gone before the first page is there leaves nothing behind', async () => {
    const held = Promise.withResolvers<void>();
    await start(entries(75), { exports: 1 }, (page) => (page === 1 ? held.promise : undefined));
    const accepted = once(world.app.server, 'connection');
    const socket = connect({ port: world.port, host: '127.0.0.1' });
    const [server] = (await accepted) as [Socket];
    socket.write('GET /api/v1/audit?format=csv HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(() => pages).toBe(1);
    socket.destroy();
    await once(server, 'close');
    held.resolve();
    await expect
      .poll(async () => (await world.call('GET', '/api/v1/audit?format=csv&limit=1')).status)
      .toBe(200);
    expect(pages).toBe(1);
    expect(world.state.logged).toEqual([]);
  });

  test('may finish while the server stops', async () => {
    await start(LARGE);
    const { socket } = await slowReader();
    const closed = world.close();
    const text = await readToEnd(socket);
    expect(text.match(/^\{"seq":/gm)).toHaveLength(LARGE.length);
    await closed;
  });

  test('that does not finish is cut when the time to stop is over', async () => {
    await start(LARGE, { close_grace_ms: 50 });
    const { socket } = await slowReader();
    await world.close();
    expect(await readToEnd(socket)).not.toMatch(/\r\n0\r\n\r\n$/);
  });
});

describe('a store that fails', () => {
  test('before the first byte is a problem document, and the place is free again', async () => {
    await start(entries(75), { exports: 1 }, (page) => {
      if (page === 1) throw new AutohealError('invalid_request', 'too many values');
    });
    expect((await world.call('GET', '/api/v1/audit?format=csv')).body.code).toBe('invalid_request');
    expect((await world.call('GET', '/api/v1/audit?format=csv')).status).toBe(200);
    const forged = await world.call('GET', '/api/v1/audit?format=csv&cursor=forged');
    expect(forged.status).toBe(400);
  });

  test('in the middle breaks the connection, so that nobody takes the rest for the whole', async () => {
    await start(entries(75), { exports: 1 }, (page) => {
      if (page === 3) throw new Error('disk I/O error');
    });
    await expect(world.call('GET', '/api/v1/audit?format=csv')).rejects.toThrow();
    expect(world.state.logged).toMatchObject([
      { level: 'warn', message: 'a stream was cut short', fields: { kind: 'export' } },
    ]);
    expect((await world.call('GET', '/api/v1/audit?format=csv')).status).toBe(200);
  });
});
