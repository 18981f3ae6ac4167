import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rehearsalParts } from '../../src/cli/author/rehearsal-parts.ts';
import { failureLines } from '../../src/cli/author/test-report.ts';
import { COMPARED_KINDS } from '../../src/rehearsal/story.ts';
import { runTest } from '../../src/rehearsal/run-test.ts';
import { readTestFile } from '../../src/rehearsal/test-file.ts';
import { textOf } from './stage.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/rule-tests.md'), 'utf8');
const blocks = [...PAGE.matchAll(/```yaml\n([^]*?)```/g)].map(([, block = '']) => block);
const PLAIN = { good: (text: string) => text, bad: (text: string) => text };

test.each([0, 2])('the example that begins with block %i passes', async (at) => {
  const [rule = '', tests = ''] = blocks.slice(at);
  const name = /^name: (.*)$/m.exec(rule)?.[1] ?? '';
  const parts = await rehearsalParts();
  const names = { rules: [name], actions: [...parts.actions.keys()] };
  const { file, problems } = readTestFile({ file: 'a.test.yaml', text: tests }, names);
  expect(problems).toEqual([]);
  expect(file?.tests.length).toBeGreaterThan(0);
  for (const one of file?.tests ?? []) {
    const rules = [textOf(`rules/${name}.yaml`, rule)];
    const result = await runTest(one, { rules, policy: null, ...parts });
    expect(result.passed ? '' : failureLines(result, PLAIN).join('\n')).toBe('');
  }
});

test('the page names every kind that is always compared', () => {
  const [, listed = ''] = /Always compared: ([^]*?)\. Other/.exec(PAGE) ?? [];
  const named = [...listed.matchAll(/`(\w+)`/g)].map(([, kind]) => kind);
  expect(named).toEqual(COMPARED_KINDS);
});
