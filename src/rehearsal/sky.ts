import { ActionError, type NewSilence, type Silence, type Silences } from '../action.ts';
import { fingerprintOf } from '../core/alerts/fingerprint.ts';
import type { Labels } from '../core/json.ts';
import type { ActiveAlert, AlertmanagerPeer } from '../ports.ts';
import { covers } from './labels.ts';
import type { AlertmanagerState } from './world-spec.ts';

/** What Prometheus sends again while an alert fires moves its `updatedAt` this often, ms. */
const RESENT_EVERY_MS = 60_000;
/** After the last alert went, its Alertmanager is asked for so long as reconcile may still decide by it, ms. */
const LINGERS_MS = 600_000;
const SOMEBODY = 'somebody';

/** An alert that fires. Times in ms since the epoch. */
export interface FiredAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly starts_at: number;
}

/** Alertmanager's API in a world of data: what fires, what is silenced. */
export interface Sky {
  /** None where no Alertmanager is configured. */
  readonly peers: readonly AlertmanagerPeer[];
  readonly silences: Silences;
  become(state: AlertmanagerState): void;
  /** Replaces other people's silences: alerts that have all labels of one of these. */
  silence(silences: readonly Labels[]): void;
  fire(alert: FiredAlert): void;
  resolve(labels: Labels): void;
  /**
   * When reconcile, which would ask at `at`, has something to find; Infinity: nothing fires, nothing changed lately.
   * Its beat of `every_ms` is kept.
   */
  asksAt(at: number, every_ms: number): number;
}

/** Is there an Alertmanager to ask is decided once, as the service decides it at its start. */
export function createSky(start: AlertmanagerState, now: () => number): Sky {
  const started_at = now();
  const firing = new Map<string, FiredAlert>();
  let others: readonly Labels[] = [];
  let state = start;
  /** When something began to fire after nothing did, or the API came or went; and when the last one resolved. */
  let stirred_at = started_at;
  let calmed_at = started_at;

  function answers(): void {
    if (state === 'down')
      throw new ActionError('unavailable', 'Alertmanager is down', { retryable: true });
    if (state === 'absent')
      throw new ActionError('not_configured', 'there is no Alertmanager here', {
        retryable: false,
      });
  }

  const peer: AlertmanagerPeer = {
    url: 'http://alertmanager:9093',
    async status() {
      answers();
      return { version: '0', started_at };
    },
    async alerts() {
      answers();
      return [...firing.values()].map((alert) => shown(alert, others, now()));
    },
    silenceAuthor: async () => SOMEBODY,
  };

  return {
    peers: start === 'absent' ? [] : [peer],
    silences: createOurs(answers, now),
    become(to) {
      if ((to === 'absent') !== (start === 'absent'))
        throw new Error('whether there is an Alertmanager is said at the start of the world');
      if (to !== state) stirred_at = now();
      state = to;
    },
    silence(silences) {
      others = silences;
    },
    fire(alert) {
      if (firing.size === 0) stirred_at = now();
      firing.set(fingerprintOf(alert.labels), alert);
    },
    resolve(labels) {
      if (firing.delete(fingerprintOf(labels)) && firing.size === 0) calmed_at = now();
    },
    asksAt(at, every_ms) {
      // One that is away is asked on: how long it has been away is what counts.
      if (state === 'down' || firing.size > 0)
        return at + Math.max(0, Math.ceil((stirred_at - at) / every_ms)) * every_ms;
      return at <= Math.max(calmed_at, stirred_at) + LINGERS_MS ? at : Number.POSITIVE_INFINITY;
    },
  };
}

function shown(alert: FiredAlert, others: readonly Labels[], now: number): ActiveAlert {
  const { labels, annotations, starts_at } = alert;
  const silenced_by = others.flatMap((some, index) =>
    covers(labels, some) ? [`silence-of-others-${index + 1}`] : [],
  );
  const resent_ms = Math.floor((now - starts_at) / RESENT_EVERY_MS) * RESENT_EVERY_MS;
  return {
    fingerprint: fingerprintOf(labels),
    labels,
    annotations,
    starts_at,
    updated_at: starts_at + resent_ms,
    generator_url: '',
    state: silenced_by.length > 0 ? 'suppressed' : 'active',
    silenced_by,
    inhibited_by: [],
    muted_by: [],
  };
}

/** Silences that autoheal makes. They hide nothing from it, so the API does not show them. */
function createOurs(answers: () => void, now: () => number): Silences {
  const standing = new Map<string, Silence>();
  let made = 0;
  return {
    async ours() {
      answers();
      return [...standing.values()].filter(({ ends_at }) => ends_at > now());
    },
    async create(silence: NewSilence) {
      answers();
      for (const { id, ends_at } of standing.values()) if (ends_at <= now()) standing.delete(id);
      made += 1;
      const id = `silence-${made}`;
      standing.set(id, { ...silence, id });
      return id;
    },
    async expire(id) {
      answers();
      standing.delete(id);
    },
  };
}
