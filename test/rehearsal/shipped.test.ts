import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rehearsalParts } from '../../src/cli/author/rehearsal-parts.ts';
import { readTestSet } from '../../src/cli/author/test-files.ts';
import { failureLines } from '../../src/cli/author/test-report.ts';
import { runTest } from '../../src/rehearsal/run-test.ts';

const RULES = join(import.meta.dirname, '../../rules');
const files = readdirSync(RULES);
const tests = files.filter((name) => name.endsWith('.test.yaml'));
const parts = await rehearsalParts();
const PLAIN = { good: (text: string) => text, bad: (text: string) => text };

test.each(files.filter((name) => !name.endsWith('.test.yaml')))('rules/%s has tests', (name) => {
  expect(tests).toContain(name.replace('.yaml', '.test.yaml'));
});

for (const name of tests) {
  const set = await readTestSet(join(RULES, name), RULES, [...parts.actions.keys()]);
  describe(`rules/${name}`, () => {
    test('is a file of tests', () => {
      expect(set.problems).toEqual([]);
      expect(set.tests.length).toBeGreaterThan(0);
    });
    test.each(set.tests)('$name', async (one) => {
      const { rules, policy } = set.rules;
      const result = await runTest(one, { rules, policy, ...parts });
      expect(result.passed ? '' : failureLines(result, PLAIN).join('\n')).toBe('');
    });
  });
}
