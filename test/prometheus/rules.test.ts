import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { casesOf, FILES, isCaught, TESTS as HOLDING, titleOf } from '../../scripts/slo-mutants.ts';
import {
  type Group,
  leftOpen,
  promtool,
  readGroups,
  readTests,
  sliceOf,
} from '../../scripts/slo-promtool.ts';
import { onPath } from '../real/parts.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROMTOOL = onPath('promtool');
const AMTOOL = onPath('amtool');
const ALERTMANAGER = join(ROOT, 'alertmanager/alertmanager.yml');
/** The Watchdog always fires: there is nothing in it to break. */
const TESTS = [...HOLDING, 'watchdog'];
/** The quickest, which look at every series that is recorded. */
const AS_VERSION_3 = [
  'services',
  'slo-rates',
  'slo-ratios',
  'slo-windows',
  'slo-full',
  'services-rates',
  'services-ratios',
  'services-idle',
  'services-windows',
  'services-full',
];
const RULES = FILES.map((name) => `prometheus/rules/${name}.yml`);
/** Both cores, while the other tests wait for their timers. */
const AT_ONCE = 2;
/** Mutants that each run looks at, of files of rules; `npm run slo:mutants` looks at all. */
const MUTANTS = [
  [['autoheal'], 10],
  [['autoheal-slo'], 15],
  [['services-slo'], 20],
] as const;
const SEED = 2_026;

/** Runs one of Prometheus's own tools; its output is shown where it is not content. */
function run(program: string | undefined, ...args: readonly string[]): void {
  const ran = spawnSync(program ?? '', args, { cwd: ROOT, encoding: 'utf8', timeout: 110_000 });
  expect(ran.status, ran.stdout + ran.stderr).toBe(0);
}

/** What failed of a test file, each test over the rules that it looks at. */
async function failures(
  name: string,
  change: (groups: readonly Group[]) => readonly Group[] = (groups) => groups,
): Promise<readonly string[]> {
  const tests = readTests(join(ROOT, `prometheus/tests/${name}.yml`));
  const said: string[] = [];
  await atOnce(tests, async (one) => {
    const failed = await promtool(PROMTOOL ?? '', change(sliceOf(readGroups(one.rules), one)), one);
    if (failed !== undefined) said.push(failed);
  });
  return said;
}

async function atOnce<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  async function next(): Promise<void> {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

describe.skipIf(PROMTOOL === undefined)('promtool', () => {
  test('finds nothing wrong with the rules', () => {
    run(PROMTOOL, 'check', 'rules', ...RULES);
  });

  test('reads the test files as they are', () => {
    run(PROMTOOL, 'test', 'rules', 'prometheus/tests/autoheal.yml');
  });

  test.each(TESTS)('prometheus/tests/%s.yml holds', async (name) => {
    expect(await failures(name)).toEqual([]);
  });

  test.each(AS_VERSION_3)(
    'prometheus/tests/%s.yml holds with the ranges of Prometheus 3',
    async (name) => {
      expect(await failures(name, leftOpen)).toEqual([]);
    },
  );

  test('a mutant is caught for what it says, not because it cannot be read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'autoheal-mutants-'));
    try {
      const file = join(folder, 'rules.yml');
      const groups = casesOf().map(({ mutant }, at) => ({ name: `${at}`, rules: [mutant.broken] }));
      writeFileSync(file, JSON.stringify({ groups }));
      run(PROMTOOL, 'check', 'rules', '--lint=none', file);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a broken rule is caught', async () => {
    const sample = MUTANTS.flatMap(([files, count]) => {
      const cases = casesOf(files);
      const step = Math.floor(cases.length / count);
      return Array.from({ length: count }, (_, n) => cases[(SEED + n * step) % cases.length]);
    });
    const survivors: string[] = [];
    await atOnce(sample, async (one) => {
      if (one !== undefined && !(await isCaught(PROMTOOL ?? '', one))) survivors.push(titleOf(one));
    });
    expect(survivors).toEqual([]);
  });
});

test.skipIf(AMTOOL === undefined)(
  'amtool finds nothing wrong with alertmanager/alertmanager.yml',
  () => {
    run(AMTOOL, 'check-config', ALERTMANAGER);
  },
);

const ALERTS = RULES.flatMap((file) => readGroups(join(ROOT, file)))
  .flatMap(({ rules }) => rules)
  .filter(({ alert }) => alert !== undefined);

test('every alert is seen firing with each of its severities and windows, and seen quiet', () => {
  interface Look {
    readonly alertname: string;
    readonly exp_alerts: readonly { readonly exp_labels: Readonly<Record<string, string>> }[];
  }
  const looks = TESTS.flatMap((name) =>
    readTests(join(ROOT, `prometheus/tests/${name}.yml`)).flatMap(
      ({ one }) => (one.alert_rule_test ?? []) as readonly Look[],
    ),
  );
  const fired = new Set(
    looks.flatMap(({ alertname, exp_alerts }) =>
      exp_alerts.map(
        ({ exp_labels: { severity, long } }) => `${alertname} ${severity} ${long ?? ''}`,
      ),
    ),
  );
  const quiet = new Set(
    looks.filter(({ exp_alerts }) => exp_alerts.length === 0).map(({ alertname }) => alertname),
  );
  const all = ALERTS.map(
    ({ alert, labels }) => `${alert} ${labels?.['severity']} ${labels?.['long'] ?? ''}`,
  );
  expect(all.filter((alert) => !fired.has(alert))).toEqual([]);
  expect(ALERTS.map(({ alert }) => alert ?? '').filter((alert) => !quiet.has(alert))).toEqual([]);
});

test('every alert has a runbook that is there, and its page names it', () => {
  for (const { alert, annotations } of ALERTS) {
    const runbook = annotations?.['runbook'] ?? '';
    const page = readFileSync(join(ROOT, runbook), 'utf8');
    expect(page, `${alert} in ${runbook}`).toContain(alert);
  }
});

test('a page inhibits the tickets of the same SLO, of autoheal and of services', () => {
  const { inhibit_rules } = parse(readFileSync(ALERTMANAGER, 'utf8')) as {
    readonly inhibit_rules: readonly {
      readonly source_matchers: readonly string[];
      readonly target_matchers: readonly string[];
      readonly equal?: readonly string[];
    }[];
  };
  const burns = ALERTS.filter(({ labels }) => labels?.['long'] !== undefined);
  for (const { alert, labels } of burns) {
    const own = labels?.['service'] === 'autoheal';
    const found = inhibit_rules.find(
      ({ source_matchers, target_matchers, equal }) =>
        [source_matchers, target_matchers].every((matchers) => matches(matchers, alert ?? '')) &&
        source_matchers.includes('severity="page"') &&
        target_matchers.includes('severity="ticket"') &&
        equal?.join() === (own ? 'slo,drill' : 'service,slo'),
    );
    expect(found, alert).toBeDefined();
  }
});

/** Does a matcher `alertname=~"..."` of the list take this name, whole, as Alertmanager reads it? */
function matches(matchers: readonly string[], alertname: string): boolean {
  const pattern = matchers.map((text) => /^alertname=~"(.*)"$/.exec(text)?.[1]).find(Boolean);
  return pattern !== undefined && new RegExp(`^(?:${pattern})$`).test(alertname);
}
