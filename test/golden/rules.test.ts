import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Problem, renderProblems } from '../../src/core/rules/diagnostic.ts';
import { compilePolicy, maskAddresses } from '../../src/core/rules/policy-compile.ts';
import { compileRule } from '../../src/core/rules/rule-compile.ts';
import { readTestFile } from '../../src/rehearsal/test-file.ts';
import { CATALOGUE } from './catalogue.ts';

/**
 * Each file is named by what is wrong with it; beside it stands the text its author reads.
 * `vitest run test/golden --update` writes them anew: read the difference before you keep it.
 */
function cases(folder: string): readonly { readonly name: string; readonly yaml: string }[] {
  const path = join(import.meta.dirname, folder);
  return readdirSync(path)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => ({ name: name.replace('.yaml', ''), yaml: join(path, name) }));
}

async function expectGolden(yaml: string, problems: readonly Problem[], text: string): Promise<void> {
  const golden = yaml.replace('.yaml', '.txt');
  const rendered = renderProblems(problems, () => text);
  expect(problems.length).toBeGreaterThan(0);
  for (const { fix, message } of problems) expect([fix, message]).not.toContain('');
  expect(existsSync(golden) || process.env['CI'] === undefined).toBe(true);
  await expect(`${rendered}\n`).toMatchFileSnapshot(golden);
}

describe('a rule with a mistake', () => {
  test.each(cases('rules'))('$name', async ({ name, yaml }) => {
    const text = readFileSync(yaml, 'utf8');
    const input = { file: `rules/${name}.yaml`, text, hash: 'hash' };
    const { rule, problems } = compileRule(input, CATALOGUE);
    expect(rule).toBeUndefined();
    await expectGolden(yaml, problems, text);
  });
});

describe('a policy with a mistake', () => {
  test.each(cases('policy'))('$name', async ({ yaml }) => {
    const text = readFileSync(yaml, 'utf8');
    const { policy, problems } = compilePolicy({ file: 'autoheal.yaml', text });
    expect(policy).toBeUndefined();
    await expectGolden(yaml, problems, maskAddresses(text));
  });
});

describe('a file of tests with a mistake', () => {
  const names = { rules: ['import-backlog', 'ai-errors'], actions: CATALOGUE.action_ids };
  test.each(cases('rule-tests'))('$name', async ({ name, yaml }) => {
    const text = readFileSync(yaml, 'utf8');
    const { file, problems } = readTestFile({ file: `rules/${name}.test.yaml`, text }, names);
    expect(file).toBeUndefined();
    await expectGolden(yaml, problems, text);
  });
});
