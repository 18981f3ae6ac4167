import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ANNOTATION_MAX_BYTES,
  CUT_MARK,
  type DeliveryContent,
  readDelivery,
} from '../../../src/core/alerts/alert.ts';
import { fingerprintOf } from '../../../src/core/alerts/fingerprint.ts';
import {
  ALERTS_MAX,
  LABEL_NAME_MAX_BYTES,
  LABEL_VALUE_MAX_BYTES,
  LABELS_MAX,
} from '../../../src/core/alerts/judge.ts';
import { bytes, delivery, first, fixture, readAlerts, readValue } from './deliveries.ts';

function statuses(content: DeliveryContent): readonly string[] {
  return content.alerts.map((alert) => alert.status);
}

describe('identity', () => {
  test('a fingerprint that is not of 16 hex digits is computed from the labels', () => {
    const content = delivery(fixture('no-fingerprint.json'));
    const own = fingerprintOf({ alertname: 'QueueStuck', queue: 'mail' });
    expect(content.alerts.map((alert) => alert.fingerprint)).toEqual([own, own, own, own]);
  });

  test('one that is counts as sent, also for equal labels', () => {
    const content = delivery(fixture('same-labels-two-fingerprints.json'));
    const sent = content.alerts.map((alert) => alert.fingerprint);
    expect(sent).toEqual(['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb']);
    const upper = readAlerts({ labels: { a: 'b' }, fingerprint: 'ABCDEF0123456789' });
    expect(first(upper).fingerprint).toBe('abcdef0123456789');
  });

  test('an empty value is an absent label, as in Prometheus', () => {
    const labels = first(readAlerts({ labels: { alertname: 'A', empty: '' } })).labels;
    expect(Object.keys(labels)).toEqual(['alertname']);
  });

  test('a group key beyond 2^53 keeps its digits', () => {
    const content = delivery(fixture('numeric-group-key.json'));
    expect(content.group_key).toBe('98765432109876543210');
  });

  test('so does a label that is a number', () => {
    const text = '{"alerts":[{"status":"firing","labels":{"id":12345678901234567890,"n":1}}]}';
    expect({ ...first(delivery(readDelivery(bytes(text)))).labels }).toEqual({
      id: '12345678901234567890',
      n: '1',
    });
  });
});

describe('status', () => {
  test('is the alert’s own before the group’s', () => {
    const labels = { alertname: 'A' };
    const alerts = [{ status: 'resolved', labels }, { labels }, { status: 'FIRING', labels }];
    expect(statuses(delivery(readValue({ status: 'firing', alerts })))).toEqual([
      'resolved',
      'firing',
      'firing',
    ]);
    expect(statuses(delivery(readValue({ status: 'resolved', alerts })))).toEqual([
      'resolved',
      'resolved',
      'firing',
    ]);
  });

  test('of another kind makes the alert unusable, not the delivery', () => {
    const content = readAlerts(
      { status: 'pending', labels: { a: 'b' } },
      { status: 1, labels: { a: 'b' } },
      { labels: { a: 'b' } },
    );
    expect(content.alerts).toHaveLength(1);
    expect(content.unusable).toEqual([
      { index: 0, why: 'its status is "pending", not "firing" or "resolved"' },
      { index: 1, why: 'its status is a number, not "firing" or "resolved"' },
    ]);
  });
});

describe('times', () => {
  test('that say nothing are null, and none is an error', () => {
    const by_name = new Map(
      delivery(fixture('odd-times.json')).alerts.map((alert) => [alert.labels['n'], alert]),
    );
    for (const n of ['1970', 'null', 'impossible', 'feb-30', 'number', 'no-zone'])
      expect(by_name.get(n)?.ends_at, n).toBeNull();
    expect(by_name.get('number')?.starts_at).toBeNull();
    expect(by_name.get('no-zone')?.starts_at).toBeNull();
    expect(by_name.get('past-end')).toMatchObject({
      status: 'firing',
      ends_at: Date.parse('2026-03-02T02:00:00Z'),
    });
    expect(by_name.get('offset')).toMatchObject({
      starts_at: Date.parse('2026-03-02T03:00:00.500Z'),
      ends_at: Date.parse('2026-03-02T03:20:00.123Z'),
    });
  });

  test('agree with Date on every valid RFC 3339 time', () => {
    const zone = fc.constantFrom('Z', '+00:00', '-04:00', '+05:30', '-12:00', '+14:00');
    const from = new Date('2000-01-02T00:00:00Z');
    const to = new Date('9998-12-31T00:00:00Z');
    fc.assert(
      fc.property(fc.date({ min: from, max: to, noInvalidDate: true }), zone, (date, offset) => {
        const text = date.toISOString().replace('Z', offset);
        expect(first(readAlerts({ labels: { a: 'b' }, startsAt: text })).starts_at).toBe(
          Date.parse(text),
        );
      }),
    );
  });

  test.each([
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2100-02-29T00:00:00Z',
    '0001-01-01T00:00:00Z',
    'yesterday',
  ])('%s is no time', (text) => {
    expect(first(readAlerts({ labels: { a: 'b' }, startsAt: text })).starts_at).toBeNull();
  });

  test('a leap day is one', () => {
    const alert = first(readAlerts({ labels: { a: 'b' }, startsAt: '2028-02-29T12:00:00Z' }));
    expect(alert.starts_at).toBe(Date.parse('2028-02-29T12:00:00Z'));
  });
});

describe('labels and annotations', () => {
  test('names may be any text, also those of an object’s inside', () => {
    const { labels, annotations, status } = first(delivery(fixture('prototype-names.json')));
    expect(Object.entries(labels)).toEqual([
      ['alertname', 'P'],
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['toString', 'c'],
      ['hasOwnProperty', 'd'],
    ]);
    expect(Object.entries(annotations)).toEqual([['__proto__', 'e']]);
    expect(status).toBe('firing');
    expect(first(readAlerts({ labels: { a: 'b' } })).labels['constructor']).toBeUndefined();
    const utf8 = first(delivery(fixture('utf8-names.json'))).labels;
    expect(utf8).toMatchObject({ Σ: '1', '🚒': 'feu', '00': 'zwei', 日本: 'はい' });
  });

  test('numbers and booleans become text, null is left out, lists and objects are refused', () => {
    const { alerts, unusable } = delivery(fixture('non-string-labels.json'));
    expect({ ...alerts[0]?.labels }).toEqual({
      alertname: 'N',
      port: '8080',
      up: 'false',
      ratio: '0.5',
    });
    expect(unusable).toEqual([
      { index: 1, why: 'its label "nested" is an object, not text' },
      { index: 2, why: 'its label "list" is a list, not text' },
    ]);
  });

  test('without an alertname an alert is usable', () => {
    expect(first(delivery(fixture('no-alertname.json'))).alertname).toBe('');
  });

  test('drill="true" marks a drill', () => {
    expect(first(readAlerts({ labels: { drill: 'true' } })).drill).toBe(true);
    expect(first(readAlerts({ labels: { drill: 'false', a: 'b' } })).drill).toBe(false);
  });

  test('half a character becomes a whole one', () => {
    const { annotations } = first(delivery(fixture('escapes.json')));
    expect(annotations['half']).toBe('\ufffd');
  });

  test('a nested annotation is left out and costs nothing else', () => {
    const content = delivery(fixture('nested-annotations.json'));
    expect({ ...first(content).annotations }).toEqual({ summary: 'kept', count: '3' });
    expect(content.group_key).toBe('');
  });

  test('Grafana’s dialect loses nothing that we use', () => {
    expect(first(delivery(fixture('grafana.json')))).toMatchObject({
      fingerprint: '57c6d9296de2ad39',
      alertname: 'HighLatency',
      generator_url: '?orgId=1',
      starts_at: Date.parse('2026-03-02T03:00:00Z'),
    });
  });
});

describe('the head', () => {
  test('keeps the receiver as it came, the reason and the count of what was cut off', () => {
    expect(delivery(fixture('quoted-receiver.json')).receiver).toBe('team\\.autoheal');
    expect(delivery(fixture('unknown-fields.json')).notification_reason).toBe('repeat interval');
    expect(delivery(fixture('truncated-alerts.json')).truncated_alerts).toBe(12);
  });

  test.each([-1, 1.5, '3', null, {}])('truncatedAlerts %j counts as none', (truncatedAlerts) => {
    expect(delivery(readValue({ alerts: [], truncatedAlerts })).truncated_alerts).toBe(0);
  });
});

describe('limits', () => {
  const labels = { a: 'b' };

  test(`the first ${ALERTS_MAX} alerts count; one entry tells of the rest`, () => {
    const content = readAlerts(...Array.from({ length: ALERTS_MAX + 3 }, () => ({ labels })));
    expect(content.alerts).toHaveLength(ALERTS_MAX);
    expect(content.unusable).toEqual([
      { index: ALERTS_MAX, why: expect.stringContaining('the rest, 3 in all') },
    ]);
    expect(readAlerts(...Array.from({ length: ALERTS_MAX }, () => ({ labels }))).unusable).toEqual(
      [],
    );
  });

  test('labels: number, length of name and of value, in bytes', () => {
    const many = Object.fromEntries(
      Array.from({ length: LABELS_MAX + 1 }, (_, index) => [`l${index}`, 'x']),
    );
    const content = readAlerts(
      { labels },
      { labels: many },
      { labels: { ['n'.repeat(LABEL_NAME_MAX_BYTES + 1)]: 'x' } },
      { labels: { v: 'ü'.repeat(LABEL_VALUE_MAX_BYTES / 2 + 1) } },
      { labels: { '': 'x' } },
    );
    expect(content.alerts).toHaveLength(1);
    expect(content.unusable.map(({ why }) => why)).toEqual([
      'it has 129 labels; 128 are the limit',
      expect.stringContaining('is longer than 1024 bytes'),
      'its label "v" is longer than 16384 bytes',
      'one of its labels has an empty name',
    ]);
    const { l0: _, ...most } = many;
    const at_the_limit = readAlerts(
      { labels: most },
      { labels: { ['n'.repeat(LABEL_NAME_MAX_BYTES)]: 'ü'.repeat(LABEL_VALUE_MAX_BYTES / 2) } },
    );
    expect(at_the_limit.unusable).toEqual([]);
  });

  test('a long annotation is cut between two characters and says so', () => {
    const long = `x${'ü'.repeat(ANNOTATION_MAX_BYTES)}`;
    const { annotations } = first(readAlerts({ labels, annotations: { long } }));
    const kept = (ANNOTATION_MAX_BYTES - 2) / 2;
    expect(annotations['long']).toBe(`x${'ü'.repeat(kept)}${CUT_MARK}`);
  });

  test('depth exhausts neither time nor stack', () => {
    const deep = `${'['.repeat(2_000_000)}${']'.repeat(2_000_000)}`;
    expect(readDelivery(bytes(deep))).toMatchObject({
      code: 'not_json',
      detail: expect.stringContaining('deeper than 1000 levels'),
    });
    const inside = `{"alerts":[{"status":"firing","labels":{"a":"b"},"x":${'['.repeat(40_000)}1234567890123456789${']'.repeat(40_000)}}]}`;
    expect(delivery(readDelivery(bytes(inside))).alerts).toHaveLength(1);
  });

  test('a reason quotes no more than a glance of what was sent', () => {
    const result = readValue({ alerts: [{ status: 'x'.repeat(10_000), labels }] });
    expect(result.ok ? 0 : result.detail.length).toBeLessThan(300);
  });
});
