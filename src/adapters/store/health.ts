import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf, fault, isLasting } from './faults.ts';
import type { Sql } from './sqlite.ts';

/** Whether the database serves. While it does not, nothing is written, and one try a second finds its end. */
export interface StoreHealth {
  /** Why a transaction must not begin now; undefined: it may. */
  refusal(): Error | undefined;
  /** A transaction is committed. @returns why it is not on disk all the same; undefined: it is. */
  served(): Error | undefined;
  /** @returns the fault in words; `refusal` repeats it until a try succeeds, or for good. */
  failed(error: unknown): Error;
  /** The fault that stands, if one does. */
  standing(): Error | undefined;
  /** True when the last word on it is old: somebody who wants to know has to try a write. */
  isStale(): boolean;
}

/** What of the machine is looked at; a test gives its own. */
export interface HealthWorld {
  /** Ms of a monotonic clock. */
  readonly now: () => number;
  /** Bytes left where the database is. */
  readonly freeBytes: (path: string) => number;
}

/** The least time between two tries of a database that failed, and between two looks at its file, ms. */
export const RETRY_MS = 1_000;
/** Without any commit for so long a ping writes, so that a disk that fills up is seen before an alert comes, ms. */
const STALE_MS = 15_000;
/** What is left of the WAL file after a long transaction, bytes. */
export const WAL_BYTES_MAX = 64 * 1024 * 1024;
/**
 * After a full disk: room for the largest delivery (16 MiB) in the log and in the file. Less, and small
 * writes would go through while large ones do not, in turns.
 */
export const FREE_BYTES_MIN = 32 * 1024 * 1024;

const MACHINE: HealthWorld = { now: () => performance.now(), freeBytes };

export function createHealth(path: string, world: HealthWorld = MACHINE): StoreHealth {
  const files = watchFiles(path);
  let standing: Error | undefined;
  let full = false;
  let lasting = false;
  let tried_at = world.now();
  let served_at = Number.NEGATIVE_INFINITY;

  function failed(error: unknown): Error {
    // The first word stands: what follows from it says less.
    if (lasting && standing !== undefined) return standing;
    full = codeOf(error) === 'SQLITE_FULL' || codeOf(error) === 'ENOSPC';
    lasting = isLasting(error);
    standing = fault(error, path);
    tried_at = world.now();
    return standing;
  }

  function foreign(why: string | undefined): Error | undefined {
    if (why === undefined) return undefined;
    lasting = true;
    standing = new Error(
      `${why} while autoheal has it open: what is written now would be lost. ` +
        'Put the file back and restart autoheal; until then it writes nothing',
    );
    return standing;
  }

  return {
    failed,
    refusal() {
      if (lasting) return standing;
      const now = world.now();
      const soon = now - tried_at < RETRY_MS;
      if (soon && standing !== undefined) return standing;
      if (!soon) tried_at = now;
      const touched = foreign(files.foreign(!soon));
      if (touched !== undefined) return touched;
      return full && world.freeBytes(path) < FREE_BYTES_MIN ? standing : undefined;
    },
    served() {
      const touched = foreign(files.left());
      if (touched !== undefined) return touched;
      standing = undefined;
      full = false;
      served_at = world.now();
      return undefined;
    },
    standing: () => standing,
    isStale: () => standing !== undefined || world.now() - served_at >= STALE_MS,
  };
}

/** Reads that find the file damaged end the writing too: both are of the same file. */
export function watched(sql: Sql, health: Pick<StoreHealth, 'failed'>): Sql {
  function guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (isLasting(error)) health.failed(error);
      throw error;
    }
  }
  return {
    ...sql,
    all: (text, values) => guard(() => sql.all(text, values)),
    get: (text, values) => guard(() => sql.get(text, values)),
    column: (text, values) => guard(() => sql.column(text, values)),
    run: (text, values) => guard(() => sql.run(text, values)),
    *iterate(text, values) {
      const rows = guard(() => sql.iterate(text, values));
      try {
        for (let row = guard(() => rows.next()); row.done !== true; row = guard(() => rows.next()))
          yield row.value;
      } finally {
        rows.return?.();
      }
    },
  };
}

function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  } catch {
    // A disk that does not say is no reason to wait for it.
    return Number.POSITIVE_INFINITY;
  }
}

interface Seen {
  readonly ino: number;
  readonly size: number;
}

interface Files {
  /** What somebody else did to the file or its log; undefined: nothing. */
  foreign(look_at_file: boolean): string | undefined;
  /** After a commit: the log is as we left it, unless somebody was at it meanwhile; then what they did. */
  left(): string | undefined;
}

/**
 * SQLite does not notice that its file was removed, or its log cut: it goes on writing where no start
 * will ever find it. The log grows back with the next write, so it is looked at before and after each
 * transaction; both together cost about a hundredth of a synced commit.
 */
function watchFiles(path: string): Files {
  const wal_path = `${path}-wal`;
  const file = look(path);
  let left: Seen | undefined;

  function logFault(log: Seen | undefined, least_bytes: number): string | undefined {
    if (left === undefined) return undefined;
    if (log?.ino !== left.ino) return `the log ${wal_path} was removed or replaced`;
    return log.size < Math.min(left.size, least_bytes) ? `the log ${wal_path} was cut` : undefined;
  }
  function fileFault(): string | undefined {
    const now = look(path);
    if (now === 'unknown' || file === 'unknown' || file === undefined) return undefined;
    return now?.ino === file.ino ? undefined : `database ${path} was removed or replaced`;
  }

  return {
    foreign(look_at_file) {
      const log = look(wal_path);
      const why = look_at_file ? fileFault() : undefined;
      return why ?? (log === 'unknown' ? undefined : logFault(log, Number.POSITIVE_INFINITY));
    },
    left() {
      const log = look(wal_path);
      // A longer log is cut by SQLite itself, to this length, when it begins anew.
      const why = log === 'unknown' ? undefined : logFault(log, WAL_BYTES_MAX);
      left = log === 'unknown' ? undefined : log;
      return why;
    },
  };
}

/** Undefined: it is not there. `unknown`: the disk does not say, which the next write will judge. */
function look(path: string): Seen | undefined | 'unknown' {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return 'unknown';
  }
}
