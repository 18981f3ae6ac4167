import type { Episode } from '../../../src/core/alerts/episode.ts';
import {
  type Memory,
  NO_MEMORY,
  notAbsent,
  type PeerAnswer,
  type Poll,
  remember,
  type ShownAlert,
} from '../../../src/core/alerts/reconcile-memory.ts';
import { type Finding, RECONCILE_LIMITS, reconcile } from '../../../src/core/alerts/reconcile.ts';

export const NOON = 1_772_452_800_000;
export const SECOND_MS = 1_000;
export const STARTED = NOON - 3_600_000;

export function shownAlert(fingerprint: string, more: Partial<ShownAlert> = {}): ShownAlert {
  return {
    fingerprint,
    labels: { alertname: 'QueueStuck', queue: fingerprint },
    annotations: {},
    starts_at: NOON - 60_000,
    generator_url: '',
    suppressed: false,
    ...more,
  };
}
export function openEpisode(fingerprint: string, more: Partial<Episode> = {}): Episode {
  return {
    id: `episode-${fingerprint}`,
    fingerprint,
    alertname: 'QueueStuck',
    labels: { alertname: 'QueueStuck', queue: fingerprint },
    annotations: {},
    source: 'alertmanager',
    generator_url: '',
    state: 'open',
    starts_at: NOON - 60_000,
    opened_at: NOON - 50_000,
    last_firing_at: NOON - 50_000,
    closed_at: null,
    ended_at: null,
    close_reason: null,
    firings: 1,
    matched_rules: 'rules-1',
    drill: false,
    trace_id: null,
    ...more,
  };
}
export function closedEpisode(
  fingerprint: string,
  ended_at: number,
  closed_at = ended_at,
): Episode {
  const closed = { state: 'closed', ended_at, closed_at, close_reason: 'resolved' } as const;
  return openEpisode(fingerprint, closed);
}

/** What a peer says in one poll: its alerts, or that it does not answer. */
export type Said = readonly ShownAlert[] | 'down';
export interface PollOptions {
  /** Seconds after noon. */
  readonly at: number;
  /** By peer, in order; `a`, `b`, ... are their addresses. */
  readonly peers: readonly Said[];
  readonly started?: readonly number[];
  readonly receivers?: readonly string[];
  readonly prometheus?: Poll['prometheus'];
}
export function pollOf({ at, peers, started, receivers, prometheus }: PollOptions): Poll {
  return {
    began_at: NOON + at * SECOND_MS,
    receivers: receivers ?? ['autoheal'],
    peers: peers.map((said, index): PeerAnswer => {
      const url = `http://${'abcdef'[index]}:9093`;
      if (said === 'down') return { url, ok: false };
      return { url, ok: true, started_at: started?.[index] ?? STARTED, alerts: said };
    }),
    prometheus,
  };
}

export interface Told {
  readonly open?: readonly Episode[];
  readonly latest?: readonly Episode[];
  readonly in_use?: readonly string[];
}
/** Takes the polls one after the other, as the loop does, and says what each found. */
export function findingsOf(
  polls: readonly PollOptions[],
  told: Told = {},
): readonly (readonly Finding[])[] {
  let memory: Memory = NO_MEMORY;
  return polls.map((options) => {
    const poll = pollOf(options);
    memory = remember(memory, poll);
    const { findings, disputed } = reconcile({
      poll,
      memory,
      open: told.open ?? [],
      latest: new Map((told.latest ?? []).map((episode) => [episode.fingerprint, episode])),
      in_use: new Set(told.in_use ?? []),
      limits: RECONCILE_LIMITS,
    });
    memory = notAbsent(memory, disputed);
    return findings;
  });
}
/** `kind fingerprint` of what the last poll found. */
export function lastOf(polls: readonly PollOptions[], told: Told = {}): readonly string[] {
  return (findingsOf(polls, told).at(-1) ?? []).map((finding) => {
    const about = finding.kind === 'vanished' ? finding.episode : finding.alert;
    return `${finding.kind} ${about.fingerprint}`;
  });
}
