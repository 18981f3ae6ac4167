import type { Seen } from '../../src/core/alerts/seen.ts';
import type { Round, Watch } from '../../src/engine/watch.ts';

/** What can be seen of the world, as a test says it. */
export interface FakeWatch extends Watch {
  /** By fingerprint; absent: nobody could be asked. */
  readonly sights: Map<string, Partial<Seen>>;
  readonly reasons: string[];
  configured: boolean;
}

/** Nothing is configured until the test says so, so nothing is missed. */
export function fakeWatch(): FakeWatch {
  const sights = new Map<string, Partial<Seen>>();
  const reasons: string[] = [];
  const unknown: Seen = {
    state: 'unknown',
    silenced_by: [],
    inhibited_by: [],
    muted_by: [],
    witnessed: true,
    as_of: 0,
  };
  return {
    configured: false,
    watching: false,
    sights,
    reasons,
    poll: () => Promise.reject<Round>(new Error('the fake is not polled')),
    view: (fingerprint) => ({ ...unknown, ...sights.get(fingerprint) }),
    recheck: async (fingerprint) => ({ ...unknown, ...sights.get(fingerprint) }),
    blind: () => reasons,
    update: () => undefined,
    close: () => undefined,
  };
}
