import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readDelivery } from '../../../src/core/alerts/alert.ts';
import { fingerprintOf } from '../../../src/core/alerts/fingerprint.ts';
import { delivery, EXAMPLES, first, fixture, FOLDER } from './deliveries.ts';

describe('bodies that are taken', () => {
  const taken: readonly (readonly [file: string, alerts: string, unusable: number])[] = [
    ['mixed.json', 'firing resolved firing resolved', 0],
    ['numeric-group-key.json', 'firing', 0],
    ['no-status.json', 'firing firing firing', 0],
    ['no-status-resolved-group.json', 'resolved resolved', 0],
    ['no-status-anywhere.json', 'firing', 1],
    ['no-fingerprint.json', 'firing firing firing firing', 0],
    ['same-labels-two-fingerprints.json', 'firing firing', 0],
    ['repeated-alert.json', 'firing firing resolved firing', 0],
    ['odd-times.json', 'firing resolved resolved resolved resolved resolved resolved resolved', 0],
    ['unknown-fields.json', 'firing', 0],
    ['utf8-names.json', 'firing', 0],
    ['prototype-names.json', 'firing', 0],
    ['non-string-labels.json', 'firing', 2],
    ['no-labels.json', 'firing', 5],
    ['no-alertname.json', 'firing', 0],
    ['heartbeat.json', '', 0],
    ['minimum.json', 'firing', 0],
    ['truncated-alerts.json', 'firing', 0],
    ['quoted-receiver.json', 'firing', 0],
    ['grafana.json', 'firing', 0],
    ['grafana-no-data.json', 'firing', 0],
    ['managed-vendor.json', 'resolved', 0],
    ['byte-order-mark.json', 'firing', 0],
    ['escapes.json', 'firing', 0],
    ['long-annotation.json', 'firing', 0],
    ['nested-annotations.json', 'firing', 0],
  ];
  const refused: readonly (readonly [file: string, code: string, detail: RegExp])[] = [
    ['list.json', 'not_a_webhook', /a list; .* send \{"status": "firing", "alerts": \[\.\.\.\]\}/],
    ['list-of-strings.json', 'not_a_webhook', /a list/],
    ['bare-alert.json', 'not_a_webhook', /one bare alert; .* "alerts": \[it\]/],
    ['text-only.json', 'not_a_webhook', /has "text" and no "alerts".*custom payload/],
    ['alerts-null.json', 'not_a_webhook', /"alerts" is null/],
    ['alerts-object.json', 'not_a_webhook', /"alerts" is an object/],
    ['number.json', 'not_a_webhook', /is a number/],
    ['null.json', 'not_a_webhook', /is null/],
    ['empty.txt', 'not_json', /empty/],
    ['blank.txt', 'not_json', /empty/],
    ['cut-off.txt', 'not_json', /at offset 137 .*cut off/],
    ['comments.txt', 'not_json', /at offset 4 \(line 2, column 3\): JSON has no comments/],
    ['missing-comma.txt', 'not_json', /at offset 25 \(line 3, column 3\)/],
    ['unquoted.txt', 'not_json', /at offset 22 \(line 1, column 23\): unexpected "y"/],
    ['form.txt', 'not_json', /at offset 0 .*unexpected "p"/],
    ['labels-absent.json', 'no_usable_alert', /none of the 1 .* alert 0: it has no labels/],
    ['capital-keys.json', 'no_usable_alert', /neither it nor its group has the status/],
  ];

  test.each(taken)('%s', (file, alerts, unusable) => {
    const content = delivery(fixture(file));
    expect(content.alerts.map((alert) => alert.status).join(' ')).toBe(alerts);
    expect(content.unusable).toHaveLength(unusable);
    for (const alert of content.alerts) expect(alert.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  });

  test.each(refused)('%s is refused as %s', (file, code, detail) => {
    const result = fixture(file);
    expect(result).toMatchObject({ ok: false, code });
    expect(result.ok ? '' : result.detail).toMatch(detail);
  });

  test('every fixture is in one of the two lists', () => {
    const listed = [...taken, ...refused].map(([file]) => file);
    expect(readdirSync(FOLDER).toSorted()).toEqual(listed.toSorted());
  });
});

describe('the body of a real Alertmanager', () => {
  test('is read whole', () => {
    const content = delivery(readDelivery(readFileSync(join(EXAMPLES, 'ai-errors.json'))));
    expect(content).toMatchObject({
      receiver: 'autoheal',
      version: '4',
      external_url: 'http://alertmanager:9093',
      truncated_alerts: 0,
      notification_reason: null,
      unusable: [],
    });
    expect(content.group_key).toContain('alertname="AIErrorRateHigh"');
    expect(first(content)).toMatchObject({
      fingerprint: 'f093fcb54454f809',
      status: 'firing',
      alertname: 'AIErrorRateHigh',
      starts_at: Date.parse('2026-03-02T03:00:12.305Z'),
      ends_at: null,
      drill: false,
    });
    expect(first(content).labels['service']).toBe('ai-coach');
  });

  test.each(readdirSync(EXAMPLES).filter((file) => file.endsWith('.json')))(
    'carries the fingerprint that we compute: examples/%s',
    (file) => {
      const alert = first(delivery(readDelivery(readFileSync(join(EXAMPLES, file)))));
      expect(fingerprintOf(alert.labels)).toBe(alert.fingerprint);
    },
  );
});
