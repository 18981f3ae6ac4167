import { SILENCE_AUTHOR } from '../core/alerts/seen.ts';
import type { ActiveAlert, AlertmanagerPeer } from '../ports.ts';

/** Authors kept; a silence's author does not change. The oldest are forgotten and asked for again. */
const AUTHORS_MAX = 10_000;
/** Silences asked about in one poll and peer, one after the other: Alertmanager bounds GETs in parallel. */
const ASKED_MAX = 50;

interface Authors {
  /**
   * Of the silences on these alerts, the ids of those that autoheal made. One whose author is not known,
   * because it is gone or Alertmanager did not say, counts as somebody else's.
   */
  ours(
    peer: AlertmanagerPeer,
    alerts: readonly ActiveAlert[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>>;
}

export function createAuthors(): Authors {
  const authors = new Map<string, string>();

  async function learn(peer: AlertmanagerPeer, id: string, signal: AbortSignal): Promise<void> {
    try {
      const author = await peer.silenceAuthor(id, signal);
      if (author === undefined) return;
      authors.set(id, author);
      const [oldest] = authors.keys();
      if (authors.size > AUTHORS_MAX && oldest !== undefined) authors.delete(oldest);
    } catch {
      // Somebody else's, until Alertmanager says.
    }
  }

  return {
    async ours(peer, alerts, signal) {
      const ids = new Set(alerts.flatMap((alert) => alert.silenced_by));
      const unknown = [...ids].filter((id) => !authors.has(id)).slice(0, ASKED_MAX);
      for (const id of unknown) await learn(peer, id, signal);
      return new Set([...ids].filter((id) => authors.get(id) === SILENCE_AUTHOR));
    },
  };
}
