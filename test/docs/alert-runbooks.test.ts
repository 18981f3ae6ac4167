import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

/** Every alert that ships leads the person whom it woke to a page that is there. */
const ROOT = join(import.meta.dirname, '../..');
const FOLDERS = ['prometheus/rules', 'prometheus/examples'];

interface Alert {
  readonly alert?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function rulesFiles(): readonly string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.yml') && !name.endsWith('.test.yml'))
      .map((name) => `${folder}/${name}`),
  );
}

function alertsIn(file: string): readonly Alert[] {
  const { groups } = parse(readFileSync(join(ROOT, file), 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly Alert[] }[];
  };
  return groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);
}

/** GitHub's anchors of a page's headings. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What is wrong with the link of an alert; undefined when it leads somewhere. */
function problemOf({ alert = '', annotations = {} }: Alert): string | undefined {
  const link = annotations['runbook_url'] ?? annotations['runbook'];
  if (link === undefined) return `${alert} has neither runbook_url nor runbook`;
  const [path = '', anchor] = link.split('#');
  if (!/^docs\/(runbooks\/)?[\w-]+\.md$/.test(path)) return `${alert}: ${link} is no page of ours`;
  if (!existsSync(join(ROOT, path))) return `${alert}: there is no ${path}`;
  if (anchor === undefined) return undefined;
  const found = anchorsOf(readFileSync(join(ROOT, path), 'utf8')).includes(anchor);
  return found ? undefined : `${alert}: ${path} has no #${anchor}`;
}

describe.each(rulesFiles())('%s', (file) => {
  test('each alert leads to a page that is there', () => {
    expect(
      alertsIn(file)
        .map(problemOf)
        .filter((problem) => problem !== undefined),
    ).toEqual([]);
  });
});

test('a link that leads nowhere is seen', () => {
  const urls = [
    'docs/runbooks/none.md',
    'docs/runbooks/probe-failing.md#none',
    'rules/ai-slow.yaml',
  ];
  for (const runbook_url of urls)
    expect(problemOf({ alert: 'A', annotations: { runbook_url } })).toContain('A: ');
  expect(problemOf({ alert: 'A', annotations: {} })).toContain('has neither');
});

test('the alerts of probes are named by their runbook', () => {
  const page = readFileSync(join(ROOT, 'docs/runbooks/probe-failing.md'), 'utf8');
  for (const { alert } of alertsIn('prometheus/rules/probes.yml'))
    expect(page).toContain(`\`${alert}\``);
});
