import { describe, expect, test } from 'vitest';
import { createAuditCheck } from '../../src/engine/audit-check.ts';
import type { Log } from '../../src/ports.ts';
import type { AuditVerdict } from '../../src/store.ts';
import { useFolder } from '../adapters/store/folder.ts';
import { audit } from '../conformance/store-suite/make.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const HEAD = 'ab'.repeat(32);

/** A log of so many entries, of which one may be bad. */
function watched(log: { entries: number; bad?: number }) {
  let now = 1_795_000_000_000;
  const began = now;
  const asked: string[] = [];
  const verified: (number | null)[] = [];
  const logged: object[] = [];
  function error(fields: object): void {
    logged.push(fields);
  }
  const check = createAuditCheck({
    store: {
      async verifyAudit(from, limit = Number.POSITIVE_INFINITY): Promise<AuditVerdict> {
        const rows = Math.max(0, Math.min(limit, log.entries - from + 1));
        asked.push(`${from}+${rows}`);
        const { bad } = log;
        if (bad !== undefined && bad >= from && bad < from + rows)
          return { ok: false, rows: bad - from, bad_seq: bad, why: 'it was edited' };
        return { ok: true, rows, from, head: HEAD };
      },
    },
    clock: { now: () => now },
    log: { debug() {}, info() {}, warn() {}, error } satisfies Log,
    metrics: {
      auditVerified: (at) => void verified.push(at === null ? null : (at - began) / MINUTE),
    },
  });
  return {
    asked,
    verified,
    logged,
    async after(ms: number) {
      now += ms;
      await check.tick();
    },
  };
}

test('the whole log in slices, then again an hour later, from its beginning', async () => {
  const log = { entries: 4_500 };
  const { asked, verified, after } = watched(log);
  await after(MINUTE - 1);
  expect(asked).toEqual([]);
  await after(1);
  await after(5_000);
  expect(verified).toEqual([]);
  await after(5_000);
  expect(asked).toEqual(['1+2000', '2001+2000', '4001+500']);
  expect(verified).toHaveLength(1);
  await after(HOUR - 1);
  expect(asked).toHaveLength(3);
  log.entries = 4_501;
  await after(1);
  expect(asked.at(-1)).toBe('1+2000');
});

test('a log that ends with a slice, and one without an entry, are gone through as well', async () => {
  const full = watched({ entries: 2_000 });
  await full.after(MINUTE);
  await full.after(5_000);
  expect(full.asked).toEqual(['1+2000', '2001+0']);
  expect(full.verified).toHaveLength(1);
  const empty = watched({ entries: 0 });
  await empty.after(MINUTE);
  expect(empty.verified).toHaveLength(1);
});

test('a break is told in the log and counted, each time it is found', async () => {
  const log: { entries: number; bad?: number } = { entries: 10, bad: 7 };
  const { verified, logged, after } = watched(log);
  await after(MINUTE);
  expect(logged).toEqual([{ bad_seq: 7, why: 'it was edited' }]);
  expect(verified).toEqual([null]);
  await after(HOUR);
  expect(verified).toEqual([null, null]);
  delete log.bad;
  await after(HOUR);
  expect(verified.at(-1)).toBe(1 + 2 * 60);
});

describe('on a real store', () => {
  const folder = useFolder();

  test('an entry that was changed in the file is found', async () => {
    const before = await folder.open();
    await before.commit(['a', 'b', 'c'].map((id) => audit(id)));
    await before.close();
    folder.tamper((db) => {
      db.exec('drop trigger audit_no_update');
      db.exec("update audit set reason = 'forged' where seq = 2");
    });
    const store = await folder.open();
    const logged: object[] = [];
    const verified: (number | null)[] = [];
    let now = 0;
    const check = createAuditCheck({
      store,
      clock: { now: () => now },
      log: {
        debug() {},
        info() {},
        warn() {},
        error: (fields) => void logged.push(fields),
      },
      metrics: { auditVerified: (at) => void verified.push(at) },
    });
    now = MINUTE;
    await check.tick();
    expect(verified).toEqual([null]);
    expect(logged).toMatchObject([{ bad_seq: 2 }]);
  });
});
