import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AuditEntry, type AuditRecord, auditEntry } from '../../../src/core/audit/audit.ts';
import type { AuditQuery, Store } from '../../../src/store.ts';
import { NOW, type OpenSubject, audit, useStore } from './make.ts';

const ENTRY: AuditEntry = {
  id: 'whole',
  ts: NOW + 7,
  kind: 'action_ok',
  alertname: 'A "quoted" ü',
  fingerprint: 'f',
  episode: 'e',
  rule: 'ru',
  remediation: 're',
  step: 1,
  attempt: 2,
  action: 'set_flag',
  target: 'flag/x',
  cmd: 'set x',
  result: 'ok',
  reason: 'why',
  rc: -1,
  duration_ms: 12.75,
  chaos: true,
  drill: true,
  dry_run: true,
  actor: 'alice',
  trace_id: 'ab',
  detail: { z: 1, a: [1e21, null, { b: true, a: '\u2028' }] },
};

export function auditSuite(open: OpenSubject): void {
  const { store, reopen } = useStore(open);

  test('an entry keeps every field, is numbered and chained from zeros', async () => {
    await store().commit([{ kind: 'audit', entry: ENTRY }, audit('second')]);
    await reopen();
    const { items } = await store().audit({ order: 'asc', limit: 10 });
    const [first, second] = items as [AuditRecord, AuditRecord];
    expect(first).toMatchObject({ ...ENTRY, seq: 1, prev_hash: '0'.repeat(64) });
    expect([second.seq, second.prev_hash]).toEqual([2, first.hash]);
    await store().commit([audit('third')]);
    const third = (await store().audit({ order: 'desc', limit: 1 })).items[0];
    expect([third?.seq, third?.prev_hash]).toEqual([3, second.hash]);
  });

  test('anybody can check a link: the item without its hash, canonical, ts in RFC 3339', async () => {
    await store().commit([{ kind: 'audit', entry: ENTRY }]);
    const { items } = await store().audit({ order: 'asc', limit: 1 });
    const { hash, ...rest } = items[0] as AuditRecord;
    const text = canonicalize({ ...rest, ts: new Date(rest.ts).toISOString() }) as string;
    expect(createHash('sha256').update(text).digest('hex')).toBe(hash);
  });

  test('verify: whole, from the middle, and past the end', async () => {
    expect(await store().verifyAudit(1)).toMatchObject({ ok: true, rows: 0 });
    for (let index = 0; index < 5; index++) await store().commit([audit(`${index}`)]);
    const { items } = await store().audit({ order: 'desc', limit: 1 });
    const head = items[0]?.hash;
    expect(await store().verifyAudit(1)).toEqual({ ok: true, rows: 5, from: 1, head });
    expect(await store().verifyAudit(0)).toEqual({ ok: true, rows: 5, from: 1, head });
    expect(await store().verifyAudit(4)).toEqual({ ok: true, rows: 2, from: 4, head });
    expect(await store().verifyAudit(6)).toEqual({ ok: true, rows: 0, from: 6, head });
    expect(await store().verifyAudit(7)).toMatchObject({ ok: false, bad_seq: 6 });
    expect(await store().verifyAudit(2, 3)).toMatchObject({ ok: true, rows: 3, from: 2 });
    expect(await store().verifyAudit(4, 3)).toEqual({ ok: true, rows: 2, from: 4, head });
    expect(await store().verifyAudit(6, 3)).toMatchObject({ ok: true, rows: 0, from: 6 });
  });

  test('after leaves out what came up to it', async () => {
    for (let index = 0; index < 5; index += 1) await store().commit([audit(`${index}`)]);
    const { items } = await store().audit({ order: 'asc', after: 3, limit: 10 });
    expect(items.map(({ seq }) => seq)).toEqual([4, 5]);
  });

  test('since and until are exact, also when the clock goes back and forth', async () => {
    const minutes = [10, 11, 500, 12, 9, 500, 13, 2, 14, 499, 15];
    for (const [index, minute] of minutes.entries()) {
      // Two entries a commit, so that a batch spans minutes in both directions.
      const ts = NOW + minute * 60_000 + index;
      await store().commit([audit(`${index}`, {}, ts), audit(`${index}x`, {}, ts - 61_000)]);
    }
    const all = (await store().audit({ order: 'asc', limit: 1000 })).items;
    for (const since of all.map((one) => one.ts)) {
      for (const until of [since, since + 1, since + 120_000, NOW + 1e9]) {
        const { items } = await store().audit({ order: 'asc', limit: 1000, since, until });
        const wanted = all.filter((one) => one.ts >= since && one.ts < until);
        expect(items.map((one) => one.id)).toEqual(wanted.map((one) => one.id));
      }
    }
  });

  test('free text: any case, wildcards are plain, other scripts too', async () => {
    await store().commit([
      audit('a', { cmd: 'docker restart CRM-api' }),
      audit('b', { detail: { note: '100%_done' } }),
      audit('c', { rule: 'ÄRGER' }),
      audit('d', { reason: String.raw`a\b` }),
    ]);
    async function find(q: string): Promise<string> {
      const { items } = await store().audit({ order: 'asc', limit: 9, q });
      return items.map((one) => one.id).join('');
    }
    expect(await find('crm-API')).toBe('a');
    expect(await find('%_D')).toBe('b');
    expect(await find('%')).toBe('b');
    expect(await find('_')).toBe('b');
    expect(await find('ärg')).toBe('c');
    expect(await find(String.raw`A\B`)).toBe('d');
    expect(await find('nothing')).toBe('');
    expect(await find('')).toBe('abcd');
  });

  test('bad queries say so', async () => {
    const base = { order: 'asc', limit: 10 } as const;
    await store().commit([audit('a'), audit('b')]);
    const { next_cursor } = await store().audit({ ...base, limit: 1 });
    const many = Array.from({ length: 101 }, (_, index) => `${index}`);
    const bad: readonly AuditQuery[] = [
      { ...base, limit: 0 },
      { ...base, limit: 1001 },
      { ...base, cursor: 'nonsense' },
      { ...base, order: 'desc', cursor: next_cursor as string },
      { ...base, target: many },
      { ...base, q: 'x'.repeat(201) },
    ];
    for (const query of bad) {
      await expect(store().audit(query)).rejects.toMatchObject({ code: 'invalid_request' });
    }
  });

  test('for any log and filter, the pages together are the filtered log', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(entries, { minLength: 1, maxLength: 60 }),
        fc.array(queries, { minLength: 8, maxLength: 8 }),
        async (log, asked) => {
          const subject = await open();
          try {
            await append(subject.store, log);
            for (const query of asked) {
              const found = await allPages(subject.store, query);
              expect(found).toEqual(oracle(log, query));
            }
          } finally {
            await subject.dispose();
          }
        },
      ),
      { numRuns: 60 },
    );
  });
}

const word = fc.constantFrom('a', 'b', 'c');
const optional = fc.option(word, { nil: null, freq: 3 });
const kind = fc.constantFrom('action_ok', 'action_fail', 'alert_firing', 'resume');
const entries = fc
  .record({
    kind,
    alertname: optional,
    fingerprint: optional,
    episode: optional,
    remediation: optional,
    target: optional,
    rule: optional,
    action: optional,
    result: optional,
    reason: optional,
    actor: word,
    chaos: fc.boolean(),
    drill: fc.boolean(),
    cmd: fc.option(fc.constantFrom('Docker Restart', '50%'), { nil: null }),
    detail: fc.constantFrom<Record<string, string>>({}, { note: 'Found IT' }),
    at: fc.integer({ min: 0, max: 400_000 }),
  })
  .map(({ at, ...draft }) => auditEntry(`${at}`, NOW + at, draft as never));

const values = fc.array(word, { minLength: 0, maxLength: 3 });
const time = fc.integer({ min: -10_000, max: 410_000 }).map((at) => NOW + at);
const queries: fc.Arbitrary<AuditQuery> = fc
  .record(
    {
      kind: fc.array(kind, { maxLength: 3 }),
      alertname: values,
      fingerprint: values,
      episode: values,
      remediation: values,
      target: values,
      rule: values,
      action: values,
      result: values,
      reason: values,
      actor: values,
      chaos: fc.boolean(),
      drill: fc.boolean(),
      since: time,
      until: time,
      q: fc.constantFrom('docker', '%', 'found it', 'zzz'),
      order: fc.constantFrom('asc', 'desc'),
      limit: fc.integer({ min: 1, max: 20 }),
    },
    { requiredKeys: ['order', 'limit'] },
  )
  .map((query) => sparse(query) as unknown as AuditQuery);

/** Two filters at most, or nearly every answer would be empty. */
function sparse(query: Record<string, unknown>): Record<string, unknown> {
  const { order, limit, ...filters } = query;
  const some = Object.entries(filters).filter((_, index) => (index * 7 + Number(limit)) % 5 < 1);
  return { order, limit, ...Object.fromEntries(some) };
}

/** Several units in one turn, so that batches hold more than one minute. */
async function append(store: Store, log: readonly AuditEntry[]): Promise<void> {
  for (let at = 0; at < log.length; at += 7) {
    const units = log.slice(at, at + 7).map((entry) => store.commit([{ kind: 'audit', entry }]));
    await Promise.all(units);
  }
}

async function allPages(store: Store, query: AuditQuery): Promise<readonly number[]> {
  const seqs: number[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await store.audit(cursor === undefined ? query : { ...query, cursor });
    expect(page.items.length).toBeLessThanOrEqual(query.limit);
    seqs.push(...page.items.map((one) => one.seq));
    if (page.next_cursor === null) return seqs;
    expect(page.items.length).toBe(query.limit);
    cursor = page.next_cursor;
  }
}

function oracle(log: readonly AuditEntry[], query: AuditQuery): readonly number[] {
  const numbered = log.map((entry, index) => ({ entry, seq: index + 1 }));
  const fitting = numbered.filter(({ entry }) => fits(entry, query)).map(({ seq }) => seq);
  return query.order === 'asc' ? fitting : fitting.toReversed();
}

function fits(entry: AuditEntry, query: AuditQuery): boolean {
  for (const [field, wanted] of Object.entries(query)) {
    const value = entry[field as keyof AuditEntry];
    if (Array.isArray(wanted) && wanted.length > 0 && !wanted.includes(value)) return false;
    if (typeof wanted === 'boolean' && value !== wanted) return false;
  }
  if (query.since !== undefined && entry.ts < query.since) return false;
  if (query.until !== undefined && entry.ts >= query.until) return false;
  return query.q === undefined || searched(entry).includes(query.q);
}

function searched(entry: AuditEntry): string {
  const { alertname, rule, target, cmd, reason, result } = entry;
  const detail = JSON.stringify(entry.detail);
  return [alertname, rule, target, cmd, reason, result, detail].join('\n').toLowerCase();
}
