import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDelivery } from '../../../src/core/alerts/alert.ts';
import { bytes, FOLDER } from './deliveries.ts';

function check(body: Uint8Array): void {
  const result = readDelivery(body);
  if (!result.ok) {
    expect(result.detail).not.toBe('');
    return;
  }
  for (const alert of result.delivery.alerts) {
    expect(alert.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(Object.keys(alert.labels).length).toBeGreaterThan(0);
    for (const text of [...Object.values(alert.labels), ...Object.values(alert.annotations)])
      expect(text.isWellFormed()).toBe(true);
  }
}

describe('anything', () => {
  test('bytes never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check));
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }).map(bytes), check));
  });

  test('what is not JSON names the offset at which JSON ends', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      'tru',
      'null',
      '1',
      '-',
      ' ',
      '\n',
      '"',
    );
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 12 }), (tokens) => {
        const text = tokens.join('');
        const result = readDelivery(bytes(text));
        if (result.ok || result.code !== 'not_json' || text.trim() === '') return;
        const offset = Number(
          /at offset (\d+) \(line \d+, column \d+\): ./.exec(result.detail)?.[1],
        );
        expect(offset).toBeGreaterThanOrEqual(0);
        expect(offset).toBeLessThanOrEqual(text.length);
        // What stands before the offset is right: it is JSON, or only lacks its end.
        const before = readDelivery(bytes(text.slice(0, offset)));
        if (before.ok || before.code !== 'not_json') return;
        expect(before.detail).toMatch(new RegExp(`empty|at offset ${offset} .*ends too early`));
      }),
      { numRuns: 2_000 },
    );
  });

  test('JSON values never throw, also where an alert is expected', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => check(bytes(JSON.stringify(value)))));
    const odd = fc.jsonValue({ maxDepth: 3 });
    const status = fc.oneof(fc.constantFrom('firing', 'resolved'), odd);
    const alert = fc.record(
      {
        status,
        labels: fc.oneof(fc.dictionary(fc.string(), fc.string({ unit: 'binary' })), odd),
        annotations: odd,
        startsAt: odd,
        endsAt: odd,
        fingerprint: odd,
        generatorURL: odd,
      },
      { requiredKeys: [] },
    );
    const body = fc.record(
      {
        status,
        alerts: fc.array(fc.oneof(alert, odd)),
        groupKey: odd,
        receiver: odd,
        version: odd,
      },
      { requiredKeys: ['alerts'] },
    );
    fc.assert(
      fc.property(body, (value) => check(bytes(JSON.stringify(value)))),
      { numRuns: 1_000 },
    );
  });

  test('mutated fixtures never throw', () => {
    const bodies = readdirSync(FOLDER).map((file) => readFileSync(join(FOLDER, file)));
    const edit = fc.record({ at: fc.nat(8_000), byte: fc.nat(255), cut: fc.nat(3) });
    fc.assert(
      fc.property(fc.constantFrom(...bodies), fc.array(edit, { maxLength: 5 }), (body, edits) => {
        let mutated = [...body];
        for (const { at, byte, cut } of edits)
          mutated = mutated.toSpliced(at % (mutated.length + 1), cut, byte);
        check(Uint8Array.from(mutated));
      }),
      { numRuns: 1_000 },
    );
  });
});
