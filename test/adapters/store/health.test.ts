import { mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHealth, WAL_BYTES_MAX } from '../../../src/adapters/store/health.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'autoheal-health-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A database and its log, as a commit left them. */
function committed(log_bytes = 5_000) {
  const file = join(folder, 'a.db');
  writeFileSync(file, 'x');
  writeFileSync(`${file}-wal`, '');
  truncateSync(`${file}-wal`, log_bytes);
  const health = createHealth(file);
  expect(health.served()).toBeUndefined();
  return { health, wal: `${file}-wal` };
}

describe('somebody was at the log while a commit was under way', () => {
  test.each([
    ['removed', (wal: string) => rmSync(wal), /-wal was removed or replaced/],
    ['cut', (wal: string) => truncateSync(wal, 100), /-wal was cut/],
    [
      'replaced',
      (wal: string) => {
        writeFileSync(`${wal}.new`, 'x'.repeat(9_000));
        renameSync(`${wal}.new`, wal);
      },
      /-wal was removed or replaced/,
    ],
  ])('%s: what was committed is not on disk, and nothing is taken any more', (_, harm, why) => {
    const { health, wal } = committed();
    harm(wal);
    expect(health.served()?.message).toMatch(why);
    expect(health.refusal()?.message).toMatch(why);
    expect(health.standing()?.message).toMatch(/restart autoheal/);
  });

  test('a log that SQLite itself made shorter is no harm', () => {
    const { health, wal } = committed(WAL_BYTES_MAX + 1_000_000);
    truncateSync(wal, WAL_BYTES_MAX);
    expect(health.served()).toBeUndefined();
    expect(health.refusal()).toBeUndefined();
  });

  test('a log that grew is none either', () => {
    const { health, wal } = committed();
    truncateSync(wal, 50_000);
    expect(health.served()).toBeUndefined();
    expect(health.refusal()).toBeUndefined();
  });
});
