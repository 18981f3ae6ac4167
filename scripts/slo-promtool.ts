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
interface Look {
  readonly eval_time: string;
}
interface Case {
  readonly name: string;
  readonly interval: string;
  readonly input_series: readonly { readonly series: string; readonly values: string }[];
  readonly alert_rule_test?: readonly (Look & {
    readonly alertname: string;
    readonly exp_alerts: readonly unknown[];
  })[];
  readonly promql_expr_test?: readonly (Look & { readonly expr: string })[];
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

/** A test takes a second; the slowest, on a machine that is busy with other things, minutes. */
const TIMEOUT_MS = 300_000;

export function readGroups(path: string): readonly Group[] {
  return (parse(readFileSync(path, 'utf8')) as { groups: readonly Group[] }).groups;
}

/** Every test of a test file by itself. */
export function readTests(path: string): readonly PromTest[] {
  const all = parse(readFileSync(path, 'utf8')) as TestFile;
  const [rules = ''] = all.rule_files;
  return all.tests.map((one) => ({ file: path, rules: join(dirname(path), rules), one, all }));
}

/** The test with each of its looks by itself. */
export function looksOf(test: PromTest): readonly PromTest[] {
  const { alert_rule_test = [], promql_expr_test = [], ...rest } = test.one;
  return [
    ...alert_rule_test.map((look) => ({ ...test, one: { ...rest, alert_rule_test: [look] } })),
    ...promql_expr_test.map((look) => ({ ...test, one: { ...rest, promql_expr_test: [look] } })),
  ];
}

/** One test again of looks of the same test. */
export function joined(looks: readonly [PromTest, ...PromTest[]]): PromTest {
  const [test] = looks;
  const alert_rule_test = looks.flatMap(({ one }) => one.alert_rule_test ?? []);
  const promql_expr_test = looks.flatMap(({ one }) => one.promql_expr_test ?? []);
  return { ...test, one: { ...test.one, alert_rule_test, promql_expr_test } };
}

/**
 * The rules that a test looks at, and those that these read: nothing else can change its verdict, and
 * promtool takes as long as there are rules.
 */
export function sliceOf(groups: readonly Group[], test: PromTest): readonly Group[] {
  const rules = groups.flatMap((group) => group.rules);
  const needed = new Set<Rule>();
  const open = rules.filter((rule) => looksAt(test, rule));
  for (let rule = open.pop(); rule !== undefined; rule = open.pop()) {
    if (needed.has(rule)) continue;
    needed.add(rule);
    const read = namesIn(rule.expr);
    open.push(...rules.filter(({ record }) => record !== undefined && read.has(record)));
  }
  return groups
    .map((group) => ({ ...group, rules: group.rules.filter((rule) => needed.has(rule)) }))
    .filter((group) => group.rules.length > 0);
}

/** Does the test look at what this very rule makes, and not only at what is made of it? */
export function looksAt({ one }: PromTest, { alert, record = alert ?? '' }: Rule): boolean {
  return (
    (one.alert_rule_test?.some(({ alertname }) => alertname === alert) ?? false) ||
    // The series ALERTS has the name of the alert as a label.
    (one.promql_expr_test?.some(({ expr }) => namesIn(expr).has(record)) ?? false)
  );
}

const names = new Map<string, ReadonlySet<string>>();

/** Every name in an expression: of series, and also of labels, functions and what is quoted. */
function namesIn(expr: string): ReadonlySet<string> {
  const known = names.get(expr) ?? new Set(expr.match(/[a-zA-Z_:][\w:]*/g));
  names.set(expr, known);
  return known;
}

/** How often promtool evaluates these rules in a test: what its time goes by. */
export function evaluationsOf({ all, one }: PromTest, groups: readonly Group[]): number {
  const looks = [...(one.alert_rule_test ?? []), ...(one.promql_expr_test ?? [])];
  const last_ms = Math.max(0, ...looks.map(({ eval_time }) => parseDuration(eval_time) ?? 0));
  const rules = groups.reduce((sum, group) => sum + group.rules.length, 0);
  const every_ms = parseDuration(all.evaluation_interval) ?? 1;
  return rules * (1 + Math.floor(last_ms / every_ms));
}

/** What promtool says when the test fails; undefined when it holds. Runs over these rules only. */
export async function promtool(
  program: string,
  groups: readonly Group[],
  { all, one }: PromTest,
): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'autoheal-promtool-'));
  try {
    const there = new Set(groups.map(({ name }) => name));
    const order = all.group_eval_order?.filter((name) => there.has(name)) ?? [];
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
    child.once('close', (code, signal) => {
      // One that was ended has not failed a test: a mutant would pass for caught.
      if (signal !== null)
        reject(new Error(`${program} was ended by ${signal} (${TIMEOUT_MS} ms)`));
      else resolve(code === 0 ? undefined : said);
    });
  });
}
