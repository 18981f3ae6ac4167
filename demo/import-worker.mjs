// One replica of the worker: takes 5 rows a second. Compose starts four; while the queue is short, three see that
// they are not wanted and end, so that autoheal has replicas to start when the queue is long.
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { endOnSignal } from './web.mjs';

const TAKE_EVERY_MS = 200;
const ASK_TIMEOUT_MS = 2_000;
/** Long enough for `docker compose up --wait` to see it run. */
const RESERVE_MS = 20_000;
const queue = process.env.QUEUE_URL ?? 'http://import-queue:8080';
const worker = hostname();

endOnSignal();
const { wanted } = await untilAnswer('/join');
if (!wanted) {
  console.log('not wanted while the queue is short: in reserve');
  await sleep(RESERVE_MS);
  process.exit(0);
}
console.log('at work');
for (;;) {
  await untilAnswer('/take');
  await sleep(TAKE_EVERY_MS);
}

/** A queue that does not answer is asked again each second. */
async function untilAnswer(path) {
  for (;;) {
    try {
      const answer = await fetch(`${queue}${path}?worker=${worker}`, {
        method: 'POST',
        signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
      });
      if (answer.ok) return await answer.json();
      console.log(`the queue answered ${answer.status}`);
    } catch (error) {
      console.log(`the queue does not answer: ${error.message}`);
    }
    await sleep(1_000);
  }
}
