import { readFileSync } from 'node:fs';
import { ActionError } from '../../action.ts';
import { createAllSilences, type ListedSilence } from '../../adapters/alertmanager-silences.ts';
import { loadConfig } from '../../config.ts';
import { SILENCE_AUTHOR } from '../../core/alerts/seen.ts';
import { parseDuration } from '../../core/duration.ts';
import type { Matcher } from '../../core/rules/matcher.ts';
import { canonicalMatchers, parseSilencing } from '../../core/rules/silencing.ts';
import { isoTime } from '../../core/time.ts';
import { print } from './api-command.ts';
import { oneLine } from '../plain.ts';
import { fail, misuse, reasonOf } from '../client.ts';
import type { AddGiven, ListGiven, SilenceGiven } from './silence.ts';
import { tableText } from './table.ts';
import { time } from './tables.ts';

const TIMEOUT_MS = 10_000;
/** The longest that one may be: whoever wants it longer mends the alert's rule. */
const FOR_MAX_MS = 30 * 24 * 3_600_000;

export async function add(texts: readonly string[], given: AddGiven): Promise<void> {
  const name = 'silence add';
  const parsed = parseSilencing(texts);
  if (!parsed.ok) misuse(name, `${parsed.message}; ${parsed.fix}`);
  const for_ms = parseDuration(given.for) ?? 0;
  if (for_ms > FOR_MAX_MS) misuse(name, `--for: at most 30d, not ${given.for}`);
  const silence = {
    matchers: parsed.matchers.map(matcherOf),
    ends_at: Date.now() + for_ms,
    created_by: whoIs(name, given.as),
    comment: given.reason,
  };
  const id = await asking(name, given, (silences, signal) => silences.put(silence, signal));
  const ends_at = isoTime(silence.ends_at);
  if (given.json === true) return printJson({ id, ...silence, ends_at });
  const ended_by = `npx autoheal silence end ${id} --reason '...'`;
  print(`${oneLine(`silenced until ${time(ends_at)}; to end it before: ${ended_by}`)}\n`);
}

/** Alertmanager asks for no reason when one ends: the comment gets it first. */
export async function end(id: string, given: SilenceGiven): Promise<void> {
  const name = 'silence end';
  const who = whoIs(name, given.as);
  const ended = await asking(name, given, async (silences, signal) => {
    const found = (await silences.list(signal)).find((one) => one.id === id);
    if (found === undefined) return undefined;
    const comment = `${found.comment} (ended by ${who}: ${given.reason})`;
    const changed = await silences.put({ ...found, comment }, signal);
    await silences.expire(changed, signal);
    return { ...found, id: changed, comment };
  });
  if (ended === undefined)
    return fail(name, `no silence ${id} is active or pending; npx autoheal silences lists them`);
  if (given.json === true) return printJson(shown(ended));
  print(`${oneLine(`ended: silence ${id}: ${ended.comment}`)}\n`);
}

export async function list(given: ListGiven): Promise<void> {
  const found = await asking('silences', given, (silences, signal) => silences.list(signal));
  const items = found.toSorted((a, b) => a.ends_at - b.ends_at);
  if (given.json === true) return printJson({ items: items.map(shown) });
  if (items.length === 0) return print('Nothing is silenced.\n');
  const columns = ['of', 'until', 'state', 'by', 'id', 'comment'].map((title) => ({ title }));
  const rows = items.map((one) => [
    one.matchers.map(textOf).join(' '),
    time(isoTime(one.ends_at)),
    one.state,
    one.created_by,
    one.id,
    one.comment,
  ]);
  const colours = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
  print(tableText(columns, rows, colours));
}

type SilenceMatcher = ListedSilence['matchers'][number];

function matcherOf({ label, op, value }: Matcher): SilenceMatcher {
  return { name: label, value, is_regex: op.endsWith('~'), is_equal: op.startsWith('=') };
}

function textOf({ name, value, is_regex, is_equal }: SilenceMatcher): string {
  const op = is_equal ? (is_regex ? '=~' : '=') : is_regex ? '!~' : '!=';
  return canonicalMatchers([{ label: name, op, value }]).join('');
}

function shown({ ends_at, ...rest }: ListedSilence): object {
  return { ...rest, ends_at: isoTime(ends_at) };
}

function printJson(value: object): void {
  print(`${JSON.stringify(value, null, 2)}\n`);
}

/**
 * Whose silence it is. By the author autoheal tells its own silences, which it acts under, from those of people,
 * which it respects: a person's must not look like one of its own.
 */
function whoIs(command: string, as: string | undefined): string {
  const who = as ?? process.env['USER'] ?? process.env['LOGNAME'] ?? '';
  if (who !== '' && who !== SILENCE_AUTHOR) return who;
  return misuse(
    command,
    'say who you are: --as NAME (not autoheal: its own silences stop nothing)',
  );
}

async function asking<T>(
  command: string,
  { alertmanager }: ListGiven,
  ask: (silences: ReturnType<typeof createAllSilences>, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const urls = alertmanager === undefined ? configured(command) : [alertmanager];
  if (urls.length === 0)
    return misuse(
      command,
      'no Alertmanager: give --alertmanager, or set AUTOHEAL_ALERTMANAGER_URL',
    );
  try {
    const silences = createAllSilences({ urls, timeout_ms: TIMEOUT_MS });
    return await ask(silences, AbortSignal.timeout(2 * TIMEOUT_MS));
  } catch (error) {
    if (error instanceof ActionError && error.code === 'not_configured')
      return misuse(
        command,
        `--alertmanager: ${alertmanager ?? ''} is no address: write http://HOST:9093`,
      );
    return fail(command, reasonOf(error));
  }
}

/** As `serve` reads it, files with secrets included. */
function configured(command: string): readonly string[] {
  const read = loadConfig(process.env, (path) => readFileSync(path, 'utf8'));
  if (read.ok) return read.config.alertmanager_urls;
  return misuse(command, `the configuration does not read: ${read.problems.join('; ')}`);
}
