import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { Explanation, PayloadExplanation } from './explanation.ts';
import { teach } from '../help.ts';
import {
  addressOf,
  apiToken,
  call,
  DEFAULT_URL,
  detailOf,
  fail,
  misuse,
  reasonOf,
} from '../client.ts';

export interface ExplainOptions {
  readonly url: string;
  readonly token?: string;
  readonly episode?: string;
  readonly fingerprint?: string;
  readonly offline?: true;
  readonly rules?: string;
  readonly config?: string;
  readonly json?: true;
}

/** A question to several backends takes longer than a look into the store. */
const QUESTION_TIMEOUT_MS = 45_000;
const PATH = '/api/v1/explain';

export function registerExplain(program: Command): void {
  const command = program
    .command('explain')
    .description('Say why, or why not, and what would be done. Asking changes nothing.')
    .argument(
      '[payload]',
      'a body of the webhook: what would be done about it; "-" reads standard input',
    )
    .option('--episode <id>', 'an episode, from GET /api/v1/alerts')
    .option('--fingerprint <fingerprint>', 'an alert: its newest episode')
    .option('--offline', 'ask no service: the rules here, in a world where all is well')
    .option('--rules <dir>', 'with --offline: the rules (default: AUTOHEAL_RULES or ./rules)')
    .option(
      '--config <file>',
      'with --offline: the policy (default: AUTOHEAL_CONFIG, or ./autoheal.yaml if there)',
    )
    .option('--json', "the API's answer, as it came")
    .option('--url <url>', 'where autoheal listens', process.env['AUTOHEAL_URL'] ?? DEFAULT_URL)
    .option('--token <token>', 'API token (default: the first of AUTOHEAL_API_TOKEN)')
    .action(explain);
  teach(command, { example: 'npx autoheal explain examples/ai-errors.json' });
}

async function explain(payload: string | undefined, options: ExplainOptions): Promise<void> {
  const { episode, fingerprint, offline, rules, config } = options;
  if ([payload, episode, fingerprint].filter((given) => given !== undefined).length !== 1)
    misuse('explain', 'give a payload, --episode or --fingerprint, one of the three');
  if (offline === undefined && (rules !== undefined || config !== undefined))
    misuse('explain', '--rules and --config are for --offline: a service has its own');
  if (payload !== undefined) return explainPayload(payload, options);
  if (offline === true)
    misuse('explain', '--offline wants a payload: there is no service that knows episodes');
  const url = addressOf('explain', options.url, PATH);
  if (episode !== undefined) url.searchParams.set('episode', episode);
  if (fingerprint !== undefined) url.searchParams.set('fingerprint', fingerprint);
  const text = await ask(url, options, {});
  const { explanationText } = await import('./explanation.ts');
  print(text, options, () => explanationText(JSON.parse(text) as Explanation));
}

async function explainPayload(file: string, options: ExplainOptions): Promise<void> {
  const read = file === '-' ? buffer(process.stdin) : readFile(file);
  const body = await read.catch((error: unknown) =>
    fail('explain', `${file}: cannot be read (${reasonOf(error)})`),
  );
  const text = await (options.offline === true ? askOffline(body, options) : post(body, options));
  const { payloadText } = await import('./explanation.ts');
  print(text, options, () => payloadText(JSON.parse(text) as PayloadExplanation));
}

function post(body: Uint8Array<ArrayBuffer>, options: ExplainOptions): Promise<string> {
  const url = addressOf('explain', options.url, PATH);
  const headers = { 'content-type': 'application/json' };
  return ask(url, options, { method: 'POST', headers, body });
}

async function ask(
  url: URL,
  options: ExplainOptions,
  request: Omit<Parameters<typeof call>[2], 'token'>,
): Promise<string> {
  const token = apiToken(options.token);
  const asked = { ...request, token, timeout_ms: QUESTION_TIMEOUT_MS };
  const { status, text } = await call('explain', url, asked);
  if (status !== 200) fail('explain', `${url.origin} answered ${status}: ${detailOf(text)}`);
  return text;
}

async function askOffline(body: Uint8Array, options: ExplainOptions): Promise<string> {
  const { offlineAnswer } = await import('./explain-offline.ts');
  try {
    return JSON.stringify(await offlineAnswer(body, options));
  } catch (error) {
    return fail('explain', reasonOf(error));
  }
}

function print(text: string, { json }: ExplainOptions, forPeople: () => string): void {
  process.stdout.write(json === true ? `${text.trimEnd()}\n` : forPeople());
}
