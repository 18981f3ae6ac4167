// An API that can be hung or killed. POST /hang: its process lives, its port takes connections, and nothing answers.
import { serve } from './web.mjs';

serve('crm-api', {
  'GET /health': () => 'ok\n',
  'GET /customers': () => ({ customers: ['Ada', 'Grace', 'Edsger'] }),
  'POST /hang': () => {
    setTimeout(hang, 100);
    return 'hanging in 100 ms\n';
  },
});

/** Stops the one thread for good, without using the processor. SIGTERM does not help: only SIGKILL does. */
function hang() {
  console.log('crm-api hangs');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
