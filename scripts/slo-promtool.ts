import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { parseDuration } from '../src/core/duration.ts';

/** A rule of Prometheus, as far as it is read here. */
export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
export interface Group {
  readonly name: string;
  readonly interval?: string;
  readonly rules: readonly Rule[];
}
interface Case {
  readonly name: string;
  readonly interval: string;
  readonly input_series: readonly { readonly series: string; readonly values: string }[];
  readonly alert_rule_test?: readonly {
    readonly alertname: string;
    readonly exp_alerts: readonly unknown[];
  }[];
  readonly promql_expr_test?: readonly { readonly expr: string }[];
}
interface TestFile {
  readonly rule_files: readonly string[];
  readonly evaluation_interval: string;
  readonly group_eval_order?: readonly string[];
  readonly tests: readonly Case[];
}

/** One test of a file for promtool, with the file of rules that it is about. */
export interface PromTest {
  readonly file: string;
  readonly rules: string;
  readonly one: Case;
  readonly all: TestFile;
}

/** A test takes a second; the slowest, on a busy machine, a minute. */
const TIMEOUT_MS = 120_000;

export function readGroups(path: string): readonly Group[] {
  return (parse(readFileSync(path, 'utf8')) as { groups: readonly Group[] }).groups;
}

/** Every test of a test file by itself. */
export function readTests(path: string): readonly PromTest[] {
  const all = parse(readFileSync(path, 'utf8')) as TestFile;
  const [rules = ''] = all.rule_files;
  return all.tests.map((one) => ({ file: path, rules: join(dirname(path), rules), one, all }));
}

/**
 * The rules that a test looks at, and those that these read: nothing else can change its verdict, and
 * promtool takes as long as there are rules.
 */
export function sliceOf(groups: readonly Group[], { one }: PromTest): readonly Group[] {
  const rules = groups.flatMap((group) => group.rules);
  const alerts = new Set(one.alert_rule_test?.map(({ alertname }) => alertname));
  const needed = new Set<Rule>();
  const open = rules.filter(({ alert }) => alert !== undefined && alerts.has(alert));
  const texts = one.promql_expr_test?.map(({ expr }) => expr) ?? [];
  open.push(...rules.filter((rule) => texts.some((text) => reads(text, rule))));
  for (let rule = open.pop(); rule !== undefined; rule = open.pop()) {
    if (needed.has(rule)) continue;
    needed.add(rule);
    const { expr } = rule;
    open.push(...rules.filter((other) => reads(expr, other)));
  }
  return groups
    .map((group) => ({ ...group, rules: group.rules.filter((rule) => needed.has(rule)) }))
    .filter((group) => group.rules.length > 0);
}

function reads(expr: string, { record }: Rule): boolean {
  if (record === undefined) return false;
  const at = expr.indexOf(record);
  return at !== -1 && new RegExp(`${record}(?![\\w:])`).test(expr.slice(at));
}

/** What promtool says when the test fails; undefined when it holds. Runs over these rules only. */
export async function promtool(
  program: string,
  groups: readonly Group[],
  { all, one }: PromTest,
): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'autoheal-promtool-'));
  try {
    const names = new Set(groups.map(({ name }) => name));
    const order = all.group_eval_order?.filter((name) => names.has(name)) ?? [];
    const test = { ...all, rule_files: ['rules.yml'], group_eval_order: order, tests: [one] };
    await writeFile(join(folder, 'rules.yml'), stringify({ groups }));
    await writeFile(join(folder, 'test.yml'), stringify(test));
    return await run(program, ['test', 'rules', join(folder, 'test.yml')]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The same rules as Prometheus 3 reads them: its ranges leave out the sample at their beginning, those of
 * Prometheus 2 take it in. A millisecond less says so to a promtool of version 2.
 */
export function leftOpen(groups: readonly Group[]): readonly Group[] {
  return groups.map((group) => ({
    ...group,
    rules: group.rules.map((rule) => ({
      ...rule,
      expr: rule.expr.replaceAll(
        /\[(\w+)\]/g,
        (_, range: string) => `[${(parseDuration(range) ?? 1) - 1}ms]`,
      ),
    })),
  }));
}

function run(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let said = '';
    const child = spawn(program, args, { timeout: TIMEOUT_MS, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        said += text;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0 ? undefined : said));
  });
}
