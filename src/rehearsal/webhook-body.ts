import type { Labels } from '../core/json.ts';
import { isoTime } from '../core/time.ts';

/** One alert as Alertmanager posts it. Times in ms since the epoch; `ends_at` null: it fires. */
export interface SentAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly starts_at: number;
  readonly ends_at: number | null;
}

const NEVER = '0001-01-01T00:00:00Z';
const UTF8 = new TextEncoder();

/** The body of one delivery: alerts of one group. */
export function webhookBody(alerts: readonly SentAlert[]): Uint8Array {
  const listed = alerts.map(({ labels, annotations, starts_at, ends_at }) => ({
    status: ends_at === null ? 'firing' : 'resolved',
    labels,
    annotations,
    startsAt: isoTime(starts_at),
    endsAt: ends_at === null ? NEVER : isoTime(ends_at),
    generatorURL: '',
  }));
  const status = listed.some((alert) => alert.status === 'firing') ? 'firing' : 'resolved';
  const head = { version: '4', status, receiver: 'autoheal', groupKey: '{}' };
  return UTF8.encode(JSON.stringify({ ...head, alerts: listed }));
}
