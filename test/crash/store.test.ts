import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/adapters/store/open.ts';
import type { Store } from '../../src/store.ts';

const CHILD = fileURLToPath(new URL('./store-child.ts', import.meta.url));
const ROUNDS = 8;
/** The kill comes within this time of the first acknowledgement, ms. */
const KILL_WITHIN_MS = 120;

let folder = '';
let child: ChildProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'autoheal-crash-'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

test('nothing acknowledged is lost by SIGKILL, and the chain verifies', async () => {
  const path = join(folder, 'autoheal.db');
  const acknowledged = new Set<string>();
  for (let round = 1; round <= ROUNDS; round++) {
    const before = acknowledged.size;
    for (const id of await writeUntilKilled(path)) acknowledged.add(id);
    expect(acknowledged.size).toBeGreaterThan(before);
    const store = await openSqliteStore({
      path,
      metrics: { auditWrite: () => {} },
      clock: { now: Date.now },
    });
    try {
      await check(store, acknowledged);
    } finally {
      await store.close();
    }
  }
}, 60_000);

/** Starts the writer, kills it at a random instant. @returns the ids it had acknowledged. */
async function writeUntilKilled(path: string): Promise<readonly string[]> {
  const writer = spawn(process.execPath, [CHILD, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  child = writer;
  let said = '';
  let aimed = false;
  writer.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
    if (aimed) return;
    aimed = true;
    setTimeout(() => writer.kill('SIGKILL'), Math.random() * KILL_WITHIN_MS);
  });
  const [, signal] = (await once(writer, 'close')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  // The last line may have been cut off by the kill.
  return said.slice(0, said.lastIndexOf('\n')).split('\n');
}

async function check(store: Store, acknowledged: ReadonlySet<string>): Promise<void> {
  const { deliveries } = await store.inbox(Number.MAX_SAFE_INTEGER);
  const stored = new Set(deliveries.map((delivery) => delivery.id));
  expect([...acknowledged].filter((id) => !stored.has(id))).toEqual([]);
  expect(stored.size).toBe(deliveries.length);
  for (const { id, body } of deliveries) {
    expect(JSON.parse(new TextDecoder().decode(body))).toEqual({ id });
  }
  // A delivery and its entry are one unit: both, or none.
  const audited = await auditedIds(store);
  expect(audited.toSorted()).toEqual([...stored].toSorted());
  expect(await store.verifyAudit(1)).toMatchObject({ ok: true, rows: stored.size });
}

async function auditedIds(store: Store): Promise<readonly string[]> {
  const ids: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query = { order: 'asc', limit: 1000 } as const;
    const page: Awaited<ReturnType<Store['audit']>> = await store.audit(
      cursor === '' ? query : { ...query, cursor },
    );
    ids.push(...page.items.map((item) => item.id));
    cursor = page.next_cursor;
  }
  return ids;
}
