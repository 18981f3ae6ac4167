import type { Episode } from '../../core/alerts/episode.ts';
import type { Change, Delivery, Store } from '../../store.ts';
import { putIn, refuse, type Undo, whole } from './undo.ts';

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

/** Deliveries of a replay, as long as they wait. */
export function createInbox() {
  const waiting = new Map<number, Delivery>();
  let cursor = 0;
  let seq = 0;

  return {
    add({ delivery }: Of<'delivery_add'>, undo: Undo): void {
      seq += 1;
      const added = seq;
      waiting.set(added, { ...delivery, seq: added, failures: 0 });
      undo.push(() => {
        waiting.delete(added);
        seq -= 1;
      });
    },
    advance({ from, to }: Of<'inbox_advance'>, undo: Undo): void {
      if (cursor !== from) refuse('cursor_moved', `the inbox is drained to ${cursor}`);
      const gone = [...waiting.values()].filter((one) => one.seq <= to);
      for (const one of gone) waiting.delete(one.seq);
      cursor = to;
      undo.push(() => {
        cursor = from;
        for (const one of gone) waiting.set(one.seq, one);
      });
    },
    failed({ seq: of, parked: is_parked }: Of<'delivery_failed'>, undo: Undo): void {
      const delivery = waiting.get(of);
      if (delivery === undefined) throw new Error(`there is no delivery ${of} in this database`);
      // Below zero: nobody reads it any more.
      const failures = is_parked ? -1 : delivery.failures + 1;
      putIn(waiting, of, { ...delivery, failures }, undo);
    },
    reads: {
      async inbox(limit) {
        const deliveries: Delivery[] = [];
        for (const one of waiting.values()) {
          if (deliveries.length === limit) break;
          if (!parked(one)) deliveries.push(one);
        }
        return { cursor, deliveries };
      },
      async inboxDepth() {
        const left = [...waiting.values()].filter((one) => !parked(one));
        return { pending: left.length, oldest_received_at: left[0]?.received_at ?? null };
      },
    } satisfies Pick<Store, 'inbox' | 'inboxDepth'>,
  };
}

function parked({ failures }: Delivery): boolean {
  return failures < 0;
}

const TIMES = [
  'starts_at',
  'opened_at',
  'last_firing_at',
  'closed_at',
  'ended_at',
] as const satisfies (keyof Episode)[];

/** The episodes of a replay. */
export function createEpisodes() {
  const by_id = new Map<string, Episode>();
  /** Id of the newest of each fingerprint. */
  const latest = new Map<string, string>();

  return {
    isOpen: (id: string) => by_id.get(id)?.state === 'open',
    get: (id: string) => by_id.get(id),
    put({ episode }: Of<'episode_put'>, undo: Undo): void {
      const { id, fingerprint } = episode;
      const newest = by_id.get(latest.get(fingerprint) ?? '');
      if (episode.state === 'open' && newest?.state === 'open' && newest.id !== id)
        refuse('episode_open', fingerprint);
      if (!by_id.has(id)) putIn(latest, fingerprint, id, undo);
      putIn(by_id, id, whole(episode, TIMES), undo);
    },
    repeat({ episode }: Of<'episode_repeat'>, undo: Undo): void {
      const before = by_id.get(episode.id);
      if (before === undefined)
        throw new Error(`episode ${episode.id} is not there to be repeated`);
      const { annotations, source, generator_url, starts_at } = episode;
      const { last_firing_at, firings, matched_rules } = episode;
      const what = { annotations, source, generator_url, starts_at };
      const repeated = { ...before, ...what, last_firing_at, firings, matched_rules };
      putIn(by_id, episode.id, whole(repeated, TIMES), undo);
    },
    requireOpen({ episode_id }: Of<'require_open'>): void {
      const state = by_id.get(episode_id)?.state;
      if (state !== 'open')
        refuse('episode_closed', `episode ${episode_id} is ${state ?? 'unknown'}`);
    },
    reads: {
      episode: async (id) => by_id.get(id),
      async latestEpisodes(fingerprints) {
        const found = new Map<string, Episode>();
        for (const fingerprint of fingerprints) {
          const episode = by_id.get(latest.get(fingerprint) ?? '');
          if (episode !== undefined) found.set(fingerprint, episode);
        }
        return found;
      },
    } satisfies Pick<Store, 'episode' | 'latestEpisodes'>,
  };
}
