import { ActionError } from '../action.ts';
import type { Episode } from '../core/alerts/episode.ts';
import type { Store } from '../store.ts';
import type { Engine } from './deps.ts';
import { MUTE_LOG, MUTE_METRICS, MUTE_TRACER } from './mute.ts';
import type { Watch } from './watch.ts';

/**
 * The engine as a question has it: it sees all that the service sees and changes none of it. Nothing is
 * committed, counted, logged or claimed; breakers tell their state and count no call. Places are the real
 * ones, so that questions and work together stay within what a backend takes.
 */
export function askingEngine(engine: Engine, view: Watch['view'], episode: Episode): Engine {
  const { store, watch, breakers, clients } = engine;
  return {
    ...engine,
    log: MUTE_LOG,
    metrics: MUTE_METRICS,
    tracer: MUTE_TRACER,
    store: readingStore(store, episode),
    breakers: {
      state: (backend) => breakers.state(backend),
      openUntil: (backend) => breakers.openUntil(backend),
      begin: nothing,
      end: nothing,
    },
    clients: {
      ...clients,
      flags: { read: (key) => clients.flags.read(key), compareAndSet: refused },
      notifiers: { has: (name) => clients.notifiers.has(name), send: refused },
      silences: {
        ours: (signal) => clients.silences.ours(signal),
        create: refused,
        expire: refused,
      },
      commands: { run: refused },
    },
    // From the last poll: a new one would be counted, and remembered as a poll of reconcile.
    watch: {
      configured: watch.configured,
      blind: () => watch.blind(),
      recheck: async (fingerprint) => view(fingerprint) ?? NOT_ASKED_YET,
    },
  };
}

/** Its reads, with the episode as the question has it: what the store holds may be older. */
function readingStore(store: Store, episode: Episode): Store {
  return {
    ...store,
    episode: async (id) => (id === episode.id ? episode : store.episode(id)),
    // Its own remediation is among those that ask for healing, once there is one.
    async wantedSince(since, limit) {
      const { fingerprint } = episode;
      const newest = await store.listRemediations({ fingerprint, limit: 1 });
      const wanted = await store.wantedSince(since, limit);
      const counted = newest.items.some(({ created_at }) => created_at >= since);
      return counted ? wanted : Math.min(limit, wanted + 1);
    },
    commit: refused,
    claimRemediations: refused,
    claimLeases: refused,
    retain: refused,
  };
}

const NOT_ASKED_YET = {
  state: 'unknown',
  silenced_by: [],
  inhibited_by: [],
  muted_by: [],
  witnessed: false,
  as_of: 0,
} as const;

/** Stages write nothing and an action's `resolve` only reads; whatever tries nevertheless is told. */
function refused(): Promise<never> {
  return Promise.reject(
    new ActionError('forbidden', 'this is only a question: nothing may be changed', {
      retryable: false,
    }),
  );
}

function nothing(): void {}
