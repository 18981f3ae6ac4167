import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onPath } from '../real/parts.ts';
import { temporaryFolder } from '../real/ready.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROMTOOL = onPath('promtool');
const BLACKBOX = onPath('prometheus-blackbox-exporter') ?? onPath('blackbox_exporter');
const TESTS = ['probes.yml', 'probes-deep.yml'];
const RULES = readFileSync(join(ROOT, 'prometheus/rules/probes.yml'), 'utf8');

function run(program: string | undefined, ...args: readonly string[]) {
  return spawnSync(program ?? '', args, { cwd: ROOT, encoding: 'utf8', timeout: 60_000 });
}

describe.skipIf(PROMTOOL === undefined)('prometheus/rules/probes.yml', () => {
  let folder = '';
  beforeAll(() => {
    folder = temporaryFolder('probes');
    for (const name of ['rules', 'tests']) mkdirSync(join(folder, name));
    for (const name of TESTS)
      cpSync(join(ROOT, 'prometheus/tests', name), join(folder, 'tests', name));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The tests over rules that say this. */
  function tried(rules: string): ReturnType<typeof run> {
    writeFileSync(join(folder, 'rules/probes.yml'), rules);
    return run(PROMTOOL, 'test', 'rules', ...TESTS.map((name) => join(folder, 'tests', name)));
  }

  test('does what its tests say', () => {
    const ran = tried(RULES);
    expect(ran.status, ran.stdout + ran.stderr).toBe(0);
  });

  test.each([
    ['two failures are enough', /\[50s\]\) >= 3/, '[50s]) >= 2'],
    ['two failures are enough for a journey', /\[30m30s\]\) >= 3/, '[30m30s]) >= 2'],
    [
      'two failures and an older success are',
      /\(probe_success\{job="probe-health"\}\[50s\]\) == 0/,
      '(probe_success{job="probe-health"}[30s]) == 0',
    ],
    ['four failures are needed', /\[50s\]\) >= 3/, '[50s]) >= 4'],
    [
      'the last value is asked for',
      /max_over_time\((probe_success\{job="probe-deep"\})\[30m30s\]\)/,
      '$1',
    ],
    ['a probe that was not made is a recovery', /\[65s\]/g, '[50s]'],
    ['a journey that was not made is a recovery', /\[40m30s\]/g, '[30m30s]'],
    ['a dead port does not come first', /unless on \(service\).*\n(?=        labels:\n)/, '\n'],
    ['every target of a job has to be unreachable', /max by \(job\)/, 'min by (job)'],
    ['autoheal is asked without a container', /\{\{ if .*\{\{ end \}\}/, 'probe-failing'],
  ])('a mistake is caught: %s', (_what, from, to) => {
    const wrong = RULES.replace(from, to);
    expect(wrong).not.toBe(RULES);
    expect(tried(wrong).status).toBe(1);
  });

  test('asks for jobs that prometheus.yml has', () => {
    const config = readFileSync(join(ROOT, 'prometheus/prometheus.yml'), 'utf8');
    const jobs = [...RULES.matchAll(/job="([\w-]+)"/g)].map(([, job]) => job);
    for (const job of new Set(jobs)) expect(config).toContain(`job_name: ${job}\n`);
    const checked = run(PROMTOOL, 'check', 'config', '--syntax-only', 'prometheus/prometheus.yml');
    expect(checked.status, checked.stderr).toBe(0);
  });
});

test.skipIf(BLACKBOX === undefined)(
  'the modules of the jobs are in blackbox.yml, which holds',
  () => {
    const checked = run(BLACKBOX, '--config.check', '--config.file=blackbox/blackbox.yml');
    expect(checked.status, checked.stderr).toBe(0);
    const modules = readFileSync(join(ROOT, 'blackbox/blackbox.yml'), 'utf8');
    const config = readFileSync(join(ROOT, 'prometheus/prometheus.yml'), 'utf8');
    const asked = [...config.matchAll(/module: \[(\w+)\]/g)].map(([, name]) => name);
    expect(asked).toEqual(['tcp_http', 'http_2xx', 'http_deep']);
    for (const name of asked) expect(modules).toContain(`\n  ${name}:\n`);
  },
);
