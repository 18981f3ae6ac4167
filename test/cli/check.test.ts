import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const BIN = join(ROOT, 'bin/autoheal.js');
const CLEAN = join(ROOT, 'test/lint/fixtures/clean');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'autoheal-check-'));
  cpSync(CLEAN, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
function check(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((done) => {
    const options = { cwd: folder, env: { PATH: process.env['PATH'], ...env } };
    execFile(process.execPath, [BIN, 'check', ...args], options, (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}
const NEIGHBOURS = ['--prometheus', 'prometheus.yml', '--alertmanager', 'alertmanager.yml'];
const spoilt = (fixture: string, file: string) =>
  cpSync(join(ROOT, 'test/lint/fixtures', fixture, file), join(folder, file));

test('clean: a line, and 0', async () => {
  expect(await check(NEIGHBOURS)).toEqual({ code: 0, out: '1 rule, 0 problems\n', err: '' });
});

test('a rule that does not compile: its place, the line, a caret, the fix', async () => {
  const bad = 'name: bad\nsummary: Bad.\nmatchers: [alertname="X"]\nstep: []\n';
  writeFileSync(join(folder, 'rules/bad.yaml'), bad);
  const { code, out } = await check([]);
  expect(code).toBe(1);
  expect(out).toContain(`rules/bad.yaml:4:1: error: `);
  expect(out).toContain('  4 | step: []\n    | ^^^^\n      fix: did you mean "steps"?\n');
  expect(out).toMatch(/\n\n2 rules, 2 problems\n$/);
});

test('the policy counts: --config, AUTOHEAL_CONFIG, else ./autoheal.yaml', async () => {
  writeFileSync(join(folder, 'autoheal.yaml'), 'notifier: {}\n');
  writeFileSync(join(folder, 'good.yaml'), 'notifiers: {}\n');
  expect((await check([])).out).toContain('autoheal.yaml:1:1: error: ');
  expect((await check([], { AUTOHEAL_CONFIG: 'good.yaml' })).code).toBe(0);
  expect((await check(['--config', 'good.yaml'])).code).toBe(0);
});

test('a file can be named, or the folder by AUTOHEAL_RULES', async () => {
  writeFileSync(join(folder, 'rules/bad.yaml'), 'name: bad\n');
  expect((await check(['rules/backlog.yaml'])).out).toBe('1 rule, 0 problems\n');
  expect((await check(['rules/backlog.yaml', './rules/backlog.yaml'])).code).toBe(0);
  const elsewhere = await check([], { AUTOHEAL_RULES: join(CLEAN, 'rules') });
  expect(elsewhere.out).toBe('1 rule, 0 problems\n');
});

test('a warning ends with 1 only where --fail-on asks for that', async () => {
  spoilt('repeat-interval-long', 'alertmanager.yml');
  const { code, out } = await check(NEIGHBOURS);
  expect(out).toContain('alertmanager.yml:12:24: warning: ');
  expect(out).toContain('[repeat-interval-long]\n');
  expect(code).toBe(0);
  expect((await check([...NEIGHBOURS, '--fail-on', 'warning'])).code).toBe(1);
});

test('--json: every problem as data', async () => {
  spoilt('max-alerts-set', 'alertmanager.yml');
  const { code, out } = await check([...NEIGHBOURS, '--json']);
  expect(JSON.parse(out)).toEqual([
    {
      file: 'alertmanager.yml',
      line: 24,
      col: 21,
      severity: 'error',
      code: 'max-alerts-set',
      message: expect.stringContaining('20 alerts') as string,
      fix: 'write max_alerts: 0, which is no limit',
    },
  ]);
  expect(code).toBe(1);
});

test('a neighbour that does not read is its own finding, and no lint guesses', async () => {
  writeFileSync(join(folder, 'prometheus.yml'), 'groups: [\n');
  const { code, out } = await check(NEIGHBOURS);
  expect(code).toBe(1);
  expect(out).toContain('prometheus.yml:2:1: error: this is not YAML');
  expect(out).not.toContain('alert-unknown');
});

test('addresses of alertmanager.yml are not shown: they can be passwords', async () => {
  spoilt('follow-redirects-on', 'alertmanager.yml');
  expect((await check(NEIGHBOURS)).out).toContain('- url: ***');
});

test.each([
  [['--nonsense'], 'unknown option'],
  [['--fail-on', 'never'], 'Allowed choices are error, warning, info'],
  [['absent'], 'absent does not exist'],
  [['--alertmanager', 'absent.yml'], 'absent.yml does not exist'],
])('wrong usage ends with 2: %j', async (args, said) => {
  const { code, err } = await check(args);
  expect(code).toBe(2);
  expect(err).toContain(said);
});
