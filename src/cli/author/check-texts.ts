import { existsSync, statSync } from 'node:fs';
import { basename, join, normalize } from 'node:path';
import { createRuleFiles, readText } from '../../adapters/rule-files.ts';
import type { Problem } from '../../core/rules/diagnostic.ts';
import type { RuleText } from '../../core/rules/rule-compile.ts';
import type { RuleTexts } from '../../engine/compile.ts';
import type { FileText } from '../../lint/run.ts';
import { WRONG_USAGE } from '../client.ts';

/** What the command line names besides the rules. */
export interface Sources {
  readonly config?: string;
  readonly prometheus?: readonly string[];
  readonly alertmanager?: string;
}

export interface Texts {
  readonly rules: RuleTexts;
  readonly prometheus: readonly FileText[] | undefined;
  readonly alertmanager: FileText | undefined;
  /** Neighbours that cannot be read. */
  readonly problems: readonly Problem[];
}

/** Reads what is to be checked; ends the process with 2 where a path does not exist. */
export async function textsOf(paths: readonly string[], options: Sources): Promise<Texts> {
  const asked = paths.length > 0 ? paths : [envOf('AUTOHEAL_RULES') ?? 'rules'];
  const rules = await Promise.all(asked.map(rulesAt));
  const policy = await readAll(listOf(policyFileOf(options)));
  const prometheus = await readAll(options.prometheus ?? []);
  const alertmanager = await readAll(listOf(options.alertmanager));
  return {
    rules: {
      rules: distinct(rules.flatMap((found) => found.texts)).toSorted(byName),
      policy: policy.texts[0] ?? null,
      problems: [...rules.flatMap((found) => found.problems), ...policy.problems],
    },
    prometheus: options.prometheus === undefined ? undefined : prometheus.texts,
    alertmanager: alertmanager.texts[0],
    problems: [...prometheus.problems, ...alertmanager.problems],
  };
}

interface Read {
  readonly texts: readonly RuleText[];
  readonly problems: readonly Problem[];
}

async function readAll(paths: readonly string[]): Promise<Read> {
  const absent = paths.find((path) => !existsSync(path));
  if (absent !== undefined) return wrongUsage(`${absent} does not exist`);
  const read = await Promise.all(paths.map((path) => readText(path, path)));
  return {
    texts: read.filter((found) => 'hash' in found),
    problems: read.filter((found) => 'fix' in found),
  };
}

function listOf(path: string | undefined): readonly string[] {
  return path === undefined ? [] : [path];
}

/** A folder as the service reads it, or one file. */
async function rulesAt(path: string): Promise<Read> {
  if (!existsSync(path))
    return wrongUsage(`${path} does not exist: give a folder of rules, or set AUTOHEAL_RULES`);
  if (!statSync(path).isDirectory()) return await readAll([path]);
  const read = await createRuleFiles({ rules_dir: path, policy_file: undefined })
    .read()
    .catch((error: unknown) => wrongUsage(error instanceof Error ? error.message : String(error)));
  return { texts: read.rules.map(at), problems: read.problems.map(at) };

  /** Called by the path that was given, so that an editor finds it. */
  function at<T extends { readonly file: string }>(text: T): T {
    return { ...text, file: join(path, basename(text.file)) };
  }
}

function policyFileOf({ config }: Sources): string | undefined {
  const given = config ?? envOf('AUTOHEAL_CONFIG');
  if (given !== undefined) return given;
  return existsSync('autoheal.yaml') ? 'autoheal.yaml' : undefined;
}

/** A folder and a file in it may both be named. */
function distinct(texts: readonly RuleText[]): readonly RuleText[] {
  return [...new Map(texts.map((text) => [normalize(text.file), text])).values()];
}

/** The first rule that matches wins, in file-name order. */
function byName(a: FileText, b: FileText): number {
  const [one, two] = [basename(a.file), basename(b.file)];
  if (one === two) return 0;
  return one < two ? -1 : 1;
}

function envOf(name: string): string | undefined {
  const value = process.env[name] ?? '';
  return value === '' ? undefined : value;
}

function wrongUsage(message: string): never {
  process.stderr.write(`autoheal check: ${message}\n`);
  process.exit(WRONG_USAGE);
}
