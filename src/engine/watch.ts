import {
  isWitnessed,
  type Memory,
  NO_MEMORY,
  type Poll,
  remember,
} from '../core/alerts/reconcile-memory.ts';
import type { Seen } from '../core/alerts/seen.ts';
import { type Answers, createQuestions, type QuestionsDeps } from './questions.ts';

export interface Round {
  readonly poll: Poll;
  readonly memory: Memory;
}

/**
 * The eyes: what Alertmanager and Prometheus say now, asked once for all who want to know. With a pair, `active`
 * in any is active, and `suppressed` is what all that show it say.
 */
export interface Watch {
  /** Is there an Alertmanager to ask? Without one every answer is `unknown`. */
  readonly configured: boolean;
  /** Is there anybody to ask, an Alertmanager or a Prometheus? */
  readonly watching: boolean;
  /** Asks everybody once. Never rejects: who does not answer is part of the answer. */
  poll(): Promise<Round>;
  /** From the last poll; undefined before the first. */
  view(fingerprint: string): Seen | undefined;
  /**
   * From the last poll if that began at most `max_age_ms` ago, else from a new one that all who ask meanwhile
   * share. @throws the signal's reason when it aborts first.
   */
  recheck(fingerprint: string, max_age_ms: number, signal: AbortSignal): Promise<Seen>;
  /** What is configured and does not answer, in words; empty: nothing is missing. */
  blind(): readonly string[];
  /** Replaces the memory by one made from it: what a restart kept, what may be forgotten. */
  update(change: (memory: Memory) => Memory): void;
  /** Ends the questions under way. */
  close(): void;
}

export interface WatchDeps extends QuestionsDeps {
  /** What else is configured and missing, in words: a Watchdog that stays away. */
  readonly missing?: () => readonly string[];
}

interface Known extends Round {
  readonly sights: Answers['sights'];
}
interface Running {
  readonly began_at: number;
  readonly done: Promise<Known>;
}

export function createWatch(deps: WatchDeps): Watch {
  const { clock } = deps;
  const questions = createQuestions(deps);
  let memory: Memory = NO_MEMORY;
  let last: Known | undefined;
  let running: Running | undefined;

  async function askAll(): Promise<Known> {
    try {
      const { poll, sights } = await questions.ask();
      memory = remember(memory, poll);
      last = { poll, memory, sights };
      return last;
    } finally {
      running = undefined;
    }
  }

  function begin(): Running {
    running = { began_at: clock.now(), done: askAll() };
    return running;
  }

  /** A poll that began at `since` or later. */
  async function fresh(since: number): Promise<Known> {
    if (last !== undefined && last.poll.began_at >= since) return last;
    // One that began too early is waited for, so that the same questions are never under way twice.
    if (running !== undefined && running.began_at < since) {
      await running.done;
      return fresh(since);
    }
    return (running ?? begin()).done;
  }

  function seenIn({ poll, sights }: Known, fingerprint: string): Seen {
    const all = poll.peers.length > 0 && poll.peers.every((peer) => peer.ok);
    const sight = sights.get(fingerprint) ?? { ...NOWHERE, state: all ? 'absent' : 'unknown' };
    return { ...sight, witnessed: isWitnessed(memory, fingerprint), as_of: poll.began_at };
  }

  return {
    configured: deps.peers.length > 0,
    watching: deps.peers.length > 0 || deps.prometheus.configured,
    poll: async () => (running ?? begin()).done,
    view: (fingerprint) => (last === undefined ? undefined : seenIn(last, fingerprint)),
    async recheck(fingerprint, max_age_ms, signal) {
      const known = await unlessAborted(fresh(clock.now() - max_age_ms), signal);
      return seenIn(known, fingerprint);
    },
    blind: () => [...questions.blind(), ...(deps.missing?.() ?? [])],
    update(change) {
      memory = change(memory);
    },
    close: () => questions.close(),
  };
}

const NOWHERE = { silenced_by: [], inhibited_by: [], muted_by: [] } as const;

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    function abort(): void {
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    }
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
