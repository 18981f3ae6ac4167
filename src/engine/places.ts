import { ActionError } from '../action.ts';
import type { Clock } from '../ports.ts';

/** Calls under way to one backend at once. A storm of alerts must not become one of requests. */
export const CALLS_PER_BACKEND_MAX = 16;

/** Places for calls, the same number for each backend. First come, first served. */
export interface Places {
  /**
   * Takes a place, waiting for one until `deadline_at` (ms since the epoch).
   * @returns what gives it back. @throws ActionError `timeout`: none came free.
   */
  take(backend: string, deadline_at: number): Promise<() => void>;
  /** Of the backend with the most calls under way, as a share of its places: 0 to 1. */
  fullness(): number;
}

interface Queue {
  taken: number;
  readonly waiting: (() => void)[];
}

/** Made once: an abort without a reason makes an exception with a stack. */
const GOT_ONE = new Error('a place came free');

export function createPlaces(clock: Clock): Places {
  const queues = new Map<string, Queue>();

  function of(backend: string): Queue {
    const known = queues.get(backend);
    if (known !== undefined) return known;
    const made: Queue = { taken: 0, waiting: [] };
    queues.set(backend, made);
    return made;
  }

  /** A place that is given back goes to whoever waits longest, without becoming free in between. */
  function giver(queue: Queue): () => void {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = queue.waiting.shift();
      if (next === undefined) queue.taken -= 1;
      else next();
    };
  }

  async function wait(queue: Queue, backend: string, deadline_at: number): Promise<void> {
    const timer = new AbortController();
    const { promise, resolve } = Promise.withResolvers<'place'>();
    function place(): void {
      resolve('place');
    }
    queue.waiting.push(place);
    const within_ms = Math.max(0, deadline_at - clock.now());
    const late = clock.sleep(within_ms, timer.signal).then(
      () => 'late' as const,
      () => 'place' as const,
    );
    const came = await Promise.race([promise, late]);
    timer.abort(GOT_ONE);
    if (came === 'place') return;
    const at = queue.waiting.indexOf(place);
    // Not there any more: the place came in the same moment, and is ours.
    if (at === -1) return;
    queue.waiting.splice(at, 1);
    throw new ActionError(
      'timeout',
      `${CALLS_PER_BACKEND_MAX} calls to ${backend} are under way, and none ended within ${within_ms} ms`,
      { retryable: false },
    );
  }

  return {
    async take(backend, deadline_at) {
      const queue = of(backend);
      if (queue.taken < CALLS_PER_BACKEND_MAX) queue.taken += 1;
      else await wait(queue, backend, deadline_at);
      return giver(queue);
    },
    fullness() {
      const taken = [...queues.values()].map((queue) => queue.taken);
      return Math.max(0, ...taken) / CALLS_PER_BACKEND_MAX;
    },
  };
}
