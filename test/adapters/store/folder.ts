import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach } from 'vitest';
import { type SqliteStoreOptions, openSqliteStore } from '../../../src/adapters/store/open.ts';
import type { Store } from '../../../src/store.ts';

export interface AuditWrite {
  readonly result: 'ok' | 'error';
  readonly seconds: number;
  readonly rows: number;
}

/** A folder for each test, gone after it, with the stores opened in it. */
export function useFolder(): {
  readonly path: (name?: string) => string;
  readonly open: (options?: Partial<SqliteStoreOptions>) => Promise<Store>;
  /** The file itself, as somebody with a shell has it. The store must be closed. */
  readonly tamper: (work: (db: Database.Database) => void) => void;
  /** What the metrics were told. */
  readonly writes: AuditWrite[];
  readonly metrics: SqliteStoreOptions['metrics'];
} {
  let folder = '';
  let opened: Store[] = [];
  const writes: AuditWrite[] = [];
  const metrics: SqliteStoreOptions['metrics'] = {
    auditWrite: (result, seconds, rows) => {
      writes.push({ result, seconds, rows });
    },
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'autoheal-sqlite-'));
    writes.length = 0;
  });
  afterEach(async () => {
    for (const store of opened) await store.close();
    opened = [];
    await rm(folder, { recursive: true, force: true });
  });
  function path(name = 'autoheal.db'): string {
    return join(folder, name);
  }
  return {
    path,
    writes,
    metrics,
    open: async (options) => {
      const store = await openSqliteStore({
        path: path(),
        metrics,
        clock: { now: () => 1_795_000_000_000 },
        ...options,
      });
      opened.push(store);
      return store;
    },
    tamper: (work) => {
      const db = new Database(path());
      try {
        work(db);
      } finally {
        db.close();
      }
    },
  };
}
