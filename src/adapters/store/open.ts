import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { prepareEntry } from '../../core/audit/audit-chain.ts';
import type { Lease } from '../../core/healing/lease.ts';
import { compareQueued, type Queued } from '../../core/healing/priority.ts';
import type { Remediation } from '../../core/healing/remediation.ts';
import type { Clock, Metrics, StoreTimings } from '../../ports.ts';
import type { AuditQuery, Change, Claim, Store } from '../../store.ts';
import { openAuditChain } from './audit-chain.ts';
import { queryAudit } from './audit-query.ts';
import { applyChange, needsSavepoint, type Write } from './changes.ts';
import { fault } from './faults.ts';
import { createGroupCommit, type GroupCommit, type Unit } from './group-commit.ts';
import { createHealth, type StoreHealth, WAL_BYTES_MAX, watched } from './health.ts';
import { createLists } from './lists.ts';
import { checkOwner, migrate } from './migrations.ts';
import { createReads } from './reads.ts';
import { createGuardReads } from './reads-guards.ts';
import { createOrderReads } from './reads-order.ts';
import { retain } from './retention.ts';
import { LEASES, REMEDIATIONS, type Table } from './rows.ts';
import { MIGRATIONS } from './schema.ts';
import { createSloReads } from './slo.ts';
import { openSql, type Row, type Sql } from './sqlite.ts';
import * as text from './statements.ts';
import { claim_remediations } from './statements-order.ts';
import { timedClaims, timedReads } from './timings.ts';

export interface SqliteStoreOptions {
  /** The file; its folder is made when it is not there. `IN_MEMORY`: no file, and nothing outlives it. */
  readonly path: string;
  readonly metrics: Pick<Metrics, 'auditWrite'>;
  /** Absent: nobody wants to know how long it takes. */
  readonly timings?: StoreTimings;
  /** Makes the audit chain's hashes HMACs. To be set before the first entry, see audit-chain.ts. */
  readonly audit_key?: Uint8Array;
  readonly clock: Pick<Clock, 'now'>;
}

export interface SqliteStore extends Store {
  /** The most commits that waited at once since it was last asked. */
  commitsWaiting(): number;
  /** The same as a share of their limit: 0 to 1. */
  commitsFullness(): number;
  /** The file and its log together; 0 where there is none. */
  bytes(): number;
}

/** SQLite's own name of a database without a file: for rehearsals, of which nothing has to stay. */
export const IN_MEMORY = ':memory:';

/** A restart may overlap with the end of the process before; it blocks the start, nothing else, ms. */
const BUSY_TIMEOUT_MS = 500;
/** Pages in the WAL before it is moved into the file; above 1,000 intake gets slower. */
const WAL_PAGES = 1000;

/**
 * Opens (or makes) the store in one SQLite file: WAL, each commit synced. One process at a time:
 * the lock is taken here and kept until `close`, so that claims left over at start are nobody's.
 * @throws Error saying what is wrong with the file and what to do.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const sql = open(options.path);
  try {
    prepare(sql);
    migrate(sql, MIGRATIONS, options.clock.now());
    return createStore(sql, options);
  } catch (error) {
    sql.close();
    throw hasCode(error) ? fault(error, options.path) : error;
  }
}

function open(path: string): Sql {
  if (path === IN_MEMORY) return openSql(path, BUSY_TIMEOUT_MS);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Made here for its mode: SQLite gives the WAL beside it the same. An existing file keeps its own.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
    // SQLite would open it for reading, and fail later with a word that tells nobody why.
    accessSync(path, constants.R_OK | constants.W_OK);
    return openSql(path, BUSY_TIMEOUT_MS);
  } catch (error) {
    throw fault(error, path);
  }
}

function prepare(sql: Sql): void {
  // First of all: in WAL mode an exclusive connection needs no shared memory, and a second process
  // fails at its first read.
  sql.exec('pragma locking_mode = exclusive');
  checkOwner(sql);
  sql.exec('pragma foreign_keys = on; pragma temp_store = memory;');
  if (sql.path === IN_MEMORY) return;
  const [mode] = sql.column<string>('pragma journal_mode = wal');
  if (mode !== 'wal') {
    throw new Error(
      `database ${sql.path} cannot use a write-ahead log (journal mode is ${mode}): put it on a ` +
        'local disk, not on a network file system',
    );
  }
  sql.exec(`
    pragma synchronous = full;
    pragma wal_autocheckpoint = ${WAL_PAGES};
    pragma journal_size_limit = ${WAL_BYTES_MAX};
  `);
}

function createStore(file: Sql, options: SqliteStoreOptions): SqliteStore {
  const health = createHealth(options.path);
  const sql = watched(file, health);
  const chain = openAuditChain(sql, options.audit_key);
  const { metrics, timings } = options;
  const group = createGroupCommit({ sql, chain, health, metrics, timings });
  let closed = false;
  return {
    exclusive: true,
    commit: async (changes) => group.submit(unitOf(sql, changes)),
    ...timedClaims(timings, {
      claimRemediations: (claim) => group.submit(claimUnit<Remediation>(sql, claim, REMEDIATIONS)),
      claimLeases: (claim) => group.submit(claimUnit<Lease>(sql, claim, LEASES)),
    }),
    ...timedReads(timings, {
      ...createReads(sql),
      ...createGuardReads(sql),
      ...createOrderReads(sql),
      ...createSloReads(sql),
      ...createLists(sql),
      audit: async (query: AuditQuery) => queryAudit(sql, query, chain.head().seq),
    }),
    verifyAudit: (from, limit) => chain.verify(from, limit),
    retain: (query) => retain({ sql, chain, group }, query),
    ping: () => ping(sql, group, health),
    commitsWaiting: () => group.mostWaiting(),
    commitsFullness: () => group.fullness(),
    bytes: () => bytesOf(options.path),
    close: async () => {
      if (closed) return;
      closed = true;
      group.close();
      sql.close();
    },
  };
}

/** Reads; writes as well when nobody has for a while, or when the last write failed. */
async function ping(sql: Sql, group: GroupCommit, health: StoreHealth): Promise<void> {
  sql.get(text.ping);
  if (health.isStale())
    await group.submit({ savepoint: false, entries: [], run: () => sql.run(text.probe) });
  const standing = health.standing();
  if (standing !== undefined) throw standing;
}

function bytesOf(path: string): number {
  const files = [path, `${path}-wal`].map((file) => statSync(file, { throwIfNoEntry: false }));
  return files.reduce((sum, file) => sum + (file?.size ?? 0), 0);
}

/** Entries are checked here, so that one which cannot be chained fails its own unit alone. */
function unitOf(sql: Sql, changes: readonly Change[]): Unit<void> {
  const writes = changes.filter((change): change is Write => change.kind !== 'audit');
  const entries = changes
    .filter((change) => change.kind === 'audit')
    .map((change) => prepareEntry(change.entry));
  return {
    savepoint: needsSavepoint(writes),
    entries,
    run: () => {
      for (const write of writes) applyChange(sql, write);
    },
  };
}

function claimUnit<T>(sql: Sql, claim: Claim, of: Table<T>): Unit<readonly T[]> {
  const statement = of.name === 'leases' ? text.claim_leases : claim_remediations;
  const values = [claim.worker, claim.now, claim.until, claim.limit];
  return {
    savepoint: false,
    entries: [],
    run: () => {
      const rows = sql.all(statement, values) as unknown as ClaimedRow[];
      rows.sort((a, b) => compareQueued(a, b, claim.now) || a.n - b.n);
      return rows.map((row) => of.decode(row));
    },
  };
}

/** A lease has no priority: of two of them the older comes first. */
type ClaimedRow = Row & Queued & { readonly n: number };

/** Errors of the driver and the file system carry a code; ours already say what to do. */
function hasCode(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
