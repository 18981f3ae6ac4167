/**
 * A small application as users have it: it asks the OpenFeature SDK whether to answer by heuristics only, and
 * probes its AI provider all the time. `POST /break` and `POST /fix` stand for the provider's day.
 * Usage: node ai-coach.ts PORT AUTOHEAL_URL TOKEN
 */
import { createServer } from 'node:http';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OpenFeature } from '@openfeature/server-sdk';

const PROBE_MS = 100;
const [port = '0', autoheal_url = '', token = ''] = process.argv.slice(2);

await OpenFeature.setProviderAndWait(
  new OFREPProvider({ baseUrl: autoheal_url, headers: [['Authorization', `Bearer ${token}`]] }),
);
const flags = OpenFeature.getClient();

let broken = false;
let probes = 0;
let errors = 0;
setInterval(() => {
  probes += 1;
  if (broken) errors += 1;
}, PROBE_MS);

const server = createServer((request, response) => {
  if (request.url === '/break') broken = true;
  if (request.url === '/fix') broken = false;
  if (request.url === '/metrics')
    return response.end(`ai_probes_total ${probes}\nai_probe_errors_total ${errors}\n`);
  // How would it answer a user now?
  void flags
    .getBooleanDetails('heuristics-only', false)
    .then(({ value, errorCode }) =>
      response.end(JSON.stringify({ heuristics_only: value, error: errorCode ?? null })),
    );
});
server.listen(Number(port), '127.0.0.1', () => console.log('listening'));
