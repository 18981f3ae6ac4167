import type { PeerAnswer, Poll } from '../core/alerts/reconcile-memory.ts';
import type { ActiveAlert, AlertmanagerPeer, Clock, Log, Metrics, PromAlerts } from '../ports.ts';
import { createOutages } from './outages.ts';
import { createAuthors } from './silence-authors.ts';

export interface QuestionsDeps {
  /** One of each Alertmanager; none: not configured. */
  readonly peers: readonly AlertmanagerPeer[];
  readonly prometheus: PromAlerts;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'reconcilePoll' | 'alertmanagerPolled'>;
  /** Names of the receivers that post to us; read at each poll. */
  readonly receivers: () => readonly string[];
}

/** One alert, as all peers that answered show it. */
export interface Sight {
  readonly state: 'active' | 'suppressed';
  /** Ids of silences, without those that autoheal made. */
  readonly silenced_by: readonly string[];
  /** Fingerprints of the alerts that inhibit it. */
  readonly inhibited_by: readonly string[];
  /** Mute intervals of its route. */
  readonly muted_by: readonly string[];
}
export interface Answers {
  readonly poll: Poll;
  readonly sights: ReadonlyMap<string, Sight>;
}
interface Questions {
  /** Asks everybody once, side by side. Never rejects: who does not answer is part of the answer. */
  ask(): Promise<Answers>;
  /** Who is missing, in words: Prometheus, or all Alertmanagers, without an answer for too long. */
  blind(): readonly string[];
  /** Ends the questions under way. */
  close(): void;
}

export function createQuestions(deps: QuestionsDeps): Questions {
  const { clock, peers } = deps;
  const closing = new AbortController();
  const outages = createOutages(deps);
  const authors = createAuthors();

  function failed(who: string, error: unknown): void {
    // We hung up ourselves.
    if (!closing.signal.aborted) outages.failed(who, error);
  }

  async function askPeer(
    peer: AlertmanagerPeer,
    receivers: readonly string[],
    sights: Map<string, Sight>,
  ): Promise<PeerAnswer> {
    const { url } = peer;
    try {
      // The process first: should it restart in between, its alerts count for the one that is gone.
      const { started_at } = await peer.status(closing.signal);
      const alerts = await peer.alerts(receivers, closing.signal);
      const ours = await authors.ours(peer, alerts, closing.signal);
      const shown = alerts.map((alert) => {
        const sight = sightOf(alert, ours);
        sights.set(alert.fingerprint, merged(sights.get(alert.fingerprint), sight));
        return { ...alert, suppressed: sight.state === 'suppressed' };
      });
      outages.answered(nameOf(url));
      return { url, ok: true, started_at, alerts: shown };
    } catch (error) {
      failed(nameOf(url), error);
      return { url, ok: false };
    }
  }

  async function askPrometheus(): Promise<Poll['prometheus']> {
    if (!deps.prometheus.configured) return undefined;
    try {
      const firing = await deps.prometheus.firing(closing.signal);
      outages.answered('Prometheus');
      return firing;
    } catch (error) {
      failed('Prometheus', error);
      return 'failed';
    }
  }

  async function ask(): Promise<Answers> {
    const began_at = clock.now();
    const receivers = deps.receivers();
    const sights = new Map<string, Sight>();
    const [answers, prometheus] = await Promise.all([
      Promise.all(peers.map((peer) => askPeer(peer, receivers, sights))),
      askPrometheus(),
    ]);
    const poll: Poll = { began_at, receivers, peers: answers, prometheus };
    count(poll, deps.metrics);
    return { poll, sights };
  }

  return {
    ask,
    blind: () => missing(outages.blind(clock.now()), peers),
    close: () => closing.abort(new Error('the service stops')),
  };
}

/** One of a cluster is enough to see that an alert fires; that one is gone, all of them have to say. */
function missing(
  away: readonly { readonly who: string; readonly words: string }[],
  peers: QuestionsDeps['peers'],
): readonly string[] {
  const names = new Set(peers.map(({ url }) => nameOf(url)));
  const some_see = away.filter(({ who }) => names.has(who)).length < names.size;
  return away.filter(({ who }) => !some_see || !names.has(who)).map(({ words }) => words);
}

function nameOf(url: string): string {
  return `Alertmanager at ${url}`;
}

function count(
  { began_at, peers: answers, prometheus }: Poll,
  metrics: QuestionsDeps['metrics'],
): void {
  const asked = answers.map(({ ok }) => ok);
  if (asked.length > 0 && asked.every(Boolean)) metrics.alertmanagerPolled(began_at);
  if (prometheus !== undefined) asked.push(prometheus !== 'failed');
  if (asked.length === 0) return;
  if (asked.every(Boolean)) metrics.reconcilePoll('ok');
  else metrics.reconcilePoll(asked.some(Boolean) ? 'partial' : 'failed');
}

/** Of one peer. A silence of ours is part of the healing, never a reason to leave an alert alone. */
function sightOf(alert: ActiveAlert, ours: ReadonlySet<string>): Sight {
  const silenced_by = alert.silenced_by.filter((id) => !ours.has(id));
  const { inhibited_by, muted_by } = alert;
  const others = silenced_by.length + inhibited_by.length + muted_by.length > 0;
  // Suppressed and nobody named: then it is not ours either.
  const unnamed = alert.state === 'suppressed' && alert.silenced_by.length === 0;
  return {
    state: others || unnamed ? 'suppressed' : 'active',
    silenced_by,
    inhibited_by,
    muted_by,
  };
}

/** Of all peers: active in one is active. */
function merged(known: Sight | undefined, sight: Sight): Sight {
  if (known === undefined || sight.state === 'active') return sight;
  if (known.state === 'active') return known;
  return {
    state: 'suppressed',
    silenced_by: union(known.silenced_by, sight.silenced_by),
    inhibited_by: union(known.inhibited_by, sight.inhibited_by),
    muted_by: union(known.muted_by, sight.muted_by),
  };
}

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return [...new Set([...a, ...b])];
}
