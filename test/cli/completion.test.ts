import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AUDIT_KINDS } from '../../src/core/audit/audit.ts';
import { GUARD_WORDS } from '../../src/core/healing/guard-words.ts';
import { createProgram } from '../../src/cli/program.ts';
import { autoheal } from './command.ts';

const run = promisify(execFile);
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'autoheal-completion-'));
  for (const rules of ['rules', 'other']) mkdirSync(join(folder, rules));
  for (const file of ['rules/crm-down.yaml', 'rules/crm-down.test.yaml', 'rules/queue.yml'])
    writeFileSync(join(folder, file), '');
  writeFileSync(join(folder, 'other/only-here.yaml'), '');
  writeFileSync(join(folder, 'a body.json'), '');
  const { stdout } = await autoheal('', ['completion', 'bash']);
  writeFileSync(join(folder, 'completion.bash'), stdout);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash offers for the last word of a line. */
async function offered(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const script = `source completion.bash
complete -p autoheal >/dev/null || exit 9
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_autoheal
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await run(
    'bash',
    ['--norc', '-uc', script, 'bash', 'autoheal', ...words],
    { cwd: folder, env: { PATH: process.env['PATH'], ...env } },
  );
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
}

describe('bash', () => {
  test('every command, those of today and those of tomorrow', async () => {
    const names = createProgram('0').commands.map((command) => command.name());
    expect([...(await offered(['']))].toSorted()).toEqual([...names, 'help'].toSorted());
  });

  test.each<[readonly string[], readonly string[]]>([
    [['rem'], ['remediations']],
    [['remediations', ''], ['show']],
    [['remediations', '--url', 'http://x', 'sh'], ['show']],
    [['remediations', '--url', 'sh'], []],
    [['flags', 'se'], ['set']],
    [
      ['help', 'approv'],
      ['approvals', 'approve'],
    ],
    [['alerts', '--st'], ['--state']],
    [
      ['alerts', '--state', ''],
      ['open', 'closed'],
    ],
    [['alerts', '--state', 'open', '--alertn'], ['--alertname']],
    [['alerts', '--state', '=', 'o'], ['open']],
    [
      ['alerts', '--state', '='],
      ['open', 'closed'],
    ],
    [
      ['schema', ''],
      ['rule', 'policy', 'test'],
    ],
    [['completion', 'f'], ['fish']],
    [['audit', '--action', 'set_'], ['set_flag']],
    [['pause', '--reason', ''], []],
    [
      ['hold', '--rule', ''],
      ['crm-down', 'queue'],
    ],
    [
      ['run', ''],
      ['crm-down', 'queue'],
    ],
    [['send', '--rules', 'other', '--rule', ''], ['only-here']],
    [['send', 'a'], ['a body.json']],
    [['check', 'rules', 'oth'], ['other']],
    [['init', 'ot'], ['other']],
  ])('%j', async (words, wanted) => {
    expect(await offered(words)).toEqual(wanted);
  });

  test('kinds and guard words are those of the code', async () => {
    expect(await offered(['audit', '--kind', ''])).toEqual(AUDIT_KINDS);
    expect(await offered(['audit', '--reason', ''])).toEqual(GUARD_WORDS);
  });

  test('AUTOHEAL_RULES says where the rules are; a folder that is not there offers nothing', async () => {
    expect(await offered(['run', ''], { AUTOHEAL_RULES: 'other' })).toEqual(['only-here']);
    expect(await offered(['run', ''], { AUTOHEAL_RULES: 'nowhere' })).toEqual([]);
  });
});

test('zsh and fish have the same words', async () => {
  for (const shell of ['zsh', 'fish']) {
    const { code, stdout } = await autoheal('', ['completion', shell]);
    expect(code).toBe(0);
    for (const word of ['remediations', 'set_flag', 'decision_wait', 'blast_radius'])
      expect(stdout, shell).toContain(word);
  }
});

test('a shell that is not known: which are', async () => {
  const { code, stderr } = await autoheal('', ['completion', 'tcsh']);
  expect(code).toBe(2);
  expect(stderr).toContain('Allowed choices are bash, zsh, fish.');
});
