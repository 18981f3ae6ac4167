import type { Labels } from '../json.ts';
import { CLOCK_SKEW_MAX_MS } from './episode-apply.ts';
import type { Episode } from './episode.ts';
import {
  isWhole,
  isWitnessed,
  type Memory,
  type Poll,
  type ShownAlert,
  shownBy,
} from './reconcile-memory.ts';

/** All durations in ms. */
export interface ReconcileLimits {
  /**
   * An alert must be absent for longer than this, in whole polls, to have vanished. Prometheus sends each
   * firing alert again after its resend delay (1m by default), so an Alertmanager that lost one shows it again by then.
   */
  readonly resend_delay_ms: number;
  /** Before this age an alert is on its way: Alertmanager itself waits (group_wait) for others, and for what inhibits it. */
  readonly unseen_after_ms: number;
  /** How old the last evidence of firing may grow before the API's word is written down as new evidence. */
  readonly evidence_every_ms: number;
}
export const RECONCILE_LIMITS: ReconcileLimits = {
  resend_delay_ms: 90_000,
  unseen_after_ms: 30_000,
  evidence_every_ms: 5 * 60_000,
};

export interface ReconcileInput {
  /** The newest poll, already in the memory. */
  readonly poll: Poll;
  readonly memory: Memory;
  /** Open episodes that Alertmanager vouches for. */
  readonly open: readonly Episode[];
  /** The newest episode of fingerprints that are shown and have no open one of those. */
  readonly latest: ReadonlyMap<string, Episode>;
  /** Open episodes whose remediations or leases live on fresh evidence. */
  readonly in_use: ReadonlySet<string>;
  readonly limits: ReconcileLimits;
}

/** What the API knows and no delivery told. */
export type Finding =
  /** `restarted`: it resolved and fired again within one group_interval, or its sender restarted. */
  | { readonly kind: 'unseen' | 'evidence' | 'restarted'; readonly alert: ShownAlert }
  /** `absent_since`: the first poll that missed it. Ms since the epoch. */
  | { readonly kind: 'vanished'; readonly episode: Episode; readonly absent_since: number };

export interface Reconciled {
  readonly findings: readonly Finding[];
  /** Absent in Alertmanager, but Prometheus says that they fire: their absence does not count. */
  readonly disputed: ReadonlySet<string>;
}

/**
 * Compares what Alertmanager's API shows with our episodes (DESIGN §3). In doubt it finds nothing: an episode
 * that stays open too long costs less than an undo while the alert still fires.
 */
export function reconcile(input: ReconcileInput): Reconciled {
  const shown = shownBy(input.poll);
  const firing = firingIndex(input.poll.prometheus);
  const findings: Finding[] = [];
  const disputed = new Set<string>();
  const open = new Set<string>();
  for (const episode of input.open) {
    open.add(episode.fingerprint);
    const [alert] = shown.get(episode.fingerprint) ?? [];
    if (alert !== undefined) {
      if (hasRestarted(alert, episode, input)) findings.push({ kind: 'restarted', alert });
      else if (needsEvidence(episode, input)) findings.push({ kind: 'evidence', alert });
    } else if (input.memory.absent_since.has(episode.fingerprint)) {
      if (mayFire(episode.labels, firing)) {
        disputed.add(episode.fingerprint);
        continue;
      }
      const absent_since = vanishedSince(episode, input);
      if (absent_since !== undefined) findings.push({ kind: 'vanished', episode, absent_since });
    }
  }
  for (const [fingerprint, alerts] of shown) {
    if (open.has(fingerprint)) continue;
    const alert = unseen(alerts, input.latest.get(fingerprint), input);
    if (alert !== undefined) findings.push({ kind: 'unseen', alert });
  }
  return { findings, disputed };
}

/* ---------------------------------------------------------------- firing, and nobody told us */

/** With a pair: active in one is active. One that is silenced by a person waits until it no longer is. */
function unseen(
  alerts: readonly ShownAlert[],
  latest: Episode | undefined,
  { poll, limits }: ReconcileInput,
): ShownAlert | undefined {
  // Without names of receivers the answer has alerts of others, and those are not our business.
  if (poll.receivers.length === 0) return undefined;
  const alert = alerts.find(({ suppressed }) => !suppressed);
  if (alert === undefined) return undefined;
  const starts_at = believedStart(alert, poll);
  if (starts_at !== null && poll.began_at - starts_at < limits.unseen_after_ms) return undefined;
  return latest === undefined || firesAgain(alerts, latest, { poll, limits }) ? alert : undefined;
}

/** Is it a firing after the closed episode, or the same one that was closed in error? */
function firesAgain(
  alerts: readonly ShownAlert[],
  latest: Episode,
  { poll, limits }: Pick<ReconcileInput, 'poll' | 'limits'>,
): boolean {
  // An open one is not Alertmanager's, or came after the reading.
  if (latest.state === 'open' || latest.closed_at === null) return false;
  if (latest.closed_at >= poll.began_at) return false;
  const { ended_at } = latest;
  const anew = alerts.some((alert) => {
    const starts_at = believedStart(alert, poll);
    return starts_at !== null && ended_at !== null && starts_at > ended_at;
  });
  if (anew) return true;
  // It began before our close: a peer that did not get the resolve yet shows it for minutes. Only if all of
  // them show it, and for longer than a resend takes, does it fire on.
  const by_all = alerts.length === poll.peers.length;
  return by_all && poll.began_at - latest.closed_at > limits.resend_delay_ms;
}

/** A start further ahead than clocks differ is none: Alertmanager takes the end where a sender gave no start. */
function believedStart({ starts_at }: ShownAlert, poll: Poll): number | null {
  return starts_at !== null && starts_at <= poll.began_at + CLOCK_SKEW_MAX_MS ? starts_at : null;
}

/* ---------------------------------------------------------------- still firing */

/**
 * It began after the last time that we were told it fires. That is no proof of a pause in between: a
 * Prometheus that restarts begins its alerts anew. So the episode goes on, and the change is written down.
 */
function hasRestarted(alert: ShownAlert, episode: Episode, { poll }: ReconcileInput): boolean {
  const starts_at = believedStart(alert, poll);
  return starts_at !== null && starts_at > episode.last_firing_at && starts_at < poll.began_at;
}

/** Also a suppressed alert fires. */
function needsEvidence(episode: Episode, { poll, in_use, limits }: ReconcileInput): boolean {
  return (
    in_use.has(episode.id) && poll.began_at - episode.last_firing_at >= limits.evidence_every_ms
  );
}

/* ---------------------------------------------------------------- gone, and nobody told us */

/** The first poll that missed it; undefined while it may still fire. */
function vanishedSince(
  episode: Episode,
  { poll, memory, limits }: ReconcileInput,
): number | undefined {
  if (!isWhole(poll) || !isWitnessed(memory, episode.fingerprint)) return undefined;
  const absent_since = memory.absent_since.get(episode.fingerprint);
  if (absent_since === undefined) return undefined;
  // A delivery after the clock began says that it fired then: the span counts from there.
  const from = Math.max(absent_since, episode.last_firing_at);
  return poll.began_at - from > limits.resend_delay_ms ? absent_since : undefined;
}

/** Prometheus' firing alerts as lists of labels, by alertname. */
interface Firing {
  readonly by_name: ReadonlyMap<string, readonly (readonly [string, string])[][]>;
  /** Comparisons that are left; counted down. */
  left: number;
}
/** Comparisons of an episode with a firing alert in one round: some 50 ms. */
const COMPARISONS_MAX = 2_000_000;

function firingIndex(prometheus: Poll['prometheus']): Firing {
  const by_name = new Map<string, [string, string][][]>();
  if (prometheus !== undefined && prometheus !== 'failed') {
    for (const { labels } of prometheus) {
      const name = labels['alertname'] ?? '';
      const known = by_name.get(name) ?? [];
      known.push(Object.entries(labels));
      by_name.set(name, known);
    }
  }
  return { by_name, left: COMPARISONS_MAX };
}

/**
 * Does Prometheus hold an alert for firing that can be this one? Alertmanager's has external labels besides,
 * and relabelling may have dropped some: so no label may contradict, and a doubt counts as firing.
 */
function mayFire(labels: Labels, firing: Firing): boolean {
  const candidates = firing.by_name.get(labels['alertname'] ?? '') ?? [];
  firing.left -= candidates.length;
  if (firing.left < 0) return true;
  return candidates.some((candidate) =>
    candidate.every(([name, value]) => (labels[name] ?? value) === value),
  );
}
