import { isoTime } from '../../core/time.ts';
import type { RecordedDelivery } from './filter.ts';

/** Firings as Prometheus saw them, made into what Alertmanager would have sent. */

/** One look: which label sets fired, when. Times in ms since the epoch. */
export interface FiringSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly times: readonly number[];
}
export interface FiringOptions {
  readonly step_ms: number;
  /** A firing alert is sent again after this: Alertmanager's repeat_interval. */
  readonly repeat_ms: number;
}
export interface Firings {
  /** What is sent up to `to`, in order; the looks must follow each other without a gap. */
  take(series: readonly FiringSeries[], to: number): readonly RecordedDelivery[];
}

/** What Prometheus adds; the rest is the alert's own. */
const ADDED: readonly string[] = ['__name__', 'alertstate'];
const NOT_YET = '0001-01-01T00:00:00Z';

interface Open {
  readonly labels: Readonly<Record<string, string>>;
  readonly from: number;
  last: number;
  repeat_at: number;
}
interface Said {
  readonly at: number;
  readonly status: 'firing' | 'resolved';
  readonly of: Open;
}

/**
 * Sent at the first look that sees it fire, every `repeat_ms` while it does, and at the first look that does not:
 * without group_wait and group_interval, alerts of one name and instant together.
 */
export function createFirings({ step_ms, repeat_ms }: FiringOptions): Firings {
  const open = new Map<string, Open>();

  function ended(of: Open): Said {
    return { at: of.last + step_ms, status: 'resolved', of };
  }

  function sample(key: string, labels: Open['labels'], at: number, said: Said[]): void {
    let of = open.get(key);
    if (of !== undefined && at - of.last > step_ms) {
      said.push(ended(of));
      of = undefined;
    }
    if (of === undefined) {
      of = { labels, from: at, last: at, repeat_at: at + repeat_ms };
      open.set(key, of);
      said.push({ at, status: 'firing', of });
      return;
    }
    of.last = at;
    if (at < of.repeat_at) return;
    said.push({ at, status: 'firing', of });
    of.repeat_at = at + repeat_ms;
  }

  return {
    take(series, to) {
      const said: Said[] = [];
      for (const { labels, times } of series) {
        const own = alertLabels(labels);
        const key = JSON.stringify(own);
        for (const at of times) sample(key, own, at, said);
      }
      for (const [key, of] of open)
        if (of.last + step_ms <= to) {
          said.push(ended(of));
          open.delete(key);
        }
      return deliveriesOf(said);
    },
  };
}

function alertLabels(labels: Open['labels']): Open['labels'] {
  const names = Object.keys(labels).filter((name) => !ADDED.includes(name));
  return Object.fromEntries(names.toSorted().map((name) => [name, labels[name] ?? '']));
}

function deliveriesOf(said: readonly Said[]): readonly RecordedDelivery[] {
  const groups = Map.groupBy(
    said.toSorted((a, b) => a.at - b.at),
    ({ at, of }) => `${at} ${of.labels['alertname'] ?? ''}`,
  );
  return [...groups.values()].map((group) => ({
    at: group[0]?.at ?? 0,
    source: 'alertmanager',
    body: bodyOf(group),
  }));
}

function bodyOf(group: readonly Said[]): Uint8Array {
  const alerts = group.map(({ at, status, of }) => ({
    status,
    labels: of.labels,
    annotations: {},
    startsAt: isoTime(of.from),
    endsAt: status === 'resolved' ? isoTime(at) : NOT_YET,
    generatorURL: '',
  }));
  const status = group.some((one) => one.status === 'firing') ? 'firing' : 'resolved';
  return Buffer.from(JSON.stringify({ version: '4', status, receiver: 'autoheal', alerts }));
}
