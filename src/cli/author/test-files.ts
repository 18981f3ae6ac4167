import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRuleFiles, readText } from '../../adapters/rule-files.ts';
import type { Problem } from '../../core/rules/diagnostic.ts';
import { ruleNameOf, type RuleText } from '../../core/rules/rule-compile.ts';
import { problemAt } from '../../core/rules/yaml-source.ts';
import { readTestFile } from '../../rehearsal/test-file.ts';
import type { TestFile } from '../../rehearsal/test-schema.ts';
import type { RuleTexts } from '../../engine/compile.ts';
import { misuse } from '../client.ts';

/** A file of tests with what its tests need; where there are problems, its tests cannot be played. */
export interface TestSet {
  readonly file: string;
  readonly tests: TestFile['tests'];
  readonly rules: RuleTexts;
  readonly problems: readonly Problem[];
  /** Of the files that problems are about. */
  readonly texts: ReadonlyMap<string, string>;
}

const TEST_FILE = /\.test\.yaml$/;

/** The files that the command line names; ends the process with 2 where there are none. */
export function findTestFiles(paths: readonly string[]): readonly string[] {
  const asked = paths.length > 0 ? paths : ['rules'];
  const found = asked.flatMap((path) => {
    if (!existsSync(path)) return misuse('test', `${path} does not exist`);
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => TEST_FILE.test(name));
    if (names.length > 0) return names.toSorted().map((name) => join(path, name));
    return misuse('test', `${path} has no tests: write ${join(path, '<rule>.test.yaml')}`);
  });
  return [...new Set(found)];
}

/** Reads one file of tests, its policy, and all rules of the folder: which rule wins is told by the others. */
export async function readTestSet(
  file: string,
  rules_dir: string,
  actions: readonly string[],
): Promise<TestSet> {
  const rules = await readRules(rules_dir);
  const read = await readText(file, file);
  const nothing = { file, tests: [], rules, texts: new Map<string, string>() };
  if (!('hash' in read)) return { ...nothing, problems: [read] };
  const names = { rules: rules.rules.map((rule) => ruleNameOf(rule.file)), actions };
  const { file: parsed, source, problems } = readTestFile(read, names);
  const texts = new Map([[file, read.text]]);
  if (parsed === undefined || source === undefined) return { ...nothing, texts, problems };
  const { policy: path, tests } = parsed;
  const policy = path === undefined ? null : await readPolicy(join(dirname(file), path));
  if (policy !== null && !('hash' in policy)) {
    const message = `policy: ${path} ${policy.message}`;
    const problem = problemAt(source, ['policy'], message, 'name it relative to this file');
    return { ...nothing, texts, problems: [problem] };
  }
  return { file, tests, rules: { ...rules, policy }, problems: [], texts };
}

async function readRules(rules_dir: string): Promise<RuleTexts> {
  try {
    return await createRuleFiles({ rules_dir, policy_file: undefined }).read();
  } catch (error) {
    return misuse('test', error instanceof Error ? error.message : String(error));
  }
}

function readPolicy(path: string): Promise<RuleText | Problem> {
  return readText(path, path);
}
