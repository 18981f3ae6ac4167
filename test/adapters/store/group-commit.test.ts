import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openAuditChain } from '../../../src/adapters/store/audit-chain.ts';
import { type GroupCommit, createGroupCommit } from '../../../src/adapters/store/group-commit.ts';
import { createHealth, FREE_BYTES_MIN, RETRY_MS } from '../../../src/adapters/store/health.ts';
import { migrate } from '../../../src/adapters/store/migrations.ts';
import { MIGRATIONS } from '../../../src/adapters/store/schema.ts';
import { type Sql, openSql } from '../../../src/adapters/store/sqlite.ts';
import { type PreparedEntry, prepareEntry } from '../../../src/core/audit/audit-chain.ts';
import { auditEntry } from '../../../src/core/audit/audit.ts';
import { NOW, audit, delivery } from '../../conformance/store-suite/make.ts';
import { useFolder } from './folder.ts';

const NO_SPACE = 'insert into settings (key, value) values ($1, $2)';

function entries(...ids: readonly string[]): PreparedEntry[] {
  return ids.map((id) => prepareEntry(auditEntry(id, NOW, { kind: 'resume', fingerprint: 'f' })));
}

describe('group commit', () => {
  const { path, open, writes, metrics } = useFolder();
  let sql: Sql;
  let group: GroupCommit;
  let chain: ReturnType<typeof openAuditChain>;
  let now = 0;
  let free_bytes = 0;

  beforeEach(() => {
    sql = openSql(path('parts.db'), 0);
    migrate(sql, MIGRATIONS, NOW);
    chain = openAuditChain(sql, undefined);
    now = 0;
    free_bytes = FREE_BYTES_MIN;
    const world = { now: () => now, freeBytes: () => free_bytes };
    const health = createHealth(sql.path, world);
    group = createGroupCommit({ sql, chain, health, metrics });
  });
  afterEach(() => {
    group.close();
    sql.close();
  });

  function setting(key: string, bytes = 1): () => number {
    return () => sql.run(NO_SPACE, [key, 'x'.repeat(bytes)]);
  }
  function keys(): string[] {
    return sql.column<string>('select key from settings order by key');
  }

  test('a full disk fails every unit; the next works again after a while, once there is room', async () => {
    const [pages] = sql.column<number>('pragma page_count');
    sql.run(`pragma max_page_count = ${(pages ?? 0) + 4}`);
    const results = await Promise.allSettled([
      group.submit({ savepoint: false, entries: entries('a'), run: setting('a') }),
      group.submit({ savepoint: true, entries: entries('b'), run: setting('b', 1_000_000) }),
      group.submit({ savepoint: false, entries: entries('c'), run: setting('c') }),
    ]);
    for (const result of results) {
      expect(result.status === 'rejected' && String(result.reason)).toMatch(/is full: free space/);
    }
    expect(keys()).toEqual([]);
    expect(chain.head().seq).toBe(0);
    async function store(key: string): Promise<void> {
      await group.submit({ savepoint: false, entries: entries(key), run: setting(key) });
    }
    // Nothing is tried at once: the fault that stands is the answer.
    await expect(store('x')).rejects.toThrow(/is full: free space/);
    now += RETRY_MS;
    free_bytes = FREE_BYTES_MIN - 1;
    await expect(store('y')).rejects.toThrow(/is full: free space/);
    now += RETRY_MS;
    free_bytes = FREE_BYTES_MIN;
    await store('d');
    expect(keys()).toEqual(['d']);
    expect(sql.column('select ref from audit_refs')).toEqual(['f']);
    expect(chain.head().seq).toBe(1);
    expect(await chain.verify(1)).toMatchObject({ ok: true, rows: 1 });
    expect(writes.map(({ result, rows }) => [result, rows])).toEqual([
      ['error', 3],
      ['error', 1],
      ['error', 1],
      ['ok', 1],
    ]);
  });

  test('a unit that throws anything is its own failure', async () => {
    const results = await Promise.allSettled([
      group.submit({ savepoint: false, entries: [], run: setting('a') }),
      group.submit({
        savepoint: true,
        entries: entries('x'),
        run: () => {
          setting('b')();
          throw new RangeError('mine');
        },
      }),
      group.submit({ savepoint: false, entries: [], run: setting('c') }),
    ]);
    expect(results.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(keys()).toEqual(['a', 'c']);
    expect(writes).toEqual([]);
  });

  test('nothing is on disk before the turn ends, and one sync serves the turn', async () => {
    const first = group.submit({ savepoint: false, entries: entries('a'), run: setting('a') });
    const second = group.submit({ savepoint: false, entries: entries('b', 'c'), run: () => 5 });
    expect(keys()).toEqual([]);
    expect(await second).toBe(5);
    await first;
    expect(writes.map(({ rows }) => rows)).toEqual([3]);
    expect(writes[0]?.seconds).toBeGreaterThan(0);
  });

  test('a verification that is under way goes on after what retention removed meanwhile', async () => {
    const ids = Array.from({ length: 2500 }, (_, n) => `${n}`);
    await group.submit({ savepoint: false, entries: entries(...ids), run: () => 0 });
    const [hash = ''] = sql.column<string>('select hash from audit where seq = 2000');
    const detail = { removed_to_seq: 2000, hash, rows: 2000 };
    const said = auditEntry('c', NOW, { kind: 'audit_checkpoint', detail });
    await group.submit({ savepoint: false, entries: [prepareEntry(said)], run: () => 0 });
    // Its first slice, of 1,000, is looked at now; the rest after this turn.
    const verdict = chain.verify(1);
    sql.run('insert into audit_checkpoint (seq, hash, ts) values (2000, $1, 0)', [hash]);
    sql.run('delete from audit where seq <= 2000');
    expect(await verdict).toMatchObject({ ok: true, rows: 1000 + 501 });
  });

  test('close commits what waits and takes no more', async () => {
    const pending = group.submit({ savepoint: false, entries: [], run: setting('a') });
    group.close();
    expect(keys()).toEqual(['a']);
    await pending;
    const late = group.submit({ savepoint: false, entries: [], run: setting('b') });
    await expect(late).rejects.toThrow(/is closed/);
  });

  test('the store reports one audit write a transaction, none without entries', async () => {
    const store = await open();
    await store.commit([delivery('a')]);
    expect(writes).toEqual([]);
    await Promise.all([store.commit([audit('a'), audit('b')]), store.commit([audit('c')])]);
    expect(writes.map(({ result, rows }) => [result, rows])).toEqual([['ok', 3]]);
  });
});
