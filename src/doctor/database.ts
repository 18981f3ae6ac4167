import { constants, existsSync, statSync } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { codeOf, fault } from '../adapters/store/faults.ts';
import { checkOwner } from '../adapters/store/migrations.ts';
import type { Sql, Value } from '../adapters/store/sqlite.ts';
import { ask, textAt } from './ask.ts';
import { type Finding, notebook, type Notebook } from './finding.ts';
import { type Installation, serviceUrl } from './installation.ts';

const MIB = 1024 * 1024;
/** Below this the next busy hour can fill the disk. */
const DISK_FAIL_BYTES = 100 * MIB;
const DISK_WARN_BYTES = 1024 * MIB;
/** A lock that is held longer than this is a running service's. */
const BUSY_TIMEOUT_MS = 500;

/** Folder, disk and file of the database, and the service that may have it open. */
export async function checkDatabase(of: Installation): Promise<readonly Finding[]> {
  const note = notebook('database');
  const { path } = of.config.database;
  const folder = nearestFolder(dirname(resolve(path)));
  await checkFolder(note, folder, path);
  const used = existsSync(path) && (await checkFile(note, path));
  return [...note.findings(), ...(await checkService(of, used))];
}

async function checkFolder(note: Notebook, folder: string, path: string): Promise<void> {
  if (!statSync(folder).isDirectory()) {
    note.fail(
      `${folder} is not a folder`,
      'move it away, or point AUTOHEAL_DATABASE_URL elsewhere',
    );
    return;
  }
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    if (!existsSync(path)) note.ok(`${path} will be made at the first start`);
  } catch {
    note.fail(
      `this user may not write to ${folder}`,
      `give the user who runs autoheal the folder (chown), or point AUTOHEAL_DATABASE_URL elsewhere`,
    );
  }
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const what = `${Math.floor(free / MIB)} MiB are free in ${folder}`;
  const fix = `free space on the disk of ${folder}, or point AUTOHEAL_DATABASE_URL to another one`;
  if (free < DISK_FAIL_BYTES) note.fail(what, fix);
  else if (free < DISK_WARN_BYTES) note.warn(what, fix);
  else note.ok(what);
}

/** The folder, or the one above it that exists: the store makes the others. */
function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}

/** Opened for reading only, so that nothing is moved. @returns true when somebody has it open. */
async function checkFile(note: Notebook, path: string): Promise<boolean> {
  const { default: Database } = await import('better-sqlite3');
  try {
    const db = new Database(path, { readonly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      checkOwner({
        path,
        column: <T extends Value>(text: string) => db.prepare(text).pluck().all() as T[],
      } as Partial<Sql> as Sql);
      note.ok(`${path} opens`);
    } finally {
      db.close();
    }
    return false;
  } catch (error) {
    if (codeOf(error).startsWith('SQLITE_BUSY')) {
      note.ok(`${path} is in use, as it is while autoheal runs`);
      return true;
    }
    note.fail(fault(error, path).message, 'do what the sentence says, then run doctor again');
    return false;
  }
}

async function checkService(of: Installation, used: boolean): Promise<readonly Finding[]> {
  const note = notebook('service');
  const url = serviceUrl(of);
  if (!URL.canParse(url)) {
    note.fail('AUTOHEAL_URL is not an address', 'write e.g. AUTOHEAL_URL=http://127.0.0.1:9009');
    return note.findings();
  }
  const answer = await ask(url, '/health/readiness');
  if (answer.ok && answer.status === 200) note.ok(`${url} is ready`);
  else if (answer.ok && textAt(answer.body, 'code') === 'not_ready')
    note.fail(`${url} is not ready: ${textAt(answer.body, 'detail')}`, 'see its log');
  else if (answer.ok)
    note.fail(
      `${url} answered ${answer.status} to /health/readiness: that is not autoheal`,
      'set AUTOHEAL_URL to where autoheal listens, or free the port (AUTOHEAL_PORT)',
    );
  else if (used)
    note.fail(
      `the database is in use, but nothing answers: ${answer.why}`,
      'set AUTOHEAL_URL to where the running autoheal listens; another program that has the database open must let it go',
    );
  else note.skip(`it does not run at ${url}`, 'start it with: npx autoheal serve');
  return note.findings();
}
