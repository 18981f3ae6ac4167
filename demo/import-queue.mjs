// A queue that fills when somebody imports much. POST /add?n=600, POST /take (one), GET /metrics, GET /deep.
import { serve } from './web.mjs';

/** Rows that trickle in each second; one worker alone keeps up with them. */
const TRICKLE = 2;
const DEPTH_MAX = 100_000;
/** From this depth on a worker in reserve is wanted. */
const LONG = 100;
/** A worker that has taken nothing and not asked for this long is gone. */
const GONE_MS = 5_000;

let depth = 0;
let done = 0;
const seen = new Map();

setInterval(() => add(TRICKLE), 1_000);

serve('import-queue', {
  'GET /health': () => 'ok\n',
  // A queue that nobody takes from answers all the same: what a user waits for is a worker.
  'GET /deep': () => {
    if (busy().length === 0) throw new Error('no worker takes from the queue');
    return { deep: 'ok', depth, workers: busy().length };
  },
  'GET /metrics': metrics,
  'POST /add': ({ query }) => `${add(Number(query.get('n') ?? 600))} rows wait\n`,
  'POST /join': ({ query }) => ({ wanted: join(query.get('worker') ?? '') }),
  'POST /take': ({ query }) => {
    seen.set(query.get('worker') ?? '', Date.now());
    const taken = Math.min(depth, 1);
    depth -= taken;
    done += taken;
    return { taken };
  },
});

function add(rows) {
  if (Number.isInteger(rows) && rows > 0) depth = Math.min(DEPTH_MAX, depth + rows);
  return depth;
}

/** The first worker is always wanted, others only while the queue is long. */
function join(worker) {
  const wanted = busy().filter((name) => name !== worker).length === 0 || depth > LONG;
  if (wanted) seen.set(worker, Date.now());
  return wanted;
}

function busy() {
  const since = Date.now() - GONE_MS;
  for (const [name, at] of seen) if (at < since) seen.delete(name);
  return [...seen.keys()];
}

function metrics() {
  return [
    '# TYPE queue_depth gauge',
    `queue_depth{queue="q_import"} ${depth}`,
    '# TYPE queue_done_total counter',
    `queue_done_total{queue="q_import"} ${done}`,
    '# TYPE queue_workers gauge',
    `queue_workers{queue="q_import"} ${busy().length}`,
    '',
  ].join('\n');
}
