import type { ChainHead, PreparedEntry } from '../../core/audit/audit-chain.ts';
import { ConflictError } from '../../store.ts';
import type { Metrics, StoreTimings } from '../../ports.ts';
import type { AuditChain } from './audit-chain.ts';
import { fault, isDatabaseFault } from './faults.ts';
import type { StoreHealth } from './health.ts';
import type { Sql } from './sqlite.ts';
import * as text from './statements.ts';

/** Work that is on disk whole, or not at all. */
export interface Unit<T> {
  /** True when its failure could leave something behind. */
  readonly savepoint: boolean;
  /** Chained after all units of the transaction, in their order. */
  readonly entries: readonly PreparedEntry[];
  readonly run: () => T;
}

export interface GroupCommit {
  /** Resolves with what `run` returned when it is synced. @throws ConflictError, or the store's fault. */
  submit<T>(unit: Unit<T>): Promise<T>;
  /** The most units that waited at once since it was last asked. */
  mostWaiting(): number;
  /** The same as a share of the limit, 0 to 1, up to now; asking does not begin it anew. */
  fullness(): number;
  /** Commits what waits, then takes no more. */
  close(): void;
}

/**
 * Units in one transaction: more do not make a sync cheaper (235 k rows/s at 1,000 against 162 k
 * at 100), they only keep the event loop from its other work.
 */
const UNITS_PER_TRANSACTION_MAX = 1000;
/** Units that may wait; beyond it `submit` rejects, and the sender sends again. */
const UNITS_WAITING_MAX = 100_000;

interface Pending {
  readonly unit: Unit<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}
type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown };

/**
 * Group commit: the units of one event-loop turn share one transaction and its sync. It runs on
 * setImmediate, after the turn's I/O; a timer of 1 ms instead reached half the rate at 10
 * connections and a quarter at 1. Plain begin and commit: the driver's `transaction` was no better.
 */
export function createGroupCommit(parts: {
  readonly sql: Sql;
  readonly chain: AuditChain;
  readonly health: StoreHealth;
  readonly metrics: Pick<Metrics, 'auditWrite'>;
  /** Undefined: nobody wants to know. */
  readonly timings?: StoreTimings | undefined;
}): GroupCommit {
  let waiting: Pending[] = [];
  let most_waiting = 0;
  let most_before = 0;
  let scheduled = false;
  let closed = false;

  function submit<T>(unit: Unit<T>): Promise<T> {
    if (closed) return Promise.reject(new Error(`database ${parts.sql.path} is closed`));
    if (waiting.length >= UNITS_WAITING_MAX) {
      return Promise.reject(
        new Error(`database ${parts.sql.path}: ${UNITS_WAITING_MAX} commits are waiting already`),
      );
    }
    return new Promise<T>((resolve, reject) => {
      waiting.push({ unit, resolve: resolve as (value: unknown) => void, reject });
      most_waiting = Math.max(most_waiting, waiting.length);
      schedule();
    });
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(turn);
  }

  function turn(): void {
    scheduled = false;
    const batch = waiting;
    waiting =
      batch.length > UNITS_PER_TRANSACTION_MAX ? batch.splice(UNITS_PER_TRANSACTION_MAX) : [];
    if (waiting.length > 0) schedule();
    if (batch.length > 0) transact(batch, parts);
  }

  function close(): void {
    closed = true;
    while (waiting.length > 0) turn();
  }

  function mostWaiting(): number {
    most_before = most_waiting;
    most_waiting = waiting.length;
    return most_before;
  }

  function fullness(): number {
    return Math.max(most_before, most_waiting) / UNITS_WAITING_MAX;
  }

  return { submit, mostWaiting, fullness, close };
}

function transact(batch: readonly Pending[], parts: Parameters<typeof createGroupCommit>[0]): void {
  const { sql, chain, health, metrics, timings } = parts;
  const refusal = health.refusal();
  if (refusal !== undefined) {
    const refused = entriesOf(batch);
    if (refused > 0) metrics.auditWrite('error', 0, refused);
    return settle(batch, [], { error: refusal });
  }
  const started = performance.now();
  let outcomes: readonly Outcome[] = [];
  let entries = 0;
  let failed: { readonly error: unknown } | undefined;
  try {
    const done = work(batch, parts);
    chain.moveTo(done.head);
    const lost = health.served();
    if (lost === undefined) ({ outcomes, entries } = done);
    else failed = { error: lost };
  } catch (error) {
    failed = { error: isDatabaseFault(error) ? health.failed(error) : fault(error, sql.path) };
    undo(sql);
    chain.forget();
  }
  const rows = failed === undefined ? entries : entriesOf(batch);
  const seconds = (performance.now() - started) / 1000;
  timings?.store('commit', seconds);
  if (rows > 0) {
    metrics.auditWrite(failed === undefined ? 'ok' : 'error', seconds, rows);
  }
  settle(batch, outcomes, failed);
}

function entriesOf(batch: readonly Pending[]): number {
  return batch.reduce((sum, { unit }) => sum + unit.entries.length, 0);
}

interface Done {
  readonly outcomes: readonly Outcome[];
  /** Audit entries that were written. */
  readonly entries: number;
  /** The chain's new head, which counts only now that it is committed. */
  readonly head: ChainHead;
}

/** One unit failed where no savepoint stood before it. */
class NoSavepoint extends Error {
  override readonly name = 'NoSavepoint';
}

/**
 * One transaction. Savepoints are a fifth of the store's work on an alert, and a unit that fails is rare: so
 * it goes without them, and when one fails all of it is done again, with them.
 */
function work(
  batch: readonly Pending[],
  parts: { readonly sql: Sql; readonly chain: AuditChain },
): Done {
  try {
    return transaction(batch, parts, false);
  } catch (error) {
    if (!(error instanceof NoSavepoint)) throw error;
    parts.sql.run(text.rollback);
    parts.chain.forget();
    return transaction(batch, parts, true);
  }
}

function transaction(
  batch: readonly Pending[],
  { sql, chain }: { readonly sql: Sql; readonly chain: AuditChain },
  savepoints: boolean,
): Done {
  const outcomes: Outcome[] = [];
  const entries: PreparedEntry[] = [];
  sql.run(text.begin);
  for (const { unit } of batch) {
    const outcome = attempt(sql, unit, savepoints);
    outcomes.push(outcome);
    if (outcome.ok) for (const entry of unit.entries) entries.push(entry);
  }
  const head = chain.append(entries);
  sql.run(text.commit);
  return { outcomes, entries: entries.length, head };
}

/** Runs one unit; what goes wrong with it alone is its own outcome. @throws the database's faults, NoSavepoint. */
function attempt(sql: Sql, unit: Unit<unknown>, savepoints: boolean): Outcome {
  const guarded = unit.savepoint && savepoints;
  if (guarded) sql.run(text.savepoint);
  try {
    const value = unit.run();
    if (guarded) sql.run(text.savepoint_keep);
    return { ok: true, value };
  } catch (error) {
    // After some faults SQLite has already rolled back everything: then no unit is what it seems.
    if (isDatabaseFault(error) || !sql.inTransaction()) throw error;
    if (unit.savepoint && !guarded) throw new NoSavepoint('done again with savepoints');
    if (guarded) {
      sql.run(text.savepoint_undo);
      sql.run(text.savepoint_keep);
    }
    return { ok: false, error: error instanceof ConflictError ? error : fault(error, sql.path) };
  }
}

function undo(sql: Sql): void {
  try {
    if (sql.inTransaction()) sql.run(text.rollback);
  } catch {
    // The fault that led here is the one to report; the next begin shows whether it is over.
  }
}

function settle(
  batch: readonly Pending[],
  outcomes: readonly Outcome[],
  failed: { readonly error: unknown } | undefined,
): void {
  let index = 0;
  for (const { resolve, reject } of batch) {
    const outcome = outcomes[index++];
    if (failed !== undefined || outcome === undefined) reject(failed?.error);
    else if (outcome.ok) resolve(outcome.value);
    else reject(outcome.error);
  }
}
