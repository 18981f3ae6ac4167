import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Problem, renderProblems, sortProblems } from '../../core/rules/diagnostic.ts';
import { problemOfFile } from '../../core/rules/yaml-source.ts';
import { checkTogether } from '../../core/slo/check.ts';
import type { SloSet } from '../../core/slo/model.ts';
import { parseSlos } from '../../core/slo/openslo.ts';
import { renderRules } from '../../core/slo/rules.ts';
import { reasonOf } from '../client.ts';

/** autoheal's own SLOs; where they ship. */
export const OWN_FILE = 'prometheus/slos.yaml';
const OUT = 'prometheus/rules';

interface Looked {
  readonly sets: readonly SloSet[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  readonly texts: ReadonlyMap<string, string>;
}

/** `autoheal slo generate`: writes the rules of each file; nothing when one has a problem, and then undefined. */
export async function generate(
  files: readonly string[],
  out: string | undefined,
): Promise<readonly SloSet[] | undefined> {
  const looked = await look(files);
  say(looked, process.stderr);
  if (looked.problems.length > 0) {
    process.exitCode = 1;
    return undefined;
  }
  for (const set of looked.sets) {
    const path = join(out ?? OUT, rulesNameOf(set));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, renderRules(set));
    process.stdout.write(`wrote ${path}\n`);
  }
  return looked.sets;
}

/** `prometheus/slos/services.yaml` makes `services-slo.yml`. */
export function rulesNameOf({ file, job }: SloSet): string {
  if (job !== null) return 'autoheal-slo.yml';
  return `${basename(file).replace(/\.ya?ml$/, '')}-slo.yml`;
}

/** `autoheal slo check`: every problem, with place and fix; ends with 1 where there is one. */
export async function checkFiles(files: readonly string[], json: boolean): Promise<void> {
  const looked = await look(files);
  if (json) {
    const all = [
      ...looked.problems.map((problem) => ({ ...problem, severity: 'error' })),
      ...looked.warnings.map((problem) => ({ ...problem, severity: 'warning' })),
    ].map(({ file, line, col, severity, message, fix }) => ({
      file,
      line,
      col,
      severity,
      message,
      fix,
    }));
    process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  } else {
    say(looked, process.stdout);
    const slos = looked.sets.flatMap((set) => set.slos).length;
    process.stdout.write(
      `${counted(files.length, 'file')}, ${counted(slos, 'SLO')}, ${counted(looked.problems.length, 'problem')}, ${counted(looked.warnings.length, 'warning')}\n`,
    );
  }
  if (looked.problems.length > 0) process.exitCode = 1;
}

async function look(files: readonly string[]): Promise<Looked> {
  const texts = new Map<string, string>();
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const sets: SloSet[] = [];
  for (const file of new Set(files)) {
    try {
      texts.set(file, await readFile(file, 'utf8'));
    } catch (error) {
      problems.push(
        problemOfFile(file, `cannot be read: ${reasonOf(error)}`, 'name a file of SLOs'),
      );
      continue;
    }
    const parsed = parseSlos(file, texts.get(file) ?? '');
    problems.push(...parsed.problems);
    warnings.push(...parsed.warnings);
    if (parsed.slos !== undefined) sets.push(parsed.slos);
  }
  problems.push(...checkTogether(sets));
  return { sets, problems: sortProblems(problems), warnings: sortProblems(warnings), texts };
}

function say({ problems, warnings, texts }: Looked, stream: NodeJS.WriteStream): void {
  const named = [
    ...problems.map((problem) => ({ ...problem, message: `error: ${problem.message}` })),
    ...warnings.map((problem) => ({ ...problem, message: `warning: ${problem.message}` })),
  ];
  if (named.length > 0) stream.write(`${renderProblems(named, (file) => texts.get(file))}\n`);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
