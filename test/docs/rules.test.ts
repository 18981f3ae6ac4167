import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { renderProblems } from '../../src/core/rules/diagnostic.ts';
import { compilePolicy, PolicyFile } from '../../src/core/rules/policy-compile.ts';
import { compileRule } from '../../src/core/rules/rule-compile.ts';
import { knownKeys } from '../../src/core/rules/zod-problems.ts';
import { CATALOGUE } from '../golden/catalogue.ts';

const ROOT = join(import.meta.dirname, '../..');

function page(name: string): string {
  return readFileSync(join(ROOT, 'docs', name), 'utf8');
}

function yamlBlocks(text: string): readonly string[] {
  return [...text.matchAll(/```yaml\n([^]*?)```/g)].map(([, block = '']) => block);
}

test('docs/policy.md speaks of every section that is enforced', () => {
  const named = new Set([...page('policy.md').matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(knownKeys(PolicyFile, []).filter((name) => !named.has(name))).toEqual([]);
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
