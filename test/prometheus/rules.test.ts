import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { onPath } from '../real/parts.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROMTOOL = onPath('promtool');
const AMTOOL = onPath('amtool');
const ALERTMANAGER = join(ROOT, 'alertmanager/alertmanager.yml');
const TESTS = ['burn-fast', 'burn-slow', 'series', 'autoheal'];
const RULES = ['prometheus/rules/autoheal-slo.yml', 'prometheus/rules/autoheal.yml'];

/** Runs one of Prometheus's own tools; its output is shown where it is not content. */
function run(program: string | undefined, ...args: readonly string[]): void {
  const ran = spawnSync(program ?? '', args, { cwd: ROOT, encoding: 'utf8', timeout: 110_000 });
  expect(ran.status, ran.stdout + ran.stderr).toBe(0);
}

describe.skipIf(PROMTOOL === undefined)('promtool', () => {
  test('finds nothing wrong with the rules', () => {
    run(PROMTOOL, 'check', 'rules', ...RULES);
  });

  test.each(TESTS)('prometheus/tests/%s.yml holds', (name) => {
    run(PROMTOOL, 'test', 'rules', `prometheus/tests/${name}.yml`);
  });
});

test.skipIf(AMTOOL === undefined || !existsSync(ALERTMANAGER))(
  'amtool finds nothing wrong with alertmanager/alertmanager.yml',
  () => {
    run(AMTOOL, 'check-config', ALERTMANAGER);
  },
);

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly { readonly alert?: string }[] }[];
}
interface TestFile {
  readonly tests: readonly {
    readonly alert_rule_test?: readonly { alertname: string; exp_alerts: readonly unknown[] }[];
  }[];
}

test('every alert is seen firing, and seen quiet', () => {
  const groups = RULES.flatMap(
    (file) => (parse(readFileSync(join(ROOT, file), 'utf8')) as RuleFile).groups,
  );
  const alerts = new Set(groups.flatMap(({ rules }) => rules.flatMap(({ alert }) => alert ?? [])));
  const looks = TESTS.flatMap((name) => {
    const file = parse(
      readFileSync(join(ROOT, `prometheus/tests/${name}.yml`), 'utf8'),
    ) as TestFile;
    return file.tests.flatMap((one) => one.alert_rule_test ?? []);
  });
  function seen(firing: boolean): ReadonlySet<string> {
    const of = looks.filter(({ exp_alerts }) => exp_alerts.length > 0 === firing);
    return new Set(of.map(({ alertname }) => alertname));
  }
  expect([...alerts].filter((alert) => !seen(true).has(alert))).toEqual([]);
  expect([...alerts].filter((alert) => !seen(false).has(alert))).toEqual([]);
});
