import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { audit, delivery } from '../../conformance/store-suite/make.ts';
import { MIGRATIONS } from '../../../src/adapters/store/schema.ts';
import { useFolder } from './folder.ts';

const OPENER = fileURLToPath(new URL('./opener.ts', import.meta.url));

describe('opening the file', () => {
  const { path, open, tamper } = useFolder();

  test('makes the folder and the file for its user alone', async () => {
    const file = path('a/b/autoheal.db');
    const store = await open({ path: file });
    await store.commit([delivery('a')]);
    expect(((await stat(path('a/b'))).mode & 0o777).toString(8)).toBe('700');
    for (const name of [file, `${file}-wal`]) {
      expect(((await stat(name)).mode & 0o777).toString(8)).toBe('600');
    }
  });

  test('keeps the mode its owner gave an existing file', async () => {
    await (await open()).close();
    await chmod(path(), 0o640);
    await open();
    expect(((await stat(path())).mode & 0o777).toString(8)).toBe('640');
  });

  test('a second opener is told that the file is in use, here and in another process', async () => {
    const store = await open();
    expect(store.exclusive).toBe(true);
    await expect(open()).rejects.toThrow(/in use by another autoheal/);
    expect(await openElsewhere(path())).toMatch(/in use by another autoheal/);
    await store.commit([delivery('still works')]);
    await store.close();
    expect(await openElsewhere(path())).toBe('opened');
  });

  test('a file that is no database stays as it is', async () => {
    const text = 'this is somebody\u2019s diary, not a database. '.repeat(200);
    await writeFile(path(), text);
    await expect(open()).rejects.toThrow(/is not a database: move the file away/);
    expect(await readFile(path(), 'utf8')).toBe(text);
  });

  test("another program's database stays as it is", async () => {
    tamper((db) => db.exec('create table theirs (x)'));
    const before = await readFile(path());
    await expect(open()).rejects.toThrow(/belongs to another program/);
    expect(Buffer.compare(before, await readFile(path()))).toBe(0);
  });

  test('a damaged file says what to do', async () => {
    const store = await open();
    for (let index = 0; index < 50; index++) await store.commit([audit(`${index}`)]);
    await store.close();
    const bytes = await readFile(path());
    await writeFile(path(), bytes.fill(0x5a, 4096));
    await expect(open()).rejects.toThrow(/is damaged: restore it from a backup/);
  });

  test('a folder in the place of the file, a file in the place of the folder', async () => {
    await mkdir(path());
    await expect(open()).rejects.toThrow(/is a folder|cannot be written/);
    await writeFile(path('file'), '');
    await expect(open({ path: path('file/a.db') })).rejects.toThrow(/a file is in its way/);
  });

  // Root writes everywhere, so the read-only folder is one that no user can write.
  test.skipIf(process.platform !== 'linux')('a folder that cannot be written says so', async () => {
    await expect(open({ path: '/sys/autoheal/a.db' })).rejects.toThrow(/cannot be (written|made)/);
  });

  test('an empty audit key is refused', async () => {
    await expect(open({ audit_key: new Uint8Array() })).rejects.toThrow(/audit key is empty/);
  });

  test('every commit is synced: WAL, synchronous full', async () => {
    const store = await open();
    await store.commit([delivery('a')]);
    await store.close();
    tamper((db) => expect(db.pragma('journal_mode', { simple: true })).toBe('wal'));
  });
});

describe('schema versions', () => {
  const { path, open, tamper } = useFolder();

  test('a newer breaking schema is refused, with both numbers', async () => {
    await (await open()).close();
    tamper(newer(1));
    const both = `newer autoheal: its schema is at 99 (later), this version knows ${MIGRATIONS.length}.`;
    await expect(open()).rejects.toThrow(both);
  });

  test('a newer schema that only added things is fine', async () => {
    await (await open()).close();
    tamper(newer(0));
    await (await open()).ping();
  });

  test('an edited migration is refused', async () => {
    await (await open()).close();
    tamper((db) => db.exec("update migrations set checksum = 'other' where version = 1"));
    await expect(open()).rejects.toThrow(/migration 1 \(first tables\) differs/);
    expect(path()).toContain('autoheal.db');
  });
});

/** What a second process says when it opens the file. */
async function openElsewhere(file: string): Promise<string> {
  const child = spawn(process.execPath, [OPENER, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  await once(child, 'close');
  return said;
}

function newer(breaking: number): (db: Database.Database) => void {
  return (db) => {
    const row = "insert into migrations values (99, 'later', 'x', ?, 0)";
    db.prepare(row).run(breaking);
  };
}
