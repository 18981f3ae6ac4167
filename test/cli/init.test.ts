import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { filesFor } from '../../src/cli/author/init-files.ts';
import { labelsFor } from '../../src/cli/service/send-alert.ts';
import { parseYaml } from '../../src/core/rules/yaml-parse.ts';
import { catalogueFor, compileAll } from '../../src/engine/compile.ts';
import { loadActions } from '../../src/engine/registry.ts';
import { FIRST_ACTIONS, ruleNameFor } from '../../src/cli/author/init-rule.ts';

const BIN = join(import.meta.dirname, '../../bin/autoheal.js');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'autoheal-init-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
function run(args: readonly string[]): Promise<Ran> {
  return new Promise((done) => {
    const options = { cwd: folder, env: { PATH: process.env['PATH'] } };
    execFile(process.execPath, [BIN, ...args], options, (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}
const textOf = (file: string) => readFileSync(join(folder, file), 'utf8');
const ALL = ['alertmanager-snippet.yml', 'autoheal.yaml', 'rules'];
/** The alert as the snippet says it has to be: with the opt-in label. */
function prometheus(alertname: string, labels = ''): string {
  const text = `groups:\n  - name: g\n    rules:\n      - alert: '${alertname}'\n        expr: up == 0\n        labels: { autoheal: x${labels} }\n`;
  writeFileSync(join(folder, 'prometheus.yml'), text);
  return 'prometheus.yml';
}

test.each(FIRST_ACTIONS)(
  '%s: what is written passes check with its neighbours, without a hint',
  async (action) => {
    const made = await run([
      'init',
      '--alertname',
      'CrmDown',
      '--action',
      action,
      '--runbook',
      "docs/it's.md",
    ]);
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(readdirSync(folder)).toEqual(ALL);
    expect(readdirSync(join(folder, 'rules'))).toEqual(['crm-down.test.yaml', 'crm-down.yaml']);
    expect(textOf('rules/crm-down.yaml')).toContain(`- action: ${action}\n`);
    const neighbours = ['--alertmanager', 'alertmanager-snippet.yml'];
    const file = prometheus('CrmDown', ', container: crm');
    const checked = await run(['check', ...neighbours, '--prometheus', file, '--fail-on', 'info']);
    expect(checked).toEqual({ code: 0, out: '1 rule, 0 problems\n', err: '' });
    expect(await run(['test'])).toMatchObject({
      code: 0,
      out: expect.stringContaining(', 0 failed') as string,
    });
    const sent = /npx autoheal (send .*)/.exec(made.out)?.[1] ?? '';
    const body = await run([...sent.split(' '), '--print']);
    expect(body).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(body.out)).toMatchObject({ alerts: [{ labels: { alertname: 'CrmDown' } }] });
  },
);

test('says what to do next, in the folder that it made', async () => {
  const { code, out } = await run(['init', 'my rules', '--alertname', 'CrmDown']);
  expect(code).toBe(0);
  expect(out).toContain('written: my rules/rules/crm-down.yaml\n');
  expect(out).toContain(
    "\n  cd 'my rules'\n  npx autoheal check --alertmanager alertmanager-snippet.yml\n",
  );
  expect(existsSync(join(folder, 'my rules/autoheal.yaml'))).toBe(true);
});

describe('what is there is never written over', () => {
  test('left alone, by name; the rest is written', async () => {
    writeFileSync(join(folder, 'autoheal.yaml'), '# mine\n');
    const { code, out } = await run(['init']);
    expect(code).toBe(0);
    expect(out).toContain('left alone: autoheal.yaml: it is there already\n');
    expect(textOf('autoheal.yaml')).toBe('# mine\n');
    expect(existsSync(join(folder, 'rules/instance-down.yaml'))).toBe(true);
  });

  test('a second time nothing is written, and it ends with 1', async () => {
    await run(['init']);
    const before = ALL.slice(0, 2).map(textOf);
    const { code, out, err } = await run(['init', '--action', 'set_flag']);
    expect(code).toBe(1);
    expect(out.match(/left alone/g)).toHaveLength(4);
    expect(out).not.toContain('Next');
    expect(err).toContain('nothing was written');
    expect(ALL.slice(0, 2).map(textOf)).toEqual(before);
  });

  test('nor through a link', async () => {
    symlinkSync(join(folder, 'elsewhere.yaml'), join(folder, 'autoheal.yaml'));
    expect((await run(['init'])).out).toContain('left alone: autoheal.yaml');
    expect(existsSync(join(folder, 'elsewhere.yaml'))).toBe(false);
  });

  test('a folder that is a file', async () => {
    writeFileSync(join(folder, 'taken'), '');
    const { code, out } = await run(['init', 'taken']);
    expect(code).toBe(1);
    expect(out).toContain('left alone: taken/autoheal.yaml: its folder cannot be made (');
  });
});

test('--json: what was written, what was not, what is next', async () => {
  writeFileSync(join(folder, 'autoheal.yaml'), '');
  const { out } = await run(['init', '--alertname', 'CrmDown', '--json']);
  expect(JSON.parse(out)).toEqual({
    folder: '.',
    rule: 'crm-down',
    written: ['rules/crm-down.yaml', 'rules/crm-down.test.yaml', 'alertmanager-snippet.yml'],
    kept: [{ path: 'autoheal.yaml', why: 'it is there already' }],
    next: expect.arrayContaining(['npx autoheal test']) as string[],
  });
});

test.each([
  `It's "down" \\ {}: #1`,
  'Ünïcode Alärm 火',
  '- x',
  '{{ labels.x }}',
  'true',
  '5',
  '💥',
])('any alert name makes a rule that loads: %s', async (alertname) => {
  const files = filesFor({ alertname, action: 'set_flag', runbook: undefined });
  const text = { file: files.rule.path, text: files.rule.text, hash: '' };
  const compiled = await compileAll({
    files: { read: () => Promise.resolve({ rules: [text], policy: null }) },
    catalogueOf: catalogueFor(await loadActions(join(import.meta.dirname, '../../actions'))),
    clock: systemClock,
  });
  expect(compiled).toMatchObject({ ok: true });
  const [rule] = compiled.ok ? compiled.set.rules : [];
  expect(rule && labelsFor(rule, {})).toMatchObject({ labels: { alertname } });
  // What goes into the test file is the same text.
  const { value } = parseYaml('test.yaml', files.test.text).source ?? {};
  expect(JSON.stringify(value)).toContain(JSON.stringify({ labels: { alertname } }));
});

test.each([
  ['AIErrorRateHigh', 'ai-error-rate-high'],
  ['HTTP5xxRate', 'http5xx-rate'],
  ['--', 'first-rule'],
  ['x'.repeat(200), 'x'.repeat(60)],
])('the rule for %s is %s', (alertname, name) => expect(ruleNameFor(alertname)).toBe(name));

test.each([
  [['--action', 'reboot'], 'Allowed choices are restart_container, set_flag'],
  [['--alertname', 'a\nb'], 'Write 1 to 200 characters on one line.'],
  [['--alertname', ''], 'Write 1 to 200 characters on one line.'],
])('wrong usage ends with 2, and nothing is written: %j', async (args, said) => {
  const { code, err } = await run(['init', ...args]);
  expect(code).toBe(2);
  expect(err).toContain(said);
  expect(readdirSync(folder)).toEqual([]);
});
