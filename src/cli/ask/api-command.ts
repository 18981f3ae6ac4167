import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../core/duration.ts';
import { teach } from '../help.ts';
import { addressOf, apiToken, call, DEFAULT_URL, detailOf, fail } from '../client.ts';

/** A command that asks the API of a running autoheal, and shows what it answers. */
export interface ApiCommand {
  /** As commander reads it: `approve <remediation>`. */
  readonly usage: string;
  readonly description: string;
  /** What a person would type. */
  readonly example: string;
}
export interface ApiRequest {
  /** Absent: GET. */
  readonly method?: 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: URLSearchParams;
  readonly json?: object;
}
/** Where the service is, and who asks. */
export interface Connection {
  readonly url: string;
  readonly token: string | undefined;
  readonly json: boolean;
}

/** The command with what all of them take: --json, --url, --token, an example. */
export function apiCommand(parent: Command, { usage, description, example }: ApiCommand): Command {
  const command = parent
    .command(usage)
    .description(description)
    .option('--json', "the API's answer, as it came")
    .option('--url <url>', `where autoheal listens (default: AUTOHEAL_URL, else ${DEFAULT_URL})`)
    .option('--token <token>', 'API token (default: the first of AUTOHEAL_API_TOKEN)');
  return teach(command, { example });
}

/** Adds `--reason`, which every change wants: the audit log keeps it. */
export function withReason(command: Command): Command {
  return command.requiredOption('--reason <text>', 'why: the audit log keeps it');
}

/** Adds `--for`. @throws InvalidArgumentError (exit code 2) when it is no duration. */
export function withFor(command: Command, otherwise: string): Command {
  return command.option('--for <duration>', `for how long, as 30m or 2h; ${otherwise}`, (text) => {
    if ((parseDuration(text) ?? 0) > 0) return text;
    throw new InvalidArgumentError('Write a duration, as 30m or 2h.');
  });
}

/** What was given to the command, or to the one that it is a part of (`remediations --url ... show`). */
export function connectionOf(command: Command): Connection {
  const url = given(command, 'url') ?? process.env['AUTOHEAL_URL'] ?? '';
  return {
    url: url === '' ? DEFAULT_URL : url,
    token: apiToken(given(command, 'token')),
    json: given(command, 'json') !== undefined,
  };
}

function given(command: Command, name: string): string | undefined {
  const value = command.opts<Record<string, string | undefined>>()[name];
  if (value !== undefined || command.parent === null) return value;
  return given(command.parent, name);
}

/** Its name as it is typed, without `autoheal`: `flags set`. */
export function nameOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null
    ? command.name()
    : `${nameOf(parent)} ${command.name()}`;
}

/** The text of a good answer. Ends the process with 1 when the service refuses or is not there. */
export async function ask(command: Command, request: ApiRequest): Promise<string> {
  const name = nameOf(command);
  const { url: base, token } = connectionOf(command);
  const url = addressOf(name, base, request.path);
  url.search = request.query?.toString() ?? '';
  const { method = 'GET', json } = request;
  const { status, text } = await call(name, url, {
    method,
    token,
    ...(json !== undefined && {
      body: JSON.stringify(json),
      headers: { 'content-type': 'application/json' },
    }),
  });
  if (status >= 200 && status < 300) return text;
  return fail(name, `${url.origin} answered ${status}: ${detailOf(text)}`);
}

/**
 * Asks, and prints the answer: as it came with `--json`, else as `textOf` words it for people. What `textOf`
 * takes is what the route answers: `never` lets each say it.
 */
export async function show(
  command: Command,
  request: ApiRequest,
  textOf: (answer: never, colours: boolean) => string | Promise<string>,
): Promise<void> {
  const text = await ask(command, request);
  if (connectionOf(command).json) return print(`${text.trimEnd()}\n`);
  print(await understood(command, text, textOf));
}

/** An answer in words. Ends the process with 1 when it is not what autoheal answers. */
export async function understood<R>(
  command: Command,
  text: string,
  read: (answer: never, colours: boolean) => R | Promise<R>,
): Promise<R> {
  try {
    return await read(JSON.parse(text) as never, coloured());
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    const { url } = connectionOf(command);
    return fail(
      nameOf(command),
      `${url} does not answer as this version of autoheal does; --json shows what it said`,
    );
  }
}

/** Colours only on a terminal, and not against its owner's wish. */
function coloured(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
}

/** Onto stdout. A reader that has seen enough (`| head`) is no error. */
export function print(text: string): void {
  if (process.stdout.listenerCount('error') === 0) process.stdout.once('error', leave);
  process.stdout.write(text);
}

function leave(error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
}

/** The query of what was given; options that are absent are left out, lists repeat their key. */
export function queryOf(
  options: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): URLSearchParams {
  const query = new URLSearchParams();
  for (const key of keys) {
    const value = options[key];
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const one of values) if (typeof one === 'string') query.append(key, one);
  }
  return query;
}

/** For an option that may be repeated: all that was given. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** A page has an end; says on stderr how to go on, so that what reads stdout gets rows only. */
export function tellOfMore(cursor: string | null): void {
  if (cursor !== null)
    process.stderr.write(`There is more: the same again with --cursor ${JSON.stringify(cursor)}\n`);
}
