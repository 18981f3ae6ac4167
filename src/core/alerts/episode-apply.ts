import type { Alert } from './alert.ts';
import type { Episode } from './episode.ts';
import { isoTime } from '../time.ts';

/** Where and when the alert arrived, and what a new episode needs. Times in ms since the epoch. */
export interface Arrival {
  readonly received_at: number;
  /** `alertmanager`, `grafana`, `curl`, ... */
  readonly source: string;
  readonly trace_id: string | null;
  /** Id of the episode, should one open. */
  readonly new_id: string;
  /** The rule set that looks at a new episode. */
  readonly rules_version: string;
  /** Set where Alertmanager's API told it: when the first question of the poll went out. */
  readonly poll_began_at?: number;
}

export type EpisodeDecision =
  | { readonly kind: 'open'; readonly episode: Episode }
  /** It still fires: fresh evidence. `matched_rules` stays, so that the caller sees what last looked. */
  | { readonly kind: 'repeat'; readonly episode: Episode }
  | { readonly kind: 'close'; readonly episode: Episode }
  /** A firing from before our close. */
  | { readonly kind: 'late_duplicate'; readonly why: string }
  /** A resolve from before the open episode began. */
  | { readonly kind: 'late_resolve'; readonly why: string }
  /** What the API told is older than the newest delivery. */
  | { readonly kind: 'overtaken'; readonly why: string }
  | { readonly kind: 'resolved_unknown'; readonly why: string }
  | { readonly kind: 'resolved_again'; readonly why: string };

/** A sender's time further ahead of our clock than this is not believed. */
export const CLOCK_SKEW_MAX_MS = 5 * 60_000;
/**
 * How long after our close a firing can be a copy under way: Alertmanager retries until its group_interval
 * is over (5m by default), an HA peer waits for others besides; this is twice that. After it a firing
 * with an old startsAt is one that went on all the time, e.g. behind a network that was cut.
 */
export const LATE_DUPLICATE_MAX_MS = 10 * 60_000;

/** They send copies (peers, retries) and keep startsAt true. What a person posts by hand is meant as it stands. */
const SENDERS_OF_COPIES: readonly string[] = ['alertmanager', 'grafana'];

/**
 * What one alert means for the newest episode of its fingerprint (DESIGN §3). We open and close
 * episodes; `startsAt` moves at the sender, so it only tells late copies apart.
 */
export function applyAlert(prior: Episode | undefined, alert: Alert, at: Arrival): EpisodeDecision {
  const overtaken = prior === undefined ? undefined : whyOvertaken(prior, at);
  if (overtaken !== undefined) return { kind: 'overtaken', why: overtaken };
  if (alert.status === 'resolved') return applyResolve(prior, alert, at);
  if (prior?.state === 'open') return { kind: 'repeat', episode: repeated(prior, alert, at) };
  const late = prior === undefined ? undefined : whyLate(prior, alert, at);
  if (late !== undefined) return { kind: 'late_duplicate', why: late };
  return { kind: 'open', episode: opened(alert, at) };
}

/** Why a poll says nothing about the episode; undefined when it does, and for deliveries of others. */
function whyOvertaken(prior: Episode, { poll_began_at }: Arrival): string | undefined {
  if (poll_began_at === undefined) return undefined;
  const newest = prior.closed_at ?? prior.last_firing_at;
  if (newest < poll_began_at) return undefined;
  return `its newest delivery came at ${isoTime(newest)}, Alertmanager was asked at ${isoTime(poll_began_at)}`;
}

function applyResolve(prior: Episode | undefined, alert: Alert, at: Arrival): EpisodeDecision {
  if (prior === undefined) return { kind: 'resolved_unknown', why: 'it was never seen firing' };
  if (prior.state === 'closed') return notOpen(prior, alert);
  const { ends_at } = alert;
  // Of one that vanished it is when we first missed it, by our clock: it orders nothing.
  const ordered = at.poll_began_at === undefined;
  if (ordered && ends_at !== null && prior.starts_at !== null && ends_at < prior.starts_at) {
    const why = `it ended at ${isoTime(ends_at)}, before the open episode began at ${isoTime(prior.starts_at)}`;
    return { kind: 'late_resolve', why };
  }
  return { kind: 'close', episode: closed(prior, alert, at) };
}

function notOpen(prior: Episode, alert: Alert): EpisodeDecision {
  const { starts_at } = alert;
  if (starts_at !== null && prior.ended_at !== null && starts_at > prior.ended_at) {
    const why = `the firing that began at ${isoTime(starts_at)} never arrived`;
    return { kind: 'resolved_unknown', why };
  }
  return { kind: 'resolved_again', why: `episode ${prior.id} is closed already` };
}

/** Why a firing after our close is a copy of one from before it; undefined when it is a new one. */
function whyLate(prior: Episode, alert: Alert, at: Arrival): string | undefined {
  // The API confirms that it fires, whatever its startsAt is.
  if (at.poll_began_at !== undefined) return undefined;
  const { starts_at } = alert;
  if (starts_at === null || prior.ended_at === null || prior.closed_at === null) return undefined;
  if (starts_at > prior.ended_at) return undefined;
  if (prior.source !== at.source || !SENDERS_OF_COPIES.includes(at.source)) return undefined;
  if (at.received_at - prior.closed_at > LATE_DUPLICATE_MAX_MS) return undefined;
  return `it began at ${isoTime(starts_at)}, not after episode ${prior.id} ended at ${isoTime(prior.ended_at)}`;
}

function opened(alert: Alert, at: Arrival): Episode {
  return {
    id: at.new_id,
    fingerprint: alert.fingerprint,
    alertname: alert.alertname,
    labels: alert.labels,
    annotations: alert.annotations,
    source: sourceOf(at),
    generator_url: alert.generator_url,
    state: 'open',
    starts_at: believed(alert.starts_at, at),
    opened_at: at.received_at,
    last_firing_at: at.received_at,
    closed_at: null,
    ended_at: null,
    close_reason: null,
    firings: 1,
    matched_rules: at.rules_version,
    drill: alert.drill,
    trace_id: at.trace_id,
  };
}

/** Labels stay as the episode began: what was planned for them must not move under way. */
function repeated(prior: Episode, alert: Alert, at: Arrival): Episode {
  return {
    ...prior,
    annotations: alert.annotations,
    generator_url: alert.generator_url === '' ? prior.generator_url : alert.generator_url,
    // Alertmanager vouches for it from now on, so that its API can be asked.
    source: sourceOf(at) === 'alertmanager' ? 'alertmanager' : prior.source,
    starts_at: earliest(prior.starts_at, believed(alert.starts_at, at)),
    last_firing_at: Math.max(prior.last_firing_at, at.poll_began_at ?? at.received_at),
    firings: prior.firings + 1,
  };
}

function closed(prior: Episode, alert: Alert, at: Arrival): Episode {
  const starts_at = earliest(prior.starts_at, believed(alert.starts_at, at));
  const ends_at = believed(alert.ends_at, at) ?? at.received_at;
  return {
    ...prior,
    state: 'closed',
    starts_at,
    closed_at: at.received_at,
    ended_at: Math.max(ends_at, starts_at ?? ends_at),
    close_reason: at.poll_began_at === undefined ? 'resolved' : 'vanished',
  };
}

/** Who vouches for the episode: behind what the API told stands Alertmanager. */
function sourceOf(at: Arrival): string {
  return at.poll_began_at === undefined ? at.source : 'alertmanager';
}

function believed(time: number | null, at: Arrival): number | null {
  return time !== null && time <= at.received_at + CLOCK_SKEW_MAX_MS ? time : null;
}

function earliest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
