import { afterEach, describe, expect, test } from 'vitest';
import type { Change, Store } from '../../src/store.ts';
import { useFolder } from '../adapters/store/folder.ts';
import { NOW } from './values.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

const folder = useFolder();
let world: World;
let store: Store;
let looks = 0;
afterEach(() => world.close());

async function start(
  bodies: readonly (string | Uint8Array)[],
  options: WorldOptions = {},
  onLook: () => unknown = () => undefined,
): Promise<void> {
  store = await folder.open();
  await store.commit(bodies.map(delivery));
  looks = 0;
  world = await startWorld({
    ...options,
    limits: { export_page_rows: 3, ...options.limits },
    store: {
      listDeliveries: (query) => store.listDeliveries(query),
      async recorded(query) {
        looks += 1;
        await onLook();
        return store.recorded(query);
      },
    },
  });
}

function delivery(body: string | Uint8Array, at: number): Change {
  return {
    kind: 'delivery_add',
    delivery: {
      id: `d-${at}`,
      received_at: NOW - 10_000 + at * 1_000,
      source: 'alert "manager"',
      trace_id: null,
      body: typeof body === 'string' ? Buffer.from(body) : body,
    },
  };
}

// oxlint-disable-next-line typescript/no-explicit-any
function linesOf(ndjson: string): readonly any[] {
  const lines = ndjson.split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => JSON.parse(line) as unknown);
}

const EXPORT = '/api/v1/deliveries?format=ndjson';

describe('an export of deliveries', () => {
  test('has each of them whole, oldest first, over all pages', async () => {
    const pretty = '{\r\n  "alerts": [],\n "text": "a\\nb"\n}\n';
    const bodies = [
      '{"alerts":[]}',
      pretty,
      '{"n":12345678901234567890}',
      new Uint8Array([0xff, 0x00]),
      'no JSON',
      '{}',
      '[]',
    ];
    await start(bodies);
    const reply = await world.call('GET', EXPORT);
    expect(reply.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    expect(reply.headers.get('content-disposition')).toBe(
      'attachment; filename="autoheal-deliveries-20260301T120000Z.ndjson"',
    );
    const lines = linesOf(reply.text);
    expect(lines.map(({ id }) => id)).toEqual(bodies.map((_, at) => `d-${at}`));
    expect(lines[0]).toEqual({
      id: 'd-0',
      received_at: '2026-03-01T11:59:50.000Z',
      source: 'alert "manager"',
      body: { alerts: [] },
    });
    expect(lines[1].body).toEqual({ alerts: [], text: 'a\nb' });
    expect(reply.text).toContain('"body":{"n":12345678901234567890}}');
    expect(lines.slice(3, 5).map((line) => Buffer.from(line.body_base64, 'base64'))).toEqual([
      Buffer.from([0xff, 0x00]),
      Buffer.from('no JSON'),
    ]);
    expect(looks).toBe(3);
  });

  test('by the Accept header, within a range, and no more than was asked for', async () => {
    await start(Array.from({ length: 8 }, () => '{}'));
    const accept = { headers: { accept: 'application/x-ndjson' } };
    const ranged = '/api/v1/deliveries?since=2026-03-01T11:59:52Z&until=4s';
    const reply = await world.call('GET', ranged, accept);
    expect(linesOf(reply.text).map(({ id }) => id)).toEqual(['d-2', 'd-3', 'd-4', 'd-5']);
    const few = await world.call('GET', `${ranged}&limit=3`, accept);
    expect(linesOf(few.text).map(({ id }) => id)).toEqual(['d-2', 'd-3', 'd-4']);
  });

  test('ends where the record ended when it began', async () => {
    let more = 100;
    await start(['{}', '{}', '{}', '{}'], {}, () =>
      store.commit([delivery('{}', more++), delivery('{}', more++)]),
    );
    const reply = await world.call('GET', EXPORT);
    expect(linesOf(reply.text).map(({ id }) => id)).toEqual(['d-0', 'd-1', 'd-2', 'd-3']);
  });

  test('of nothing is an empty file', async () => {
    await start([]);
    expect((await world.call('GET', EXPORT)).text).toBe('');
  });

  test('wants a viewer, and one of the places of exports', async () => {
    const tokens = { webhook: [], api: [{ role: 'viewer' as const, token: 'view' }] };
    await start(['{}'], { tokens, limits: { exports: 0 } });
    expect((await world.call('GET', EXPORT)).status).toBe(401);
    const taken = await world.call('GET', EXPORT, { token: 'view' });
    expect([taken.status, taken.body.code]).toEqual([503, 'overloaded']);
  });

  test.each([
    [`${EXPORT}&cursor=x`, 'cursor'],
    ['/api/v1/deliveries?since=1h', 'since'],
    ['/api/v1/deliveries?until=1h&format=json', 'until'],
    ['/api/v1/deliveries?limit=1001', 'limit'],
  ])('%s: what would be ignored is refused', async (path, parameter) => {
    await start(['{}']);
    const { status, body } = await world.call('GET', path);
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect(body.detail).toContain(`"${parameter}"`);
  });
});
