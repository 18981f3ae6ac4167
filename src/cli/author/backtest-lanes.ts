import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { RecordedDelivery } from '../../rehearsal/backtest/filter.ts';
import type { Batches } from '../../rehearsal/backtest/run.ts';
import type { Tally } from '../../rehearsal/backtest/tally.ts';
import type { LaneOrder, LaneNews, LanePlan } from './backtest-worker.ts';

/** The name differs in a build. */
const WORKER = new URL(`./backtest-worker${extname(import.meta.url)}`, import.meta.url);
/** Batches that one thread may have before it: the slower of two holds the other up, not the memory. */
const WAITING_MAX = 8;

/** A rule set in a thread of its own. @throws Error with the rendered problems when the rules do not compile. */
export function startLane(plan: LanePlan): Batches & { stop(): Promise<void> } {
  const worker = new Worker(WORKER, { workerData: plan });
  const done = Promise.withResolvers<Tally>();
  let waiting = 0;
  let room = Promise.withResolvers<void>();
  // Told to whoever waits next; nobody waits at every moment.
  done.promise.catch(() => undefined);
  room.promise.catch(() => undefined);

  function failed(error: unknown): void {
    done.reject(error);
    room.reject(error);
  }
  worker.on('error', failed);
  worker.on('exit', (code) => failed(new Error(`a thread of the backtest ended with ${code}`)));
  worker.on('message', (news: LaneNews) => {
    if (news.kind === 'failed') return failed(new Error(news.message));
    if (news.kind === 'done') return done.resolve(news.tally);
    waiting -= 1;
    room.resolve();
  });

  function say(order: LaneOrder, moved: readonly ArrayBuffer[] = []): void {
    worker.postMessage(order, [...moved]);
  }

  return {
    async take(batch) {
      while (waiting >= WAITING_MAX) {
        room = Promise.withResolvers();
        await Promise.race([room.promise, done.promise]);
      }
      waiting += 1;
      const bytes = joined(batch);
      let from = 0;
      const rows = batch.map(({ at, source, body }) => {
        const row = { at, source, from, to: from + body.byteLength };
        from = row.to;
        return row;
      });
      say({ kind: 'batch', rows, bytes }, [bytes]);
    },
    finish() {
      say({ kind: 'finish' });
      return done.promise;
    },
    async stop() {
      await worker.terminate();
    },
  };
}

/** Moved to the thread instead of copied: so each lane needs one of its own. */
function joined(batch: readonly RecordedDelivery[]): ArrayBuffer {
  const length = batch.reduce((sum, { body }) => sum + body.byteLength, 0);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const { body } of batch) {
    bytes.set(body, at);
    at += body.byteLength;
  }
  return bytes.buffer;
}
