import type { Command } from 'commander';
import type { Explanation } from './explanation.ts';
import { addressOf, apiToken, call, DEFAULT_URL, detailOf, fail, misuse } from './service.ts';

interface ExplainOptions {
  readonly url: string;
  readonly token?: string;
  readonly episode?: string;
  readonly fingerprint?: string;
  readonly json?: true;
}

export function registerExplain(program: Command): void {
  program
    .command('explain')
    .description('Say why, or why not: each rule for an alert, and each guard of its remediations.')
    .option('--episode <id>', 'an episode, from GET /api/v1/alerts')
    .option('--fingerprint <fingerprint>', 'an alert: its newest episode')
    .option('--json', "the API's answer, as it came")
    .option('--url <url>', 'where autoheal listens', process.env['AUTOHEAL_URL'] ?? DEFAULT_URL)
    .option('--token <token>', 'API token (default: the first of AUTOHEAL_API_TOKEN)')
    .action(explain);
}

async function explain(options: ExplainOptions): Promise<void> {
  const { episode, fingerprint } = options;
  if ((episode === undefined) === (fingerprint === undefined))
    misuse('explain', 'give --episode or --fingerprint, one of the two');
  const url = addressOf('explain', options.url, '/api/v1/explain');
  if (episode !== undefined) url.searchParams.set('episode', episode);
  if (fingerprint !== undefined) url.searchParams.set('fingerprint', fingerprint);
  const { status, text } = await call('explain', url, { token: apiToken(options.token) });
  if (status !== 200) fail('explain', `${url.origin} answered ${status}: ${detailOf(text)}`);
  if (options.json === true) {
    process.stdout.write(`${text.trimEnd()}\n`);
    return;
  }
  const { explanationText } = await import('./explanation.ts');
  process.stdout.write(explanationText(JSON.parse(text) as Explanation));
}
