import { ActionError } from '../../src/action.ts';
import { fingerprintOf } from '../../src/core/alerts/fingerprint.ts';
import type { ActiveAlert, AlertmanagerPeer } from '../../src/ports.ts';

type Labels = Readonly<Record<string, string>>;

/** The symptoms themselves, and a pair of Alertmanagers that show them; as far as they are up and know them. */
export interface Symptoms {
  readonly peers: readonly AlertmanagerPeer[];
  /** Since when it fires, ms since the epoch; undefined: it does not. */
  firingSince(labels: Labels): number | undefined;
  set(labels: Labels, firing: boolean): void;
  /** Does it answer? */
  setUp(peer: number, up: boolean): void;
  /** It starts anew, and knows nothing of what began before until Prometheus has sent everything again. */
  restart(peer: number, resend_ms: number): void;
}

export function symptoms(now: () => number): Symptoms {
  const firing = new Map<string, { readonly labels: Labels; readonly since: number }>();
  const states = [0, 1].map(() => ({ up: true, started_at: now(), whole_at: now() }));

  function shown({ started_at, whole_at }: (typeof states)[number]): readonly ActiveAlert[] {
    // An alert that began after the start came by itself; those before it come when all is sent again.
    return [...firing].flatMap(([fingerprint, { labels, since }]) =>
      since >= started_at || now() >= whole_at ? [alertOf(fingerprint, labels, since)] : [],
    );
  }

  const peers = states.map((state, index): AlertmanagerPeer => {
    function answering(): void {
      if (!state.up) throw new ActionError('unavailable', 'down', { retryable: true });
    }
    return {
      url: `http://alertmanager-${index}`,
      async status() {
        answering();
        return { version: 'model', started_at: state.started_at };
      },
      async alerts() {
        answering();
        return shown(state);
      },
      silenceAuthor: async () => undefined,
    };
  });
  return {
    peers,
    firingSince: (labels) => firing.get(fingerprintOf(labels))?.since,
    set(labels, fires) {
      const fingerprint = fingerprintOf(labels);
      if (!fires) firing.delete(fingerprint);
      else if (!firing.has(fingerprint)) firing.set(fingerprint, { labels, since: now() });
    },
    setUp(peer, up) {
      const state = states[peer];
      if (state !== undefined) state.up = up;
    },
    restart(peer, resend_ms) {
      const state = states[peer];
      if (state === undefined) return;
      state.started_at = now();
      state.whole_at = now() + resend_ms;
    },
  };
}

function alertOf(fingerprint: string, labels: Labels, since: number): ActiveAlert {
  return {
    fingerprint,
    labels,
    annotations: {},
    starts_at: since,
    updated_at: since,
    generator_url: '',
    state: 'active',
    silenced_by: [],
    inhibited_by: [],
    muted_by: [],
  };
}
