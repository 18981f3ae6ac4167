import { Readable } from 'node:stream';
import { AutohealError } from '../core/errors.ts';
import type { HttpDeps, StoreReads } from './deps.ts';

/** Texts of a long answer; the next one is made when the reader has taken the last. */
export type Texts = AsyncGenerator<string, void, undefined>;
export type StreamKind = 'export' | 'tail';

/** The long answers of one server. */
export interface Streams {
  /**
   * Takes a place and begins; the place is free again when the stream is closed. What `begin` throws is
   * still a problem document, because nothing has been sent yet. Its signal: the reader has gone.
   * @throws AutohealError `overloaded` when all places are taken.
   */
  open(
    kind: StreamKind,
    request_id: string,
    begin: (gone: AbortSignal) => Promise<Texts>,
  ): Promise<Readable>;
  readonly watch: HeadWatch;
  /** Aborted when the server stops: tails end then, exports may run to their end. */
  readonly stopping: AbortSignal;
  stop(): void;
}

export function createStreams(deps: Pick<HttpDeps, 'store' | 'limits' | 'log'>): Streams {
  const { limits, log } = deps;
  const places = { export: limits.exports, tail: limits.tails };
  const taken = { export: 0, tail: 0 };
  const stopping = new AbortController();

  async function open(
    kind: StreamKind,
    request_id: string,
    begin: (gone: AbortSignal) => Promise<Texts>,
  ): Promise<Readable> {
    if (taken[kind] >= places[kind]) {
      const what = kind === 'export' ? 'exports' : 'streams';
      throw new AutohealError('overloaded', `${places[kind]} ${what} are open already`);
    }
    taken[kind] += 1;
    const gone = new AbortController();
    try {
      const stream = pulled(await begin(gone.signal), gone, limits.reader_stall_ms);
      stream.once('close', () => (taken[kind] -= 1));
      stream.on('error', (err) => log.warn({ err, kind, request_id }, 'a stream was cut short'));
      return stream;
    } catch (error) {
      taken[kind] -= 1;
      throw error;
    }
  }

  return {
    open,
    watch: createHeadWatch(deps.store, limits.tail_poll_ms),
    stopping: stopping.signal,
    stop: () => stopping.abort(),
  };
}

/**
 * At most one text waits here and one in the socket. An error cuts the connection before the end of the
 * chunked answer, so that a client sees that it is not whole.
 */
function pulled(texts: Texts, gone: AbortController, stall_ms: number): Readable {
  let stall: NodeJS.Timeout | undefined;
  const stream = new Readable({
    highWaterMark: 1,
    read() {
      clearTimeout(stall);
      void next();
    },
    destroy(error, done) {
      clearTimeout(stall);
      gone.abort();
      // Ends it where it stands.
      void quietly(() => texts.return());
      done(error);
    },
  });
  return stream;

  async function next(): Promise<void> {
    try {
      const { done, value } = await texts.next();
      if (stream.destroyed) return;
      if (done === true) return void stream.push(null);
      const late = new Error(`the reader took nothing for ${stall_ms} ms`);
      stall = setTimeout(() => stream.destroy(late), stall_ms);
      stream.push(value);
    } catch (error) {
      stream.destroy(error as Error);
    }
  }
}

async function quietly(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch {
    // Whoever would have read it has gone.
  }
}

/** Tells who waits that the audit log has grown. */
export interface HeadWatch {
  /** The newest seq, 0 for an empty log. */
  head(): Promise<number>;
  /** Resolves when the log has an entry after `seq`, after `ms`, or by the signal. Never rejects. */
  grown(seq: number, ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * Asks the store, once for all who wait, and only while somebody waits. A question costs some 20
 * microseconds, so five a second are nothing; a notice from the store would have to cross processes
 * where several write to one database.
 */
export function createHeadWatch(store: Pick<StoreReads, 'audit'>, poll_ms: number): HeadWatch {
  const waiting = new Set<{ readonly seq: number; readonly wake: () => void }>();
  let running = false;

  async function head(): Promise<number> {
    const newest = await store.audit({ order: 'desc', limit: 1 });
    return newest.items[0]?.seq ?? 0;
  }

  function look(): void {
    if (running || waiting.size === 0) return;
    running = true;
    setTimeout(() => void wakeByHead(), poll_ms);
  }

  async function wakeByHead(): Promise<void> {
    // Where the store fails, whoever waits asks it himself and reports what it says.
    const newest = await head().catch(() => Number.POSITIVE_INFINITY);
    running = false;
    for (const { seq, wake } of waiting) if (newest > seq) wake();
    look();
  }

  function grown(seq: number, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { seq, wake };
    const timer = setTimeout(wake, ms);
    signal.addEventListener('abort', wake);
    waiting.add(waiter);
    look();
    return promise;

    function wake(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      waiting.delete(waiter);
      resolve();
    }
  }

  return { head, grown };
}
