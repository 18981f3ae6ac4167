import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AuditRecord, auditEntry } from '../../../src/core/audit/audit.ts';
import { CSV_FIELDS, CSV_HEADER, csvLine } from '../../../src/core/audit/csv.ts';
import { AuditItem, auditView } from '../../../src/http/views.ts';
import { parseCsv } from '../../http/csv.ts';

function record(part: Partial<AuditRecord> = {}): AuditRecord {
  const entry = auditEntry('a-1', Date.UTC(2026, 2, 1), { kind: 'action_ok', actor: 'local' });
  return { ...entry, seq: 7, prev_hash: '0'.repeat(64), hash: 'ab'.repeat(32), ...part };
}

function cells(part: Partial<AuditRecord>): Readonly<Record<string, string | null>> {
  const [row = []] = parseCsv(csvLine(record(part)));
  return Object.fromEntries(CSV_FIELDS.map((field, at) => [field, row[at] ?? null]));
}

test('the columns are the fields of the JSON answer, in its order', () => {
  expect([...CSV_FIELDS]).toEqual(Object.keys(AuditItem.shape));
  expect(CSV_HEADER).toBe(`${CSV_FIELDS.join(',')}\r\n`);
});

test('a line as RFC 4180 has it', () => {
  const line = csvLine(record({ cmd: 'say "hi", twice\nnow', rc: -1, detail: { a: 'b' } }));
  expect(line).toBe(
    '7,a-1,2026-03-01T00:00:00.000Z,action_ok,,,,,,,,,,"say ""hi"", twice\nnow",,,-1,,' +
      `false,false,false,local,,"{""a"":""b""}",${'0'.repeat(64)},${'ab'.repeat(32)}\r\n`,
  );
});

test('no value and an empty text differ', () => {
  expect(csvLine(record({ cmd: '', reason: null }))).toContain(',,"",,,');
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', "'=1", '＝1', '=cmd|"x"!A1'])(
  '%j does not begin as a formula',
  (cmd) => {
    expect(cells({ cmd })).toMatchObject({ cmd: `'${cmd}` });
    expect(csvLine(record({ cmd }))).not.toMatch(/(^|,)"?[=+\-@\t\r\n＝]\D/);
  },
);

test('numbers of ours stay numbers', () => {
  expect(cells({ rc: -9, duration_ms: 0.25, step: 1 })).toMatchObject({
    rc: '-9',
    duration_ms: '0.25',
    step: '1',
  });
});

test('whatever the texts are, reading gives back what was written', () => {
  const text = fc.string({ unit: 'binary' }).map((value) => value.toWellFormed());
  fc.assert(
    fc.property(text, fc.dictionary(text, text), (cmd, detail) => {
      const row = cells({ cmd, detail });
      expect(row['cmd']?.replace(/^'/, '')).toBe(cmd);
      expect(JSON.parse(row['detail'] ?? '')).toEqual(
        (auditView(record({ detail })) as AuditRecord).detail,
      );
    }),
  );
});
