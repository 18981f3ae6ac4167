// An application with an AI model behind it. Each answer asks OpenFeature whether to use heuristics only. A probe
// asks the model all the time, so that its recovery is seen while nobody else uses it.
import { readFileSync } from 'node:fs';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { serve } from './web.mjs';

const PROBE_EVERY_MS = 200;
const token = readFileSync(process.env.AUTOHEAL_TOKEN_FILE ?? '/run/secrets/viewer_token', 'utf8');

await OpenFeature.setProviderAndWait(
  new OFREPProvider({
    baseUrl: process.env.AUTOHEAL_URL ?? 'http://autoheal:9009',
    headers: [['Authorization', `Bearer ${token.trim()}`]],
  }),
);
const flags = OpenFeature.getClient();

let model_broken = false;
let probes = 0;
let errors = 0;
setInterval(() => {
  probes += 1;
  if (model_broken) errors += 1;
}, PROBE_EVERY_MS);

serve('ai-coach', {
  'GET /health': () => 'ok\n',
  'GET /answer': answer,
  // Heuristics are an answer too: while the flag is set, users are served.
  'GET /deep': async () => {
    const { advice, error, by } = await answer();
    if (advice === undefined) throw new Error(error);
    return { deep: 'ok', by };
  },
  'POST /break': () => {
    model_broken = true;
    return 'the model answers with errors\n';
  },
  'POST /fix': () => {
    model_broken = false;
    return 'the model answers again\n';
  },
  'GET /metrics': () =>
    [
      '# TYPE ai_probes_total counter',
      `ai_probes_total ${probes}`,
      '# TYPE ai_probe_errors_total counter',
      `ai_probe_errors_total ${errors}`,
      '',
    ].join('\n'),
});

async function answer() {
  const heuristics_only = await flags.getBooleanValue('heuristics-only', false);
  if (heuristics_only) return { by: 'heuristics', advice: 'Drink water, walk, sleep.' };
  if (model_broken) return { by: 'model', error: 'the model answers with errors' };
  return { by: 'model', advice: 'A plan made for you.' };
}
