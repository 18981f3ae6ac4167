import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { addressOf, call, DEFAULT_URL, fail as failAs, reasonOf } from './service.ts';

interface SendOptions {
  readonly url: string;
  readonly token?: string;
  readonly resolved?: true;
  readonly asIs?: true;
}

export function registerSend(program: Command): void {
  program
    .command('send')
    .description('Post a webhook body to autoheal, as Alertmanager would.')
    .argument(
      '<file>',
      'a body of the webhook, e.g. examples/ai-errors.json; "-" reads standard input',
    )
    .option('--url <url>', 'where autoheal listens', process.env['AUTOHEAL_URL'] ?? DEFAULT_URL)
    .option('--token <token>', 'webhook token (default: AUTOHEAL_WEBHOOK_TOKEN)')
    .option('--resolved', 'say that the alerts of the body have resolved')
    .option(
      '--as-is',
      'send the bytes of the file; else firing alerts start now, so that an old example is a new incident',
    )
    .action(send);
}

async function send(file: string, options: SendOptions): Promise<void> {
  const text = await readFile(file === '-' ? '/dev/stdin' : file, 'utf8').catch((error: unknown) =>
    fail(`${file}: cannot be read (${reasonOf(error)})`),
  );
  const body = options.asIs === true ? text : restamped(text, file, options.resolved === true);
  const token = options.token ?? process.env['AUTOHEAL_WEBHOOK_TOKEN']?.split(',')[0];
  const url = addressOf('send', options.url, '/webhook');
  const { status, text: said } = await call('send', url, {
    method: 'POST',
    token,
    headers: { 'content-type': 'application/json', 'user-agent': 'autoheal-send' },
    body,
  });
  if (status !== 202) fail(`${url.href} answered ${status}: ${said}`);
  process.stdout.write(`202 stored: ${said}\n`);
}

/** The same body as a new incident: firing alerts start now, resolved ones end now. */
function restamped(text: string, file: string, resolved: boolean): string {
  const body = parse(text, file);
  if (!Array.isArray(body['alerts'])) fail(`${file}: not a webhook body: it has no list "alerts"`);
  const now = new Date().toISOString();
  const alerts = body['alerts'].map((alert: unknown) => stamp(alert, now, resolved));
  const status = resolved ? { status: 'resolved' } : {};
  return JSON.stringify({ ...body, ...status, alerts });
}

function stamp(alert: unknown, now: string, resolved: boolean): unknown {
  if (typeof alert !== 'object' || alert === null) return alert;
  if (resolved) return { ...alert, status: 'resolved', endsAt: now };
  const firing = !('status' in alert) || alert.status === 'firing';
  return firing ? { ...alert, startsAt: now } : { ...alert, endsAt: now };
}

function parse(text: string, file: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    fail(`${file}: not JSON (${reasonOf(error)})`);
  }
  return fail(`${file}: not a webhook body: it is not an object`);
}

function fail(message: string): never {
  return failAs('send', message);
}
