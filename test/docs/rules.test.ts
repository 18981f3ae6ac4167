import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderProblems } from '../../src/core/rules/diagnostic.ts';
import { compilePolicy, PolicyFile } from '../../src/core/rules/policy-compile.ts';
import { compileRule } from '../../src/core/rules/rule-compile.ts';
import { RuleFile } from '../../src/core/rules/rule-schema.ts';
import { knownKeys } from '../../src/core/rules/zod-problems.ts';
import { CATALOGUE } from '../golden/catalogue.ts';

const ROOT = join(import.meta.dirname, '../..');

function page(name: string): string {
  return readFileSync(join(ROOT, 'docs', name), 'utf8');
}

/** The first column of the table under a heading, in code marks. */
function tableOf(text: string, heading: string): readonly string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  return [...section.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, key = '']) => key).toSorted();
}

function yamlBlocks(text: string): readonly string[] {
  return [...text.matchAll(/```yaml\n([^]*?)```/g)].map(([, block = '']) => block);
}

describe('docs/rules.md and the schema have the same keys', () => {
  test.each([
    ['Keys of a rule', []],
    ['Keys of a step', ['steps', 0]],
    ['Keys of `verify`', ['steps', 0, 'verify']],
    ['Keys of `guard`', ['guard']],
  ])('%s', (heading, path) => {
    expect(tableOf(page('rules.md'), heading)).toEqual(knownKeys(RuleFile, path).toSorted());
  });
});

describe('docs/policy.md and the schema have the same keys', () => {
  test.each([
    ['`notifiers`', ['notifiers', 'page']],
    ['`flags`', ['flags', 'x']],
  ])('%s', (heading, path) => {
    expect(tableOf(page('policy.md'), heading)).toEqual(knownKeys(PolicyFile, path).toSorted());
  });

  test('every section has its heading', () => {
    const headings = [...page('policy.md').matchAll(/^## `(\w+)`$/gm)].map(([, name = '']) => name);
    expect(headings.toSorted()).toEqual(knownKeys(PolicyFile, []).toSorted());
  });
});

test('what is not enforced yet is named', () => {
  const sections = Object.keys(PolicyFile.shape).filter(
    (name) => !knownKeys(PolicyFile, []).includes(name),
  );
  expect(sections.length).toBeGreaterThan(0);
  const text = page('policy.md').split('## Not enforced yet')[1];
  for (const name of sections) expect(text).toContain(`\`${name}\``);
});

test.each(yamlBlocks(page('rules.md')))('the example of docs/rules.md compiles', (text) => {
  const name = /^name: (.*)$/m.exec(text)?.[1];
  const { problems } = compileRule({ file: `rules/${name}.yaml`, text, hash: 'h' }, CATALOGUE);
  expect(renderProblems(problems, () => text)).toBe('');
});

test.each(yamlBlocks(page('policy.md')))('an example of docs/policy.md compiles', (text) => {
  const { problems } = compilePolicy({ file: 'autoheal.yaml', text });
  expect(renderProblems(problems, () => text)).toBe('');
});

test.each(['ai-errors', 'endpoint-down', 'import-backlog'])('%s has its runbook', (name) => {
  const rule = readFileSync(join(ROOT, 'rules', `${name}.yaml`), 'utf8');
  const runbook = /^runbook: (.*)$/m.exec(rule)?.[1] ?? '';
  expect(existsSync(join(ROOT, runbook))).toBe(true);
  expect(readFileSync(join(ROOT, runbook), 'utf8')).toMatch(new RegExp(`^# ${name}: `));
});
