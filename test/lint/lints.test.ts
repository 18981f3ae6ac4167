import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderProblems } from '../../src/core/rules/diagnostic.ts';
import { LINTS, lintConfigurations } from '../../src/lint/run.ts';
import { FIXTURES, fixtureNames, ROOT, rulesOf, textAt, worldOf } from './world.ts';

async function found(name: string): Promise<{ codes: ReadonlySet<string>; report: string }> {
  const { rules, prometheus, alertmanager } = await worldOf(name);
  const problems = lintConfigurations(rules, { prometheus, alertmanager, url: undefined });
  const texts = [...rules, ...prometheus, alertmanager];
  const report = renderProblems(
    problems.map((problem) => ({
      ...problem,
      message: `${problem.severity}: ${problem.message} [${problem.code}]`,
    })),
    (file) => texts.find((text) => text.file === file)?.text,
  );
  return { codes: new Set(problems.map(({ code }) => String(code))), report: `${report}\n` };
}

describe('a lint', () => {
  // The fixture differs from `clean` by this one mistake.
  test.each(LINTS.map(({ id }) => id))('%s finds its mistake, and no other does', async (id) => {
    const { codes, report } = await found(id);
    await expect(report).toMatchFileSnapshot(join(FIXTURES, id, 'expected.txt'));
    expect([...codes]).toEqual([id]);
  });

  test('finds nothing in the configurations that the fixtures spoil', async () => {
    expect((await found('clean')).report).toBe('\n');
  });

  test('has a file, a fixture and a section of docs/lint.md, and these have a lint', () => {
    const ids = LINTS.map(({ id }) => id).toSorted();
    expect(fixtureNames().filter((name) => name !== 'clean')).toEqual(ids);
    const files = readdirSync(join(ROOT, 'src/lint')).map((name) => name.replace(/\.ts$/, ''));
    expect(files).toEqual(expect.arrayContaining(ids));
    const page = readFileSync(join(ROOT, 'docs/lint.md'), 'utf8');
    const sections = [...page.matchAll(/^### `([\w-]+)` \((\w+)\)$/gm)];
    const wanted = LINTS.map(({ id, severity }) => [id, severity]);
    expect(sections.map(([, id, severity]) => [id, severity])).toEqual(wanted);
  });
});

test('what ships is clean: rules, rules of Prometheus, routes', async () => {
  const own = readdirSync(join(ROOT, 'prometheus/rules')).map((name) =>
    textAt(ROOT, `prometheus/rules/${name}`),
  );
  const prometheus = [...own, textAt(ROOT, 'prometheus/examples/runbooks.yml')];
  const alertmanager = textAt(ROOT, 'alertmanager/alertmanager.yml');
  const rules = await rulesOf(join(ROOT, 'rules'));
  expect(lintConfigurations(rules, { prometheus, alertmanager, url: undefined })).toEqual([]);
  // The other two are in the comparison: without its file, an alert of a rule is unknown.
  const less = own.filter(({ file }) => !/\/(?:demo|probes)\.yml$/.test(file));
  const lost = lintConfigurations(rules, { prometheus: less, alertmanager, url: undefined });
  const named = rules.filter(({ matchers }) =>
    matchers.some(({ label, op }) => label === 'alertname' && op === '='),
  );
  expect(lost.map(({ file, code }) => [file, code])).toEqual(
    named.map(({ file }) => [file, 'alert-unknown']),
  );
});
