import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readDelivery } from '../../../src/core/alerts/alert.ts';
import {
  ALERTS_MAX,
  judgeDelivery,
  LABEL_NAME_MAX_BYTES,
  LABEL_VALUE_MAX_BYTES,
  LABELS_MAX,
} from '../../../src/core/alerts/judge.ts';
import { bytes, EXAMPLES, FOLDER } from './deliveries.ts';

/** What intake answers is what the drain finds later, or a sender was told the wrong thing. */
function agree(body: Uint8Array): void {
  const judged = judgeDelivery(body);
  const read = readDelivery(body);
  if (!read.ok) {
    expect(judged).toEqual(read);
    return;
  }
  const { alerts, unusable } = read.delivery;
  const drill = alerts.length > 0 && alerts.every((alert) => alert.drill);
  expect(judged).toEqual({ ok: true, alerts: alerts.length, unusable, drill });
  // Told by what was built, not by what was judged: the labels that matching and people see.
  for (const alert of alerts) {
    expect(alert.drill).toBe(alert.labels['drill'] === 'true');
    expect(Object.values(alert.labels)).not.toContain('');
    expect(Object.keys(alert.labels)).not.toHaveLength(0);
  }
}

function agreeOn(value: unknown): void {
  agree(bytes(JSON.stringify(value)));
}

test.each([
  ...readdirSync(FOLDER).map((file) => [file, join(FOLDER, file)] as const),
  ...readdirSync(EXAMPLES).map((file) => [file, join(EXAMPLES, file)] as const),
])('%s', (_name, path) => agree(readFileSync(path)));

const word = fc.constantFrom('', 'drill', 'alertname', 'true', 'firing', 'Resolved', '\ud800', 'x');
const scalar = fc.oneof(word, fc.boolean(), fc.integer(), fc.constant(null));
const odd = fc.oneof(scalar, fc.jsonValue({ maxDepth: 2 }));
const labels = fc.oneof(
  { weight: 4, arbitrary: fc.dictionary(word, scalar, { maxKeys: 4 }) },
  fc.dictionary(word, odd, { maxKeys: 3 }),
  odd,
);
const status = fc.oneof(word, odd);
const alert = fc.oneof(
  { weight: 6, arbitrary: fc.record({ status, labels }, { requiredKeys: [] }) },
  fc.record({ labels }),
  odd,
);

test('any alerts', () => {
  const body = fc.record({ status, alerts: fc.array(alert, { maxLength: 4 }) });
  fc.assert(fc.property(body, agreeOn), { numRuns: 3_000 });
});

test('any JSON, any bytes, and fixtures with bytes cut out and put in', () => {
  fc.assert(fc.property(fc.jsonValue(), agreeOn));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), agree));
  const bodies = readdirSync(FOLDER).map((file) => readFileSync(join(FOLDER, file)));
  const edit = fc.record({ at: fc.nat(8_000), byte: fc.nat(255), cut: fc.nat(3) });
  fc.assert(
    fc.property(fc.constantFrom(...bodies), fc.array(edit, { maxLength: 3 }), (body, edits) => {
      let mutated = [...body];
      for (const { at, byte, cut } of edits)
        mutated = mutated.toSpliced(at % (mutated.length + 1), cut, byte);
      agree(Uint8Array.from(mutated));
    }),
    { numRuns: 500 },
  );
});

test('at the limits and one beyond', () => {
  const named = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`l${n}`, 'x']));
  for (const extra of [0, 1]) {
    const sets = [
      named(LABELS_MAX + extra),
      { ['n'.repeat(LABEL_NAME_MAX_BYTES + extra)]: 'x' },
      { v: 'ü'.repeat(LABEL_VALUE_MAX_BYTES / 2 + extra) },
    ];
    for (const set of sets)
      agreeOn({ status: 'firing', alerts: [{ labels: set }, { labels: { a: 'b' } }] });
    const many = Array.from({ length: ALERTS_MAX + extra }, () => ({ labels: { drill: 'true' } }));
    agreeOn({ status: 'firing', alerts: many });
  }
});

/** As text it is too long for a label; rounded to a double it would be `Infinity`, and fit. */
test('a number as long as no label may be', () => {
  const digits = '9'.repeat(LABEL_VALUE_MAX_BYTES + 1);
  const body = bytes(
    `{"status":"firing","alerts":[{"labels":{"a":"b"}},{"labels":{"n":${digits}}}]}`,
  );
  agree(body);
  expect(judgeDelivery(body)).toMatchObject({ alerts: 1, unusable: [{ index: 1 }] });
});

test('numbers of every length, wherever they begin, come as they were written', () => {
  fc.assert(
    fc.property(fc.nat(40), fc.bigInt(-(10n ** 24n), 10n ** 24n), (shift, number) => {
      const body = `{${' '.repeat(shift)}"status":"firing","alerts":[{"labels":{"n":${number}}}]}`;
      const read = readDelivery(bytes(body));
      expect(read.ok && read.delivery.alerts[0]?.labels['n']).toBe(`${number}`);
    }),
    { numRuns: 1_000 },
  );
});
