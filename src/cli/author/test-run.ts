import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemClock } from '../../adapters/clock.ts';
import { AutohealError } from '../../core/errors.ts';
import { renderProblems } from '../../core/rules/diagnostic.ts';
import { catalogueFor, compileAll } from '../../engine/compile.ts';
import { runTest, type TestResult } from '../../rehearsal/run-test.ts';
import type { RuleTest } from '../../rehearsal/test-schema.ts';
import { plain } from '../plain.ts';
import { rehearsalParts } from './rehearsal-parts.ts';
import { misuse, reasonOf } from '../client.ts';
import { findTestFiles, readTestSet, type TestSet } from './test-files.ts';
import { junitOf } from './test-junit.ts';
import { colours, jsonOf, textOf } from './test-report.ts';

export interface TestOptions {
  readonly rules?: string;
  readonly run?: string;
  readonly junit?: string;
  readonly json?: true;
}

/** What became of one file. */
export interface FileResult {
  readonly file: string;
  /** Why its tests could not be played, as a person reads it; empty: they were. */
  readonly problems: string;
  readonly tests: readonly (TestResult & { readonly seconds: number })[];
}

type Parts = Awaited<ReturnType<typeof rehearsalParts>>;

/** `autoheal test`: plays the tests and says how they went; the exit code is 1 where one failed. */
export async function runTests(paths: readonly string[], options: TestOptions): Promise<void> {
  const wanted = nameFilter(options.run);
  const files = findTestFiles(paths);
  const parts = await rehearsalParts();
  const results: FileResult[] = [];
  for (const file of files)
    results.push(await runFile(file, options.rules ?? dirname(file), wanted, parts));
  const ran = results.reduce((sum, { tests, problems }) => sum + tests.length + problems.length, 0);
  if (ran === 0) misuse('test', `no test is named like ${JSON.stringify(options.run)}`);
  if (options.junit !== undefined) writeReport(options.junit, junitOf(results));
  const json = options.json === true;
  process.stdout.write(json ? jsonOf(results) : textOf(results, colours(process.stdout)));
  if (results.some(isBad)) process.exitCode = 1;
}

function isBad({ problems, tests }: FileResult): boolean {
  return problems !== '' || tests.some(({ passed }) => !passed);
}

function nameFilter(text: string | undefined): (name: string) => boolean {
  if (text === undefined) return () => true;
  try {
    const regex = new RegExp(text, 'u');
    return (name) => regex.test(name);
  } catch (error) {
    return misuse('test', `--run: ${reasonOf(error)}`);
  }
}

function writeReport(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    misuse('test', `--junit: ${path} cannot be written: ${reasonOf(error)}`);
  }
}

async function runFile(
  file: string,
  rules_dir: string,
  wanted: (name: string) => boolean,
  parts: Parts,
): Promise<FileResult> {
  const set = await readTestSet(file, rules_dir, [...parts.actions.keys()]);
  const problems = (await problemsOf(set, parts)) ?? '';
  if (problems !== '') return { file, problems: plain(problems), tests: [] };
  const tests: FileResult['tests'][number][] = [];
  for (const test of set.tests.filter(({ name }) => wanted(name))) {
    const began = performance.now();
    const result = await runOne(test, set, parts);
    tests.push({ ...result, seconds: (performance.now() - began) / 1_000 });
  }
  return { file, problems: '', tests };
}

async function problemsOf(
  { problems, texts, rules }: TestSet,
  { actions }: Parts,
): Promise<string | undefined> {
  if (problems.length > 0) return renderProblems(problems, (file) => texts.get(file));
  const compiled = await compileAll({
    files: { read: async () => rules },
    catalogueOf: catalogueFor(actions),
    clock: systemClock,
  });
  return compiled.ok ? undefined : compiled.rendered;
}

async function runOne(test: RuleTest, { rules }: TestSet, parts: Parts): Promise<TestResult> {
  try {
    return await runTest(test, { rules: rules.rules, policy: rules.policy, ...parts });
  } catch (error) {
    // What the world of the test says cannot be so: a flag that nobody declares.
    if (!(error instanceof AutohealError)) throw error;
    const problems = [`world: ${error.message}`];
    return { name: test.name, passed: false, problems, diff: [], story_yaml: '' };
  }
}
