import { fileURLToPath } from 'node:url';
import { systemClock } from '../../adapters/clock.ts';
import { renderProblems } from '../../core/rules/diagnostic.ts';
import { maskAddresses } from '../../core/rules/policy-compile.ts';
import { catalogueFor, compileAll } from '../../engine/compile.ts';
import { loadActions } from '../../engine/registry.ts';
import type { LintProblem, Severity } from '../../lint/lint.ts';
import { atLeast, lintConfigurations } from '../../lint/run.ts';
import { type Sources, type Texts, textsOf } from './check-texts.ts';

const ACTIONS = fileURLToPath(new URL('../../../actions/', import.meta.url));

export interface CheckOptions extends Sources {
  /** Where autoheal's webhook is in alertmanager.yml. */
  readonly url?: string;
  readonly failOn: Severity;
  readonly json?: true;
}

/** `autoheal check`: prints every problem; the exit code is 1 where one is as bad as `failOn`, or worse. */
export async function check(paths: readonly string[], options: CheckOptions): Promise<void> {
  const texts = await textsOf(paths, options);
  const { rules, problems } = await problemsOf(texts, options);
  if (options.json === true)
    process.stdout.write(`${JSON.stringify(problems.map(shown), null, 2)}\n`);
  else process.stdout.write(await reportOf(rules, problems, texts));
  if (problems.some(({ severity }) => atLeast(severity, options.failOn))) process.exitCode = 1;
}

/** Compiled first; only what compiles is compared. */
async function problemsOf(
  { rules, prometheus, alertmanager, problems }: Texts,
  { url }: CheckOptions,
): Promise<{ readonly rules: number; readonly problems: readonly LintProblem[] }> {
  const compiled = await compileAll({
    files: { read: () => Promise.resolve(rules) },
    catalogueOf: catalogueFor(await loadActions(ACTIONS)),
    clock: systemClock,
  });
  const plain = [...(compiled.ok ? [] : compiled.problems), ...problems];
  const found =
    compiled.ok && plain.length === 0
      ? lintConfigurations(compiled.set.rules, { prometheus, alertmanager, url })
      : plain.map((problem): LintProblem => ({ ...problem, severity: 'error', code: null }));
  return { rules: rules.rules.length, problems: found };
}

/* ---------------------------------------------------------------- what is said */

function shown({ file, line, col, severity, code, message, fix }: LintProblem): object {
  return { file, line, col, severity, ...(code === null ? {} : { code }), message, fix };
}

async function reportOf(
  rules: number,
  problems: readonly LintProblem[],
  texts: Texts,
): Promise<string> {
  const by_file = new Map([...texts.rules.rules].map(({ file, text }) => [file, text]));
  const others = [texts.rules.policy, texts.alertmanager, ...(texts.prometheus ?? [])];
  // Of these, addresses may be secret.
  for (const other of others)
    if (other !== null && other !== undefined) by_file.set(other.file, maskAddresses(other.text));
  const named = problems.map((problem) => ({
    ...problem,
    message: `${problem.severity}: ${problem.message}${problem.code === null ? '' : ` [${problem.code}]`}`,
  }));
  const rendered = renderProblems(named, (file) => by_file.get(file));
  const summary = `${counted(rules, 'rule')}, ${counted(problems.length, 'problem')}`;
  return rendered === '' ? `${summary}\n` : `${rendered}\n\n${summary}\n`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
