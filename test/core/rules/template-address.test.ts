import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderAddress, renderUrl } from '../../../src/core/rules/template.ts';

function scope(labels: Readonly<Record<string, string>>) {
  return { labels, annotations: {} };
}

describe('renderUrl', () => {
  test.each([
    ['https://crm/health', {}, 'https://crm/health'],
    ['http://crm/{{ labels.a }}/x?q={{ labels.b }}', { a: 'one', b: '2' }, 'http://crm/one/x?q=2'],
    ['http://crm/{{ labels.a }}', { a: 'x/y?z#f&g=h' }, 'http://crm/x%2Fy%3Fz%23f%26g%3Dh'],
    ['http://crm/{{ labels.a }}', { a: '%2e%2e' }, 'http://crm/%252e%252e'],
    ['http://crm/{{ labels.a }}', { a: '@evil:80\\' }, 'http://crm/%40evil%3A80%5C'],
    ['http://crm/{{ labels.a }}', { a: 'é \n\ud800' }, 'http://crm/%C3%A9%20%0A%EF%BF%BD'],
    ['http://crm/?q={{ labels.a | default "a b" }}', {}, 'http://crm/?q=a%20b'],
    ['http://crm/a{{ labels.a }}', { a: '..' }, 'http://crm/a..'],
  ])('%s with %j', (url, labels, wanted) => {
    expect(renderUrl(url, scope(labels))).toEqual({ ok: true, value: wanted });
  });

  test.each([
    ['http://crm/{{ labels.a }}/b', { a: '..' }, 'as a part of its path'],
    ['http://crm/{{ labels.a }}', { a: '.' }, 'as a part of its path'],
    ['http://crm/.{{ labels.a }}/b', { a: '.' }, 'as a part of its path'],
    ['http://crm/%2e{{ labels.a }}/b', { a: '.' }, 'as a part of its path'],
    ['http://crm/{{ labels.a }}', {}, 'the alert has no labels.a'],
    ['http://crm/{{ labels.a }}', { a: 'x'.repeat(3_000) }, 'is longer than'],
  ])('%s with %j says why not', (url, labels, message) => {
    const rendered = renderUrl(url, scope(labels));
    expect(rendered).toMatchObject({ ok: false, message: expect.stringContaining(message) });
  });

  test('whatever a label holds: the same host, the same parts of the path, the same query', () => {
    const url = 'http://crm:8080/one/{{ labels.a }}/two?q={{ labels.a }}&r=1';
    assert(
      property(string({ minLength: 1, unit: 'binary' }), (a) => {
        const rendered = renderUrl(url, scope({ a }));
        if (!rendered.ok) {
          expect(rendered.message).toContain('as a part of its path');
          expect(['.', '..']).toContain(a);
          return;
        }
        const read = new URL(rendered.value);
        expect([read.protocol, read.username, read.host, read.hash]).toEqual([
          'http:',
          '',
          'crm:8080',
          '',
        ]);
        const parts = read.pathname.split('/');
        expect([parts.length, parts[1], parts[3]]).toEqual([4, 'one', 'two']);
        expect(decodeURIComponent(parts[2] ?? '')).toBe(a.toWellFormed());
        expect([...read.searchParams.keys()]).toEqual(['q', 'r']);
        expect(read.searchParams.get('q')).toBe(a.toWellFormed());
      }),
      { numRuns: 500 },
    );
  });
});

describe('renderAddress', () => {
  test.each([
    ['crm-db:5432', {}, { host: 'crm-db', port: 5432 }],
    ['{{ labels.a }}', { a: '[::1]:9100' }, { host: '::1', port: 9100 }],
    ['{{ labels.a }}:5432', { a: '10.0.0.1' }, { host: '10.0.0.1', port: 5432 }],
    ['[{{ labels.a }}]:80', { a: 'fe80::1' }, { host: 'fe80::1', port: 80 }],
    ['db:{{ labels.a }}', { a: '99' }, { host: 'db', port: 99 }],
  ])('%s with %j', (address, labels, value) => {
    expect(renderAddress(address, scope(labels))).toEqual({ ok: true, value });
  });

  test.each([
    ['{{ labels.a }}', { a: '::1:9100' }, 'write [::1]:9100'],
    ['{{ labels.a }}', { a: 'https://crm/' }, 'without a scheme'],
    ['{{ labels.a }}:5432', { a: 'evil:80' }, 'is no host:port'],
    ['db:{{ labels.a }}', { a: '80/x' }, 'is no host:port'],
    ['db:{{ labels.a }}', {}, 'the alert has no labels.a'],
  ])('%s with %j says why not', (address, labels, message) => {
    const rendered = renderAddress(address, scope(labels));
    expect(rendered).toMatchObject({ ok: false, message: expect.stringContaining(message) });
  });
});
