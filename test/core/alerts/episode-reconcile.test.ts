import { describe, expect, test } from 'vitest';
import type { Alert } from '../../../src/core/alerts/alert.ts';
import { readDelivery } from '../../../src/core/alerts/alert.ts';
import { applyAlert, type Arrival } from '../../../src/core/alerts/episode-apply.ts';
import type { Episode } from '../../../src/core/alerts/episode.ts';
import {
  readReconcileNote,
  reconcileBodies,
  RECONCILE_ALERTS_MAX,
} from '../../../src/core/alerts/reconcile-body.ts';
import type { Finding } from '../../../src/core/alerts/reconcile.ts';
import { closedEpisode, NOON, openEpisode, SECOND_MS, shownAlert } from './reconciling.ts';

const AT: Arrival = {
  received_at: NOON + SECOND_MS,
  source: 'reconcile',
  trace_id: null,
  new_id: 'new',
  rules_version: 'rules-1',
  poll_began_at: NOON,
};
function alertOf(status: 'firing' | 'resolved', more: Partial<Alert> = {}): Alert {
  const { fingerprint, labels, starts_at } = shownAlert('x');
  const drill = false;
  const rest = { annotations: {}, generator_url: '', ends_at: null, drill };
  return { fingerprint, status, alertname: 'QueueStuck', labels, starts_at, ...rest, ...more };
}
function apply(
  prior: Episode | undefined,
  status: 'firing' | 'resolved',
  more: Partial<Alert> = {},
) {
  return applyAlert(prior, alertOf(status, more), AT);
}

describe('what the API told', () => {
  test('opens an episode that Alertmanager vouches for', () => {
    expect(apply(undefined, 'firing')).toMatchObject({
      kind: 'open',
      episode: { source: 'alertmanager', opened_at: NOON + SECOND_MS },
    });
  });

  test('opens one that began before the last ended: the API confirms that it fires', () => {
    const prior = closedEpisode('x', NOON - 30 * SECOND_MS);
    expect(apply(prior, 'firing').kind).toBe('open');
    const { poll_began_at: _, ...webhook } = { ...AT, source: 'alertmanager' };
    expect(applyAlert(prior, alertOf('firing'), webhook).kind).toBe('late_duplicate');
  });

  test('is evidence as of the poll, not of the writing', () => {
    expect(apply(openEpisode('x'), 'firing')).toMatchObject({
      kind: 'repeat',
      episode: { last_firing_at: NOON, source: 'alertmanager' },
    });
  });

  test('closes as vanished, when it was first missed; that is our clock and orders nothing', () => {
    const prior = openEpisode('x', { starts_at: NOON });
    expect(
      apply(prior, 'resolved', { starts_at: NOON, ends_at: NOON - 20 * SECOND_MS }),
    ).toMatchObject({
      kind: 'close',
      episode: { close_reason: 'vanished', closed_at: NOON + SECOND_MS, ended_at: NOON },
    });
  });

  test.each([
    ['a firing after the poll began', openEpisode('x', { last_firing_at: NOON }), 'resolved'],
    ['a close after the poll began', closedEpisode('x', NOON - 1, NOON), 'firing'],
  ] as const)('does not override %s', (_what, prior, status) => {
    expect(apply(prior, status)).toMatchObject({
      kind: 'overtaken',
      why: expect.stringContaining('2026-03-02T12:00:00.000Z') as string,
    });
  });

  test('a webhook of the same moment is not overtaken', () => {
    const { poll_began_at: _, ...webhook } = { ...AT, source: 'alertmanager' };
    const prior = openEpisode('x', { last_firing_at: NOON + 10 * SECOND_MS });
    expect(applyAlert(prior, alertOf('resolved'), webhook)).toMatchObject({
      kind: 'close',
      episode: { close_reason: 'resolved' },
    });
  });
});

describe('its deliveries', () => {
  const options = { poll_began_at: NOON, peers: ['http://a:9093'] };
  const bytes = (text: string) => new TextEncoder().encode(text);

  test('are webhook bodies, one reason each, what vanished first', () => {
    const findings: Finding[] = [
      { kind: 'evidence', alert: shownAlert('aaaaaaaaaaaaaaaa') },
      { kind: 'unseen', alert: shownAlert('bbbbbbbbbbbbbbbb', { starts_at: null }) },
      { kind: 'vanished', episode: openEpisode('cccccccccccccccc'), absent_since: NOON - 1 },
    ];
    const bodies = reconcileBodies(findings, options);
    expect(bodies.map((body) => readReconcileNote(bytes(body)))).toEqual(
      ['vanished', 'unseen', 'evidence'].map((reason) => ({ poll_began_at: NOON, reason })),
    );
    const [gone, unseen] = bodies.map((body) => readDelivery(bytes(body)));
    expect(gone).toMatchObject({
      ok: true,
      delivery: {
        receiver: 'reconcile',
        alerts: [
          {
            fingerprint: 'cccccccccccccccc',
            status: 'resolved',
            starts_at: NOON - 60_000,
            ends_at: NOON - 1,
          },
        ],
      },
    });
    expect(unseen).toMatchObject({
      delivery: { alerts: [{ status: 'firing', starts_at: null, ends_at: null }] },
    });
  });

  test('have a bounded number of alerts', () => {
    const one: Finding = { kind: 'unseen', alert: shownAlert('aaaaaaaaaaaaaaaa') };
    const bodies = reconcileBodies(
      Array.from({ length: RECONCILE_ALERTS_MAX + 1 }, () => one),
      options,
    );
    const counts = bodies.map((body) => (JSON.parse(body) as { alerts: unknown[] }).alerts.length);
    expect(counts).toEqual([RECONCILE_ALERTS_MAX, 1]);
  });

  test.each([
    '',
    '{}',
    'null',
    '{"reconcile":{"reason":"unseen"}}',
    '{"reconcile":{"poll_began_at":"2026-03-02T12:00:00Z","reason":"x"}}',
  ])('are not recognised in %s', (text) => {
    expect(readReconcileNote(bytes(text))).toBeUndefined();
  });
});
