import { createHash } from 'node:crypto';
import { open, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Problem } from '../core/rules/diagnostic.ts';
import type { RuleText } from '../core/rules/rule-compile.ts';
import { problemOfFile } from '../core/rules/yaml-source.ts';

/** Bytes of one file; the rules' own limit in characters is below it. */
export const FILE_BYTES_MAX = 1024 * 1024;

export interface RuleFilesOptions {
  readonly rules_dir: string;
  /** Must be readable where it is given; undefined: there is none, and the defaults stand. */
  readonly policy_file: string | undefined;
}
interface Read {
  readonly texts: readonly RuleText[];
  readonly problems: readonly Problem[];
}

/** Reads `rules/` and the policy from disk. `*.test.yaml` belong to the rules' tests and are left out. */
export function createRuleFiles(options: RuleFilesOptions): {
  read(): Promise<{
    readonly rules: readonly RuleText[];
    readonly policy: RuleText | null;
    readonly problems: readonly Problem[];
  }>;
} {
  return {
    async read() {
      const names = await listRules(options.rules_dir);
      const shown = basename(options.rules_dir) || 'rules';
      const rules = await readAll(names, (name) => [
        join(options.rules_dir, name),
        `${shown}/${name}`,
      ]);
      const policy = await readPolicy(options);
      return {
        rules: rules.texts,
        policy: policy.texts[0] ?? null,
        problems: [...rules.problems, ...policy.problems],
      };
    },
  };
}

/** In the order of their code units, so that "the first rule wins" is the same on every machine. */
async function listRules(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder);
    return entries.filter(isRule).toSorted();
  } catch (error) {
    throw new Error(`the rules folder ${folder} cannot be read: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** Hidden files are editors' and Kubernetes' own (`..data` of a mounted ConfigMap). */
function isRule(name: string): boolean {
  return /\.ya?ml$/.test(name) && !/\.test\.ya?ml$/.test(name) && !name.startsWith('.');
}

async function readAll(
  names: readonly string[],
  place: (name: string) => readonly [path: string, shown: string],
): Promise<Read> {
  const texts: RuleText[] = [];
  const problems: Problem[] = [];
  for (const name of names) {
    const [path, shown] = place(name);
    const found = await readText(path, shown);
    if ('hash' in found) texts.push(found);
    else problems.push(found);
  }
  return { texts, problems };
}

/** A policy that was there and is gone is an error: its opt-ins and notifiers must not vanish unseen. */
async function readPolicy({ policy_file }: RuleFilesOptions): Promise<Read> {
  const names = policy_file === undefined ? [] : [policy_file];
  return await readAll(names, (name) => [name, name]);
}

/** One file as text, with its hash; a problem says why it cannot be had. `shown`: what it is called in problems. */
export async function readText(path: string, shown: string): Promise<RuleText | Problem> {
  try {
    const bytes = await readBounded(path);
    if (bytes === undefined)
      return problemOfFile(shown, `is larger than ${FILE_BYTES_MAX} bytes`, 'split or shorten it');
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { file: shown, text, hash: createHash('sha256').update(text).digest('hex') };
  } catch (error) {
    if (error instanceof TypeError)
      return problemOfFile(shown, 'is not UTF-8 text', 'save it in UTF-8');
    return problemOfFile(shown, `cannot be read: ${reasonOf(error)}`, 'make it a readable file');
  }
}

/** At most `FILE_BYTES_MAX` bytes; undefined when there are more. */
async function readBounded(path: string): Promise<Uint8Array | undefined> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  if (size > FILE_BYTES_MAX) return undefined;
  return await file.readFile();
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message;
}
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'it is not a folder',
};
