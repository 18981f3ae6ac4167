import canonicalize from 'canonicalize';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type AuditLink,
  CHAIN_START,
  chainLink,
  linkFault,
  linkText,
  prepareEntry,
} from '../../../src/core/audit/audit-chain.ts';
import { type AuditEntry, auditEntry } from '../../../src/core/audit/audit.ts';

/** Not a hash, but as strict as one: every text has its own. */
function hash(text: string): string {
  return `<${text}>`;
}

const text = fc.string({ unit: 'binary' });
const optional = fc.option(text, { nil: null });
const integer = fc.option(fc.maxSafeInteger(), { nil: null });
const json = fc.dictionary(text, fc.jsonValue({ stringUnit: 'binary' }));
const entries = fc
  .record({
    ts: fc.integer({ min: 0, max: 253_402_300_799_999 }),
    alertname: optional,
    fingerprint: optional,
    cmd: optional,
    result: optional,
    step: integer,
    rc: integer,
    duration_ms: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }), { nil: null }),
    chaos: fc.boolean(),
    actor: text,
    detail: json,
  })
  .map(
    ({ ts, ...draft }): AuditEntry =>
      auditEntry('an id', ts, { kind: 'action_ok', ...draft } as never),
  );

test('the text of a link is RFC 8785 of the record without its hash, ts as RFC 3339', () => {
  fc.assert(
    fc.property(entries, fc.nat(), text, (entry, seq, prev_hash) => {
      const whole = { ...entry, ts: new Date(entry.ts).toISOString(), seq, prev_hash };
      expect(linkText(prepareEntry(entry), seq, prev_hash)).toBe(canonicalize(whole));
    }),
  );
});

test('any change of any field of a chained entry is found', () => {
  const entry = auditEntry('id', 1, { kind: 'action_ok', detail: { a: 1 } });
  const link = chainLink(prepareEntry(entry), CHAIN_START, hash);
  expect(linkFault(link, CHAIN_START, hash)).toBeUndefined();
  for (const field of Object.keys(link) as (keyof AuditLink)[]) {
    const value = typeof link[field] === 'number' ? 77 : field === 'chaos' ? true : 'other';
    const edited = { ...link, [field]: link[field] === true ? false : value } as AuditLink;
    expect(linkFault(edited, CHAIN_START, hash), field).toBeDefined();
  }
});

test('each link is numbered from the one before and carries its hash', () => {
  const entry = prepareEntry(auditEntry('id', 1, { kind: 'resume' }));
  const first = chainLink(entry, CHAIN_START, hash);
  const second = chainLink(entry, first, hash);
  expect([first.seq, first.prev_hash, second.seq]).toEqual([1, '0'.repeat(64), 2]);
  expect(second.prev_hash).toBe(first.hash);
  expect(linkFault(second, CHAIN_START, hash)).toMatch(/entry 1 is missing/);
  expect(linkFault(second, { ...first, hash: 'x' }, hash)).toMatch(/does not follow entry 1/);
  expect(linkFault({ ...second, cmd: 'x' }, first, hash)).toMatch(/entry 2 was changed/);
});

test('strings without UTF-8 become well-formed, at any depth', () => {
  const odd = '\udc00';
  const draft = { kind: 'resume', cmd: odd, detail: { [odd]: [{ x: odd }] } } as const;
  const prepared = prepareEntry(auditEntry('id', 1, { ...draft, detail: { [odd]: [{ x: odd }] } }));
  expect([prepared.cmd, prepared.detail]).toEqual(['\ufffd', '{"\ufffd":[{"x":"\ufffd"}]}']);
});

test.each([
  ['ts', { ts: -1 }],
  ['ts', { ts: 253_402_300_800_000 }],
  ['ts', { ts: 0.5 }],
  ['rc', { rc: 1.5 }],
  ['step', { step: 'x' as never }],
  ['duration_ms', { duration_ms: Number.NaN }],
  ['detail', { detail: [] as never }],
  ['detail', { detail: undefined as never }],
  ['id', { id: undefined as never }],
  ['rule', { rule: undefined as never }],
  ['dry_run', { dry_run: 1 as never }],
])('an entry whose %s cannot be kept is refused by name', (field, part) => {
  const entry = { ...auditEntry('id', 1, { kind: 'resume' }), ...part };
  expect(() => prepareEntry(entry)).toThrow(new RegExp(`audit entry: ${field} must be`));
});
