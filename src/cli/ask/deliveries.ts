import { once } from 'node:events';
import type { Command } from 'commander';
import {
  apiCommand,
  connectionOf,
  nameOf,
  print,
  queryOf,
  show,
  tellOfMore,
} from './api-command.ts';
import { addressOf, detailOf, fail, misuse, reasonOf } from '../client.ts';
import type { Delivery, Page } from './tables.ts';
import { withPages } from './work.ts';

/** A service that sends nothing for so long is not coming back. */
const SILENCE_MAX_MS = 60_000;

type Given = Readonly<Record<string, unknown>>;

export function registerDeliveries(program: Command): void {
  const command = apiCommand(program, {
    usage: 'deliveries',
    description:
      'What the webhook took, newest first; with --export all of it, whole, oldest first.',
    example: 'npx autoheal deliveries --export --since 30d > month.ndjson',
  })
    .option('--export', 'every delivery with its body as NDJSON, for backtest')
    .option('--since <time>', 'of an export: RFC 3339, or a duration meaning "ago"')
    .option('--until <time>', 'of an export: before this time, the same');
  withPages(command).action(deliveries);
}

async function deliveries(options: Given, command: Command): Promise<void> {
  const whole = options['export'] === true;
  const unfit = (whole ? ['cursor'] : ['since', 'until']).filter((key) => key in options);
  if (unfit.length > 0)
    misuse(nameOf(command), `--${unfit.join(', --')} goes ${whole ? 'without' : 'with'} --export`);
  if (whole) return exportAll(options, command);
  const query = queryOf(options, ['limit', 'cursor']);
  await show(
    command,
    { path: '/api/v1/deliveries', query },
    async (page: Page<Delivery>, colours: boolean) => {
      const { deliveriesText } = await import('./tables.ts');
      const text = deliveriesText(page.items, colours);
      tellOfMore(page.next_cursor);
      return text;
    },
  );
}

/** At the pace of whoever reads stdout. Ends the process with 1 when it is not whole. */
async function exportAll(options: Given, command: Command): Promise<void> {
  const name = nameOf(command);
  try {
    for await (const chunk of exported(command, queryOf(options, ['since', 'until', 'limit']))) {
      print('');
      if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
    }
  } catch (error) {
    fail(name, `the export was cut short: ${reasonOf(error)}`);
  }
}

/**
 * The recorded deliveries of a running service as NDJSON, as they come. Ends the process when it refuses.
 * @throws Error when the connection breaks before the end.
 */
export async function* exported(
  command: Command,
  query: URLSearchParams,
): AsyncGenerator<Uint8Array, void, undefined> {
  const name = nameOf(command);
  const { url: base, token } = connectionOf(command);
  const url = addressOf(name, base, '/api/v1/deliveries');
  query.set('format', 'ndjson');
  url.search = query.toString();
  const silent = new AbortController();
  const timer = setTimeout(
    () => silent.abort(new Error(`nothing came for ${SILENCE_MAX_MS / 1000} s`)),
    SILENCE_MAX_MS,
  );
  try {
    const answer = await answerOf(name, url, token, silent.signal);
    for await (const chunk of answer.body ?? []) {
      timer.refresh();
      yield chunk;
      // A slow reader is no silent service.
      timer.refresh();
    }
  } finally {
    clearTimeout(timer);
  }
}

async function answerOf(
  name: string,
  url: URL,
  token: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(url, { redirect: 'manual', signal, headers }).catch((error: unknown) =>
    fail(name, `${url.origin}: ${reasonOf(error)}. Is autoheal running? Start it with: npm start`),
  );
  if (answer.status === 200) return answer;
  return fail(name, `${url.origin} answered ${answer.status}: ${detailOf(await answer.text())}`);
}
