import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ACTION_FAILURES } from '../../src/core/errors.ts';
import { GUARD_WORDS } from '../../src/core/healing/guard-words.ts';
import type { VerifyFailure } from '../../src/core/healing/verify.ts';
import type { Rule } from '../../src/core/rules/rule.ts';
import { renderProblems } from '../../src/core/rules/diagnostic.ts';
import { lintConfigurations } from '../../src/lint/run.ts';
import { ROOT, rulesOf, textAt } from '../lint/world.ts';
import { onPath } from '../real/parts.ts';

const PROMTOOL = onPath('promtool');
const EXAMPLES = 'prometheus/examples/runbooks.yml';
const RULES = await rulesOf(join(ROOT, 'rules'));
const NAMED = RULES.map((rule) => [rule.name, rule] as const);

const VERIFY_WORDS: Record<VerifyFailure, true> = {
  not_healed: true,
  unhealthy: true,
  flapped: true,
  inconclusive: true,
};
const REASONS: ReadonlySet<string> = new Set([
  ...GUARD_WORDS,
  ...Object.keys(ACTION_FAILURES),
  ...Object.keys(VERIFY_WORDS),
]);

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** What a rule's `runbook` leads to: a whole page, or its section; undefined where it leads nowhere. */
function runbookOf({ runbook }: Rule): string | undefined {
  const [path = '', anchor] = (runbook ?? '').split('#');
  if (path === '' || !existsSync(join(ROOT, path))) return undefined;
  if (anchor === undefined) return textOf(path);
  return textOf(path)
    .split(/^## /m)
    .slice(1)
    .find((section) => section.startsWith(`${anchor}\n`));
}

function alertsOf({ matchers }: Rule): readonly string[] {
  return matchers
    .filter(({ label, op }) => label === 'alertname' && (op === '=' || op === '=~'))
    .flatMap(({ value }) => value.split('|'));
}

/** The words in the first column of tables that begin with `reason`. */
function reasonsIn(text: string): readonly string[] {
  const rows = [...text.matchAll(/^\| reason \|.*\n\|[-|]+\n((?:\|.*\n)+)/gm)].flatMap(
    ([, body = '']) => body.trim().split('\n'),
  );
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, word = '']) => word),
  );
}

describe.each(NAMED)('%s', (name, rule) => {
  const text = runbookOf(rule) ?? '';

  test('has a runbook that is there, with its name as its heading', () => {
    expect(text).toMatch(rule.runbook?.includes('#') ? `${name}\n` : `# ${name}: `);
  });

  test('its runbook names its alerts and its file, and no other', () => {
    const named = /\*\*Alert:\*\* (.*?)\*\*Rule:\*\* (.*)/.exec(text);
    const alerts = [...(named?.[1] ?? '').matchAll(/`([A-Z]\w+)`/g)].map(([, alert]) => alert);
    expect(alerts).toEqual(alertsOf(rule));
    expect(named?.[2]).toBe(`[${name}](../../rules/${name}.yaml).`);
  });

  test('its runbook says what each reason means that this rule in particular can end or wait with', () => {
    const reasons = reasonsIn(text);
    expect(reasons.filter((word) => !REASONS.has(word))).toEqual([]);
    // The oldest page has steps instead of a table.
    if (reasons.length === 0) expect(name).toBe('ai-errors');
    else
      expect(
        ['precondition', 'min_healthy', 'approval'].filter((w) => reasons.includes(w)),
      ).toEqual([
        ...(rule.when.some(({ kind }) => kind === 'promql') ? ['precondition'] : []),
        ...(rule.guard.min_healthy === null ? [] : ['min_healthy']),
        ...(rule.mode === 'approve' ? ['approval'] : []),
      ]);
  });

  test('has tests beside it', () => {
    expect(existsSync(join(ROOT, `rules/${name}.test.yaml`))).toBe(true);
  });

  test('has an example of its alert that names this rule and its runbook', () => {
    const examples = alertsInExamples().filter(({ alert }) => alertsOf(rule).includes(alert));
    expect(examples.length).toBeGreaterThan(0);
    for (const { labels, annotations } of examples) {
      expect(labels['autoheal']).toBe(name);
      expect(annotations['runbook_url']).toBe(rule.runbook);
    }
  });
});

interface ExampleAlert {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

function alertsInExamples(): readonly ExampleAlert[] {
  const { groups } = parse(textOf(EXAMPLES)) as {
    readonly groups: readonly { readonly rules: readonly ExampleAlert[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}

test('the index has each rule with its alerts and its page, in order, and no other', () => {
  const rows = [
    ...textOf('docs/runbooks/README.md').matchAll(/^\| \[([\w-]+)\]\(([^)]+)\) \| (.*?) \|/gm),
  ];
  expect(rows.map(([, name, page, alerts]) => [name, page, alerts])).toEqual(
    RULES.map((rule) => [
      rule.name,
      rule.runbook?.replace('docs/runbooks/', ''),
      alertsOf(rule)
        .map((alert) => `\`${alert}\``)
        .join(', '),
    ]),
  );
});

test('each page is of a rule, or of alerts that are for people only; the index leads to all', () => {
  const used = new Set(RULES.map(({ runbook }) => runbook?.split('#')[0]));
  const index = textOf('docs/runbooks/README.md');
  const pages = readdirSync(join(ROOT, 'docs/runbooks')).filter((name) => name !== 'README.md');
  for (const page of pages) expect(index).toMatch(new RegExp(String.raw`\]\(${page}[)#]`));
  const others = pages.filter((name) => !used.has(`docs/runbooks/${name}`));
  const alerts = readdirSync(join(ROOT, 'prometheus/rules'))
    .map((name) => textOf(`prometheus/rules/${name}`))
    .join('\n');
  expect(others.filter((name) => !alerts.includes(`docs/runbooks/${name}`))).toEqual([]);
});

test('the rules, the example alerts and the routes that ship fit together', () => {
  const prometheus = [textAt(ROOT, EXAMPLES)];
  const alertmanager = textAt(ROOT, 'alertmanager/alertmanager.yml');
  const problems = lintConfigurations(RULES, { prometheus, alertmanager, url: undefined });
  expect(renderProblems(problems, () => undefined)).toBe('');
});

describe.skipIf(PROMTOOL === undefined)('promtool', () => {
  test.each([
    ['check', EXAMPLES],
    ['test', 'prometheus/examples/runbooks.test.yml'],
  ])('%s rules %s', (what, file) => {
    const ran = spawnSync(PROMTOOL ?? '', [what, 'rules', file], { cwd: ROOT, encoding: 'utf8' });
    expect(ran.status, ran.stdout + ran.stderr).toBe(0);
  });

  // What a rule asks Prometheus is no rule of Prometheus; it is tried there as it stands in the rule.
  test('what the rules ask Prometheus is tried in the tests of the examples', () => {
    const tried = textOf('prometheus/examples/runbooks.test.yml');
    const asked = RULES.flatMap(({ when }) =>
      when.flatMap((one) => (one.kind === 'promql' ? [one.expr] : [])),
    );
    expect(asked.length).toBeGreaterThan(0);
    for (const expr of asked) {
      const [before = '', after = ''] = [expr.split('{{')[0], expr.split('}}').at(-1)];
      expect(tried).toContain(before);
      expect(tried).toContain(after);
    }
  });
});
