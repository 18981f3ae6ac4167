import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { junitOf } from '../../src/cli/author/test-junit.ts';
import { colours, textOf } from '../../src/cli/author/test-report.ts';
import { autoheal } from './command.ts';

const RULE = `name: slow
summary: Heuristics while it is slow.
matchers: ['alertname="Slow"']
steps: [{ action: set_flag, with: { flag: heuristics-only, value: true }, lease: 30m }]
`;
const GOOD = `tests:
  - name: sets the flag
    timeline: [{ at: 0s, fire: { labels: { alertname: Slow } } }]
    expect: [{ at: 0s, kind: action_ok, target: flag/heuristics-only }]
`;
const BAD = `${GOOD}  - name: sets the flag to false
    timeline: [{ at: 0s, fire: { labels: { alertname: Slow } } }]
    expect: [{ at: 0s, kind: action_ok, cmd: autoheal flags set heuristics-only false }]
`;

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'autoheal-test-command-'));
  for (const [name, test_text] of [
    ['good', GOOD],
    ['bad', BAD],
    ['none', undefined],
    ['wrong', 'tests: [{ name: a, expects: [] }]\n'],
    ['policy', `policy: nowhere.yaml\n${GOOD}`],
  ] as const) {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, 'slow.yaml'), RULE);
    if (test_text !== undefined) writeFileSync(join(dir, name, 'slow.test.yaml'), test_text);
  }
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function run(...args: readonly string[]) {
  return autoheal('http://127.0.0.1:1', ['test', ...args]);
}

test('all pass: 0, and a line with the sum', async () => {
  const { code, stdout, stderr } = await run(join(dir, 'good'));
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toBe(
    `${join(dir, 'good', 'slow.test.yaml')}\n  ok    sets the flag\n\n1 passed, 0 failed\n`,
  );
});

test('one fails: 1, what differs, and the story to paste', async () => {
  const { code, stdout } = await run(join(dir, 'bad'));
  expect(code).toBe(1);
  expect(stdout).toContain(
    '- 0s       action_ok          "autoheal flags set heuristics-only false"\n',
  );
  expect(stdout).toMatch(/\+ 0s {7}action_ok {10}slow step 1 set_flag flag\/heuristics-only/);
  expect(stdout).toContain(
    '? ' +
      '         cmd: expected "autoheal flags set heuristics-only false", it is "autoheal flags set heuristics-only true"',
  );
  expect(stdout).toContain('- { at: 0s, kind: action_ok, action: set_flag,');
  expect(stdout.endsWith('\n1 passed, 1 failed\n')).toBe(true);
});

test('--run picks tests by their names; one that picks none is wrong usage', async () => {
  const one = await run(join(dir, 'bad'), '--run', 'flag$');
  expect([one.code, one.stdout.split('\n').at(-2)]).toEqual([0, '1 passed, 0 failed']);
  const none = await run(join(dir, 'bad'), '--run', 'nothing');
  expect([none.code, none.stderr]).toEqual([2, 'autoheal test: no test is named like "nothing"\n']);
  const broken = await run(join(dir, 'bad'), '--run', '(');
  expect(broken.code).toBe(2);
});

test('--json and --junit say the same to programs', async () => {
  const file = join(dir, 'junit.xml');
  const { code, stdout } = await run(join(dir, 'bad'), '--json', '--junit', file);
  expect(code).toBe(1);
  const report = JSON.parse(stdout) as {
    passed: number;
    failed: number;
    files: { tests: { name: string; passed: boolean }[] }[];
  };
  expect([report.passed, report.failed]).toEqual([1, 1]);
  expect(report.files[0]?.tests.map(({ passed }) => passed)).toEqual([true, false]);
  const xml = readFileSync(file, 'utf8');
  expect(xml).toContain('<testsuites name="autoheal" tests="2" failures="1" errors="0">');
  expect(xml).toContain('<failure message="expected (-) and told (+):">');
});

test('a mistake in a file has its place', async () => {
  const wrong = await run(join(dir, 'wrong'));
  expect(wrong.code).toBe(1);
  expect(wrong.stdout).toContain('slow.test.yaml:1:20: test 1: expects: there is no such key');
  expect(wrong.stdout).toContain('0 passed, 0 failed, 1 files are wrong');
  const policy = await run(join(dir, 'policy'));
  expect(policy.code).toBe(1);
  expect(policy.stdout).toContain(
    'slow.test.yaml:1:9: policy: nowhere.yaml cannot be read: it does not exist',
  );
});

test('no tests, no folder: 2', async () => {
  const none = await run(join(dir, 'none'));
  expect([none.code, none.stderr]).toEqual([
    2,
    `autoheal test: ${join(dir, 'none')} has no tests: write ${join(dir, 'none', '<rule>.test.yaml')}\n`,
  ]);
  expect((await run(join(dir, 'nowhere'))).code).toBe(2);
});

const ODD = {
  file: 'a & b.test.yaml',
  problems: '',
  tests: [
    {
      name: 'tabs "and" <tags>\u0007\ud800',
      passed: false,
      problems: ["it's\u0000 over\u001b[31m"],
      diff: [],
      story_yaml: '',
      seconds: 0.5,
    },
  ],
};

test('JUnit holds no character that XML does not have', () => {
  const xml = junitOf([ODD]);
  expect(xml).toContain('name="tabs &quot;and&quot; &lt;tags&gt;\uFFFD\uFFFD"');
  expect(xml).toContain('<failure message="it&apos;s? over?[31m">it&apos;s? over?[31m</failure>');
  // oxlint-disable-next-line no-control-regex
  expect(xml).not.toMatch(/[\u0000-\u0008\u000B\u000C\u000E-\u001F]/);
});

test('colours are for terminals only', () => {
  const on = colours({ isTTY: true });
  expect(textOf([ODD], on)).toContain('\u001b[31mFAIL\u001b[39m');
  const off = textOf([ODD], colours({ isTTY: false }));
  // oxlint-disable-next-line no-control-regex
  expect(off).not.toMatch(/\u001b/);
});
