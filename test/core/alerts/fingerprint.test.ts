import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fingerprintOf } from '../../../src/core/alerts/fingerprint.ts';

/** Read back from `GET /api/v2/alerts` of a real Alertmanager 0.25. */
const REAL: readonly (readonly [fingerprint: string, labels: Record<string, string>])[] = [
  ['d2b371819297f98a', { a: 'b' }],
  ['d2aeefc389ca7746', { alertname: 'X' }],
  ['f4683f496b852580', { alertname: 'Disk full', instance: '[::1]:9100', path: '/var/lib/été' }],
  ['08f7d434cbd8ad00', { alertname: '日本', emoji: '🚒', val: 'a\ufffdb' }],
  ['477d3771e9b70ddf', { B: '2', _: '3', alertname: 'Long', b: '1', v: 'x'.repeat(300) }],
  ['6c83a0e4eb418be6', { alertname: 'Nul', v: 'a\0b' }],
  ['1537a346833457f7', { alertname: 'Quote', v: '"\\\n\t' }],
  [
    '971e24574e9ea194',
    {
      alertname: 'TcpEndpointDownFast',
      autoheal: 'tcp-endpoint-down',
      container: 'crm-api',
      instance: 'crm-api:8080',
      job: 'blackbox-tcp',
      service: 'crm-api',
      severity: 'page',
    },
  ],
];

/** The same by the book, with big integers and Node's own byte order. */
function byTheBook(labels: Record<string, string>): string {
  const names = Object.keys(labels).toSorted((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  let hash = 0xcbf29ce484222325n;
  for (const name of names) {
    const bytes = [...Buffer.from(name), 0xff, ...Buffer.from(labels[name] ?? ''), 0xff];
    for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}

describe('fingerprintOf', () => {
  test.each(REAL)('is %s, as Alertmanager computes it', (fingerprint, labels) => {
    expect(fingerprintOf(labels)).toBe(fingerprint);
  });

  test('of no labels is the offset basis, and the order of the labels does not count', () => {
    expect(fingerprintOf({})).toBe('cbf29ce484222325');
    expect(fingerprintOf({ b: '2', a: '1' })).toBe(fingerprintOf({ a: '1', b: '2' }));
  });

  test('sorts names by their bytes, where UTF-16 order is another', () => {
    const labels = { '\u{1f692}': '1', '\uffee': '2', '\u{1f692}a': '3', a: '4' };
    expect(Object.keys(labels).toSorted()[1]).toBe('\u{1f692}');
    expect(fingerprintOf(labels)).toBe(byTheBook(labels));
  });

  test('agrees with the book on any labels', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    fc.assert(
      fc.property(fc.dictionary(text, text, { noNullPrototype: false }), (labels) => {
        expect(fingerprintOf(labels)).toBe(byTheBook(labels));
      }),
      { numRuns: 500 },
    );
  });
});
