import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCsv } from '../http/csv.ts';
import { openSse, type SseClient } from '../http/sse.ts';
import { type Autoheal, startAutoheal } from '../real/autoheal.ts';
import { until } from '../real/until.ts';

/** The audit log as programs read it, from the service as its users start it. */
const ALERTS = 120;
const SOON = { timeout_ms: 15_000 };

interface Entry {
  readonly seq: number;
  readonly kind: string;
  readonly [field: string]: unknown;
}

let autoheal: Autoheal;
beforeAll(async () => {
  autoheal = await startAutoheal();
  for (const round of [1, 2, 3]) await fire(`round ${round}`, ALERTS);
  // What a spreadsheet would run, if it were let.
  await autoheal.api('/api/v1/pause', { body: { reason: '=cmd|"/C calc"!A1, "now"\nor later' } });
  await autoheal.api('/api/v1/pause', { method: 'DELETE' });
  await until('all is audited', async () => (await listed()).length > 3 * ALERTS, SOON);
});
afterAll(() => autoheal.dispose());

/** Alerts that no rule maps: an entry for each, and one for the delivery. */
async function fire(round: string, count: number): Promise<void> {
  const alerts = Array.from({ length: count }, (_, at) => ({
    status: 'firing',
    labels: { alertname: `Streamed${at % 2}`, at: String(at), round, quoted: 'a "b", c' },
    startsAt: new Date().toISOString(),
  }));
  const body = { version: '4', status: 'firing', receiver: 'autoheal', alerts };
  expect((await autoheal.api('/webhook', { body })).status).toBe(202);
}

/** The JSON listing, page by page. */
async function listed(query = 'order=asc'): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const { body } = await autoheal.api(`/api/v1/audit?${query}&limit=100${more}`);
    const page = body as { items: Entry[]; next_cursor: string | null };
    entries.push(...page.items);
    cursor = page.next_cursor;
  }
  return entries;
}

async function exported(query: string): Promise<string> {
  const { status, body } = await autoheal.api(`/api/v1/audit?${query}`);
  expect(status).toBe(200);
  return String(body);
}

/** A cell as the entry's field has it. */
function valueOf(cell: string | null, like: unknown): unknown {
  if (cell === null) return null;
  if (typeof like === 'number' || typeof like === 'boolean') return JSON.parse(cell);
  const text = cell.replace(/^'/, '');
  return typeof like === 'object' ? JSON.parse(text) : text;
}

describe('exports', () => {
  test.each(['order=asc', 'order=desc', 'order=asc&alertname=Streamed1', 'since=1h&kind=pause'])(
    'are the JSON listing entry by entry: %s',
    async (query) => {
      const entries = await listed(query);
      expect(entries.length).toBeGreaterThan(0);
      const lines = (await exported(`${query}&format=ndjson`)).trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(entries);
      const [head = [], ...rows] = parseCsv(await exported(`${query}&format=csv`));
      const read = rows.map((row, at) =>
        Object.fromEntries(
          head.map((field, column) => [
            field,
            valueOf(row[column] ?? null, entries[at]?.[field ?? '']),
          ]),
        ),
      );
      expect(read).toEqual(entries);
    },
  );

  test('what a spreadsheet would run begins with an apostrophe', async () => {
    const text = await exported('format=csv&kind=pause');
    expect(text).toContain(`"'=cmd|""/C calc""!A1, ""now""\nor later"`);
    expect(text).not.toMatch(/(^|,)"?[=+@-]\D/m);
  });
});

describe('the stream', () => {
  const clients: SseClient[] = [];
  afterAll(() => Promise.all(clients.map((client) => client.close())));

  async function open(last_id?: string): Promise<SseClient> {
    const headers: Record<string, string> =
      last_id === undefined ? {} : { 'last-event-id': last_id };
    const client = await openSse(`${autoheal.url}/api/v1/audit/stream`, headers);
    expect(client.status).toBe(200);
    clients.push(client);
    return client;
  }

  test('goes on without a gap or a duplicate over clients and services that come and go', async () => {
    const begin = (await listed()).at(-1)?.seq ?? 0;
    const first = await open();
    await fire('stream 1', 30);
    await first.has(10);
    await first.close();

    await fire('stream 2', 30);
    const second = await open(first.lastId());
    await second.has(30);
    await autoheal.kill9();
    expect(await second.ended).toBe('cut');
    await autoheal.restart();

    await fire('stream 3', 30);
    const third = await open(second.lastId());
    await third.has(30);
    expect(await autoheal.stop()).toMatchObject({ code: 0 });
    expect(await third.ended).toBe('whole');
    expect(third.retry()).toBe(2_000);
    await autoheal.restart();

    const fourth = await open(third.lastId());
    await fire('stream 4', 30);
    await until(
      'the last alert has come',
      async () => fourth.lastId() === String((await listed('order=desc&since=1h'))[0]?.seq),
      SOON,
    );
    const seen = clients.flatMap(({ events }) => events.map(({ data }) => data as Entry));
    const written = (await listed()).filter(({ seq }) => seq > begin);
    expect(seen).toEqual(written.slice(0, seen.length));
    expect(written.length).toBe(seen.length);
    expect(seen.filter(({ kind }) => kind === 'alert_firing')).toHaveLength(120);
    expect(seen.map(({ kind }) => kind)).toContain('service_stopped');
  });
});
