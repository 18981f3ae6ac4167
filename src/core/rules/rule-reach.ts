import { commandAllowed } from './allow.ts';
import type { Catalogue } from './catalogue.ts';
import type { Problem } from './diagnostic.ts';
import type { JsonObject } from '../json.ts';
import { didYouMean } from '../suggest.ts';
import { hasTemplate } from './template-parse.ts';
import { type Path, problemAt, type YamlSource } from './yaml-source.ts';
import { pathText } from './zod-problems.ts';

/**
 * What a step reaches for against what the policy allows, as far as it is written out: at 03:00 it would
 * be refused. What a template decides is asked when it is known. `path`: the step's parameters.
 */
export function checkReach(
  source: YamlSource,
  path: Path,
  { action, params }: { readonly action: string; readonly params: JsonObject },
  catalogue: Catalogue,
): readonly Problem[] {
  const { database, url, argv } = params;
  // A database is named by any action; hosts and commands are lists of one action each.
  return [
    ...checkDatabase(source, [...path, 'database'], database, catalogue),
    ...(action === 'http_request' ? checkHost(source, [...path, 'url'], url, catalogue) : []),
    ...(action === 'run_command' ? checkArgv(source, [...path, 'argv'], argv, catalogue) : []),
  ];
}

function checkDatabase(
  source: YamlSource,
  place: Path,
  name: unknown,
  { databases }: Catalogue,
): readonly Problem[] {
  if (typeof name !== 'string' || name === '' || hasTemplate(name) || databases.includes(name))
    return [];
  const message = `${pathText(place)}: the policy declares no database "${name}"`;
  const fix =
    databases.length === 0
      ? 'declare it in the policy under databases'
      : didYouMean(name, databases);
  return [problemAt(source, place, message, fix)];
}

function checkHost(
  source: YamlSource,
  place: Path,
  text: unknown,
  { hosts }: Catalogue,
): readonly Problem[] {
  const origin = typeof text === 'string' ? originOf(text) : undefined;
  if (origin === undefined || hosts.includes(origin)) return [];
  const message = `${pathText(place)}: the policy does not allow requests to ${origin}`;
  return [problemAt(source, place, message, `add ${origin} to hosts in the policy`)];
}

/** The origin, where it ends before the first template. What is no address the action's schema reports. */
function originOf(text: string): string | undefined {
  const [written = ''] = text.split('{{');
  const whole = hasTemplate(text) ? /^https?:\/\/[^/?#\\]+[/?]/i.exec(written)?.[0] : text;
  if (whole === undefined || !/^https?:\/\//i.test(whole) || !URL.canParse(whole)) return undefined;
  return new URL(whole).origin;
}

function checkArgv(
  source: YamlSource,
  place: Path,
  argv: unknown,
  { commands }: Catalogue,
): readonly Problem[] {
  if (!Array.isArray(argv) || argv.length === 0) return [];
  const list: readonly unknown[] = argv;
  if (!list.every((argument) => typeof argument === 'string')) return [];
  const known = list.map((argument) => (hasTemplate(argument) ? null : argument));
  if (commandAllowed(commands, known)) return [];
  const message = `${pathText(place)}: no line of the policy's commands allows this`;
  const line = JSON.stringify(list.map(patternOf));
  return [problemAt(source, place, message, `add ${line} to commands in the policy`)];
}

/** The narrowest pattern that allows the argument. */
function patternOf(argument: string): string {
  return hasTemplate(argument) ? `${argument.split('{{')[0] ?? ''}*` : argument;
}
