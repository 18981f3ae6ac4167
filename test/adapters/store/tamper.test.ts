import type Database from 'better-sqlite3';
import { beforeEach, describe, expect, test } from 'vitest';
import { NOW, audit } from '../../conformance/store-suite/make.ts';
import { useFolder } from './folder.ts';

const ROWS = 2500;
const KEY = new TextEncoder().encode('a key of the operator');

describe('a chain that somebody worked on', () => {
  const { open, tamper } = useFolder();

  beforeEach(async () => {
    const store = await open({ audit_key: KEY });
    const drafts = Array.from({ length: ROWS }, (_, index) =>
      audit(`${index + 1}`, { cmd: `docker restart ${index}`, chaos: index % 2 === 0 }),
    );
    await store.commit(drafts);
    await store.close();
  });

  function edit(...statements: readonly string[]): void {
    tamper((db) => {
      db.exec('drop trigger audit_no_update; drop trigger audit_no_delete;');
      for (const statement of statements) db.exec(statement);
    });
  }

  test('untouched, it verifies in slices and from anywhere', async () => {
    const store = await open({ audit_key: KEY });
    expect(await store.verifyAudit(1)).toMatchObject({ ok: true, rows: ROWS });
    expect(await store.verifyAudit(2000)).toMatchObject({ ok: true, rows: 501, from: 2000 });
    expect(await store.verifyAudit(2000, 100)).toMatchObject({ ok: true, rows: 100, from: 2000 });
    expect(await store.verifyAudit(ROWS, 100)).toMatchObject({ ok: true, rows: 1, from: ROWS });
    expect(await store.verifyAudit(ROWS + 1, 100)).toMatchObject({ ok: true, rows: 0 });
  });

  test.each([
    ['an edited text', ["update audit set cmd = 'rm -rf' where seq = 1700"], 1700, /was changed/],
    ['an edited time', ['update audit set ts = ts + 1 where seq = 1'], 1, /was changed/],
    ['an edited flag', ['update audit set chaos = 0 where seq = 3'], 3, /was changed/],
    ['an edited detail', [`update audit set detail = '{"a":1}' where seq = 9`], 9, /was changed/],
    ['an impossible time', ['update audit set ts = 9e15 where seq = 9'], 9, /cannot be read/],
    ['a deleted entry', ['delete from audit where seq = 1200'], 1200, /1200 is missing/],
    ['a deleted beginning', ['delete from audit where seq < 4'], 1, /entry 1 is missing/],
    [
      'two entries exchanged',
      [
        'update audit set seq = -1 where seq = 50',
        'update audit set seq = 50 where seq = 51',
        'update audit set seq = 51 where seq = -1',
      ],
      50,
      /does not follow/,
    ],
    [
      'a deleted entry, the rest moved up',
      ['delete from audit where seq = 2499', 'update audit set seq = 2499 where seq = 2500'],
      2499,
      /does not follow/,
    ],
    [
      'an inserted entry',
      [
        'update audit set seq = 2501 where seq = 2500',
        `insert into audit (seq, id, ts, kind, chaos, drill, dry_run, actor, detail, prev_hash, hash)
         select 2500, 'x', ${NOW}, 'resume', 0, 0, 0, 'eve', '{}', hash, 'f' from audit where seq = 2499`,
      ],
      2500,
      /was changed/,
    ],
    [
      'a forged link: edited, with a plain hash in place of the keyed one',
      [`update audit set hash = '${'0'.repeat(64)}' where seq = 2500`],
      2500,
      /was changed/,
    ],
  ])('%s is found, with its number', async (_, statements, bad_seq, why) => {
    edit(...statements);
    const store = await open({ audit_key: KEY });
    const verdict = await store.verifyAudit(1);
    expect(verdict).toMatchObject({ ok: false, bad_seq, rows: bad_seq - 1 });
    expect(verdict.ok ? '' : verdict.why).toMatch(why);
  });

  test('the link to the entry before `from` counts too', async () => {
    edit(`update audit set hash = '${'a'.repeat(64)}' where seq = 99`);
    const store = await open({ audit_key: KEY });
    expect(await store.verifyAudit(100)).toMatchObject({ ok: false, bad_seq: 100, rows: 0 });
    expect(await store.verifyAudit(101)).toMatchObject({ ok: true });
  });

  test('a missing entry before `from` is named', async () => {
    edit('delete from audit where seq = 99');
    const store = await open({ audit_key: KEY });
    const verdict = await store.verifyAudit(100);
    expect(verdict).toEqual({ ok: false, rows: 0, bad_seq: 99, why: 'entry 99 is missing' });
  });

  test('a missing tail is not seen by the chain, only by who remembers its head', async () => {
    edit('delete from audit where seq > 2400');
    const store = await open({ audit_key: KEY });
    expect(await store.verifyAudit(1)).toMatchObject({ ok: true, rows: 2400 });
    expect(await store.verifyAudit(ROWS)).toMatchObject({ ok: false, bad_seq: 2401 });
  });

  test('without its key, or with another, the chain does not verify', async () => {
    for (const audit_key of [undefined, new TextEncoder().encode('another')]) {
      const store = await open(audit_key === undefined ? {} : { audit_key });
      expect(await store.verifyAudit(1)).toMatchObject({ ok: false, bad_seq: 1 });
      await store.close();
    }
  });

  describe('after retention', () => {
    beforeEach(async () => {
      const store = await open({ audit_key: KEY });
      const now = NOW + 100 * 86_400_000;
      await store.commit([audit('young', {}, now)]);
      await store.retain({
        now,
        audit_before: now - 1,
        deliveries_before: 0,
        episodes_before: 0,
        slo_before: 0,
        runs_since: now - 1,
        checkpoint_id: 'checkpoint',
      });
      await store.commit([audit('after', {}, now), audit('later', {}, now)]);
      await store.close();
    });

    test('the chain goes on from the checkpoint', async () => {
      const store = await open({ audit_key: KEY });
      expect(await store.verifyAudit(1)).toMatchObject({ ok: true, rows: 4, from: ROWS + 1 });
    });

    test.each([
      [
        'an edited entry',
        [`update audit set cmd = 'x' where id = 'after'`],
        ROWS + 3,
        /was changed/,
      ],
      [
        'an entry edited behind the checkpoint',
        [`update audit set actor = 'eve' where id = 'young'`],
        ROWS + 1,
        /was changed/,
      ],
      ['a deleted entry', [`delete from audit where id = 'after'`], ROWS + 3, /is missing/],
      ['a deleted beginning', [`delete from audit where id = 'young'`], ROWS + 1, /is missing/],
      [
        'a deleted beginning, with the checkpoint moved after it',
        [
          `update audit_checkpoint set (seq, hash) = (select seq, hash from audit where id = 'young')`,
          `delete from audit where id = 'young'`,
        ],
        ROWS + 2,
        /no audit_checkpoint entry says/,
      ],
      ['a checkpoint that was removed', ['delete from audit_checkpoint'], 1, /entry 1 is missing/],
      [
        'another hash in the checkpoint',
        [`update audit_checkpoint set hash = '${'f'.repeat(64)}'`],
        ROWS + 1,
        /does not follow/,
      ],
    ])('%s is found', async (_, statements, bad_seq, why) => {
      edit(...statements);
      const verdict = await (await open({ audit_key: KEY })).verifyAudit(1);
      expect(verdict).toMatchObject({ ok: false, bad_seq });
      expect(verdict.ok ? '' : verdict.why).toMatch(why);
    });

    test('the file refuses to delete what came after the checkpoint', () => {
      tamper(refused(`delete from audit where id = 'young'`));
    });
  });

  test('the file refuses to change or delete an entry', () => {
    tamper(refused("update audit set cmd = 'x' where seq = 1"));
    tamper(refused('delete from audit where seq = 1'));
  });
});

function refused(statement: string): (db: Database.Database) => void {
  return (db) => expect(() => db.exec(statement)).toThrow(/append-only/);
}
