import { writeSync } from 'node:fs';
import Database from 'better-sqlite3';

/**
 * The points at which a process can be told to kill itself: before and after every transaction of its
 * database, and every line of its journal. They are counted from 1; CRASH_AT names the one to die at.
 */
const AT = Number(process.env['CRASH_AT'] ?? 0);
let counted = 0;

/** Dies here, by SIGKILL, when it is the point's turn; its name is its last line on stdout. */
export function point(name: string): void {
  counted += 1;
  if (counted !== AT) return;
  writeSync(1, `killed at point ${counted}: ${name}\n`);
  // A signal to oneself is there before the call returns: nothing after this line runs.
  process.kill(process.pid, 'SIGKILL');
}

/**
 * Makes both sides of each COMMIT a point. Before it, nothing of the transaction is on disk; after it, all
 * of it is, and nobody has been told. It hooks the driver and not the store's port, because the units of
 * one turn share a transaction: the disk knows no other commit points than these.
 */
export function watchCommits(): void {
  const db = new Database(':memory:');
  const statement = Object.getPrototypeOf(db.prepare('select 1')) as Database.Statement;
  db.close();
  const run = statement.run;
  statement.run = function counting(this: Database.Statement, ...values: unknown[]) {
    if (this.source !== 'commit') return run.apply(this, values);
    point('before a commit');
    const result = run.apply(this, values);
    point('after a commit');
    return result;
  };
}
