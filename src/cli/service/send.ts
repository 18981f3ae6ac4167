import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { collect, print } from '../ask/api-command.ts';
import { teach } from '../help.ts';
import { addressOf, call, DEFAULT_URL, fail as failAs, misuse, reasonOf } from '../client.ts';

interface SendOptions {
  readonly url?: string;
  readonly token?: string;
  readonly resolved?: true;
  readonly asIs?: true;
  readonly rule?: string;
  readonly rules?: string;
  readonly label?: readonly string[];
  readonly annotation?: readonly string[];
  readonly drill?: true;
  readonly print?: true;
  readonly json?: true;
}
/** They shape the alert that is built from a rule; a file has its own. */
const OF_A_RULE = ['rules', 'label', 'annotation', 'drill'] as const;

export function registerSend(program: Command): void {
  const send = program
    .command('send')
    .description("Post a test alert, built from a rule or read from a file, to autoheal's webhook.")
    .argument(
      '[file]',
      'a body of the webhook, e.g. examples/ai-errors.json; "-" reads standard input',
    )
    .option('--rule <name>', 'build the alert from the matchers of this rule')
    .option('--rules <folder>', 'where the rule is (default: AUTOHEAL_RULES or ./rules)')
    .option('--label <k=v>', 'a label of the alert that is built; may be repeated', collect)
    .option('--annotation <k=v>', 'an annotation of it; may be repeated', collect)
    .option('--drill', 'with the label drill="true": it counts in no figure of the service')
    .option('--resolved', 'say that the alerts have resolved')
    .option('--print', 'show the body, and send nothing')
    .option(
      '--as-is',
      'send the bytes of the file; else firing alerts start now, so that an old example is a new incident',
    )
    .option('--json', "the service's answer, as it came")
    .option('--url <url>', `where autoheal listens (default: AUTOHEAL_URL, else ${DEFAULT_URL})`)
    .option('--token <token>', 'webhook token (default: the first of AUTOHEAL_WEBHOOK_TOKEN)');
  teach(send, {
    example: 'npx autoheal send --rule ai-errors',
    more: 'It is a real alert: the rule acts, if its guards let it.',
  }).action(run);
}

async function run(file: string | undefined, options: SendOptions): Promise<void> {
  const { body, hint } = await bodyOf(file, options);
  if (options.print === true) return print(`${body.trimEnd()}\n`);
  const token = options.token ?? process.env['AUTOHEAL_WEBHOOK_TOKEN']?.split(',')[0];
  const base = options.url ?? process.env['AUTOHEAL_URL'] ?? '';
  const url = addressOf('send', base === '' ? DEFAULT_URL : base, '/webhook');
  const { status, text: said } = await call('send', url, {
    method: 'POST',
    token,
    headers: { 'content-type': 'application/json', 'user-agent': 'autoheal-send' },
    body,
  });
  if (status !== 202) fail(`${url.href} answered ${status}: ${said}`);
  print(options.json === true ? `${said.trimEnd()}\n` : `202 stored: ${said}\n${hint}`);
}

/** What is posted, and what may be done next. */
async function bodyOf(
  file: string | undefined,
  options: SendOptions,
): Promise<{ readonly body: string; readonly hint: string }> {
  const { rule, resolved, asIs } = options;
  if ((file === undefined) === (rule === undefined))
    misuse('send', 'give a file, or --rule NAME: one of the two');
  if (rule !== undefined) {
    if (asIs === true) misuse('send', '--as-is goes with a file only');
    // Loaded by those who need it: it knows every action.
    const { builtFrom } = await import('./send-rule.ts');
    return builtFrom({ ...options, rule });
  }
  const unfit = OF_A_RULE.filter((name) => options[name] !== undefined);
  if (unfit.length > 0) misuse('send', `--${unfit.join(', --')} goes with --rule only`);
  const name = file ?? '-';
  const text = await readFile(name === '-' ? '/dev/stdin' : name, 'utf8').catch((error: unknown) =>
    fail(`${name}: cannot be read (${reasonOf(error)})`),
  );
  return { body: asIs === true ? text : restamped(text, name, resolved === true), hint: '' };
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
