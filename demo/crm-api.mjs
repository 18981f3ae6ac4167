// An API that can be hung, killed or made sick. POST /hang: its process lives, its port takes connections, and nothing
// answers. POST /sicken: its port answers, and what it is there for does not; a restart cures it.
import { serve } from './web.mjs';

const ASK_TIMEOUT_MS = 2_000;
const QUEUE = process.env.QUEUE_URL ?? 'http://import-queue:8080';
let sick = false;

serve('crm-api', {
  'GET /health': () => 'ok\n',
  'GET /ready': () => (customers(), 'ready\n'),
  'GET /customers': () => ({ customers: customers() }),
  // What a user does: looks customers up and hands one on to be imported.
  'GET /deep': async () => {
    const found = customers().length;
    const handed = await fetch(`${QUEUE}/add?n=1`, {
      method: 'POST',
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    });
    if (!handed.ok) throw new Error(`import-queue answered ${handed.status}`);
    return { deep: 'ok', customers: found };
  },
  'POST /sicken': () => {
    sick = true;
    return 'customers are not found any more; the port answers\n';
  },
  'POST /hang': () => {
    setTimeout(hang, 100);
    return 'hanging in 100 ms\n';
  },
});

function customers() {
  if (sick) throw new Error('no customers are found');
  return ['Ada', 'Grace', 'Edsger'];
}

/** Stops the one thread for good, without using the processor. SIGTERM does not help: only SIGKILL does. */
function hang() {
  console.log('crm-api hangs');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
