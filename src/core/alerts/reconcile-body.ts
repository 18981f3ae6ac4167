import { isoTime } from '../time.ts';
import { readJsonText } from './json-text.ts';
import type { Finding } from './reconcile.ts';
import { parseTimestamp } from './timestamp.ts';

/** The source of deliveries that autoheal wrote itself, from Alertmanager's API. No request can carry it. */
export const RECONCILE_SOURCE = 'reconcile';
/** Alerts in one delivery: the drain never parts one, and in a storm it gives way between two. */
export const RECONCILE_ALERTS_MAX = 100;

/** In this order: what vanished first, because it frees what the rest may wait for. */
const REASONS = ['vanished', 'unseen', 'restarted', 'evidence'] as const;

/** What the drain must know of such a delivery besides its alerts. */
export interface ReconcileNote {
  /** Before the first question went out. Ms since the epoch. */
  readonly poll_began_at: number;
  readonly reason: Finding['kind'];
}

interface BodyOptions {
  readonly poll_began_at: number;
  /** Addresses that were asked, without user and password. */
  readonly peers: readonly string[];
}

/**
 * Webhook bodies in Alertmanager's version 4, so that what the API told enters by the same door: one reason
 * a body, at most `RECONCILE_ALERTS_MAX` alerts each.
 */
export function reconcileBodies(
  findings: readonly Finding[],
  options: BodyOptions,
): readonly string[] {
  const bodies: string[] = [];
  for (const reason of REASONS) {
    const alerts = findings.filter(({ kind }) => kind === reason).map(alertOf);
    for (let from = 0; from < alerts.length; from += RECONCILE_ALERTS_MAX)
      bodies.push(bodyOf(reason, alerts.slice(from, from + RECONCILE_ALERTS_MAX), options));
  }
  return bodies;
}

function bodyOf(reason: Finding['kind'], alerts: readonly object[], options: BodyOptions): string {
  return JSON.stringify({
    version: '4',
    receiver: RECONCILE_SOURCE,
    status: statusOf(reason),
    alerts,
    reconcile: {
      poll_began_at: isoTime(options.poll_began_at),
      reason,
      peers: options.peers,
    },
  });
}

function statusOf(reason: Finding['kind']): 'firing' | 'resolved' {
  return reason === 'vanished' ? 'resolved' : 'firing';
}

function alertOf(finding: Finding): object {
  const vanished = finding.kind === 'vanished';
  const { fingerprint, labels, annotations, starts_at, generator_url } = vanished
    ? finding.episode
    : finding.alert;
  return {
    status: statusOf(finding.kind),
    labels,
    annotations,
    startsAt: rfc3339(starts_at),
    endsAt: rfc3339(vanished ? finding.absent_since : null),
    generatorURL: generator_url,
    fingerprint,
  };
}

/** Alertmanager writes "no time" as Go does. */
function rfc3339(time: number | null): string {
  return time === null ? '0001-01-01T00:00:00Z' : isoTime(time);
}

/** Undefined for a body that is not one of ours. */
export function readReconcileNote(body: Uint8Array): ReconcileNote | undefined {
  const json = readJsonText(body);
  if (!json.ok) return undefined;
  const note = (json.value as { reconcile?: { poll_began_at?: unknown; reason?: unknown } } | null)
    ?.reconcile;
  const poll_began_at = parseTimestamp(note?.poll_began_at);
  const reason = note?.reason;
  if (poll_began_at === null) return undefined;
  const known = REASONS.find((each) => each === reason);
  return known === undefined ? undefined : { poll_began_at, reason: known };
}
