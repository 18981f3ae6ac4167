import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import runCommand from '../../actions/run-command.ts';
import type { ActionContext } from '../../src/action.ts';
import { type CommandsAdapter, createCommands } from '../../src/adapters/commands.ts';
import { createAllowed } from '../../src/core/rules/allow.ts';
import { isAlive } from '../real/ready.ts';
import { until } from '../real/until.ts';
import { contextOf, type ContextParts, failureOf, one } from './context.ts';

let folder: string;
let commands: CommandsAdapter;
let allowed: string[][];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'autoheal-run-'));
  commands = createCommands();
});
afterEach(async () => {
  await commands.close();
  rmSync(folder, { recursive: true, force: true });
});

function script(text: string): string {
  const path = join(folder, 'repair');
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  allowed = [[path], [path, '*'], [path, '--force']];
  return path;
}
function ctx(parts: ContextParts = {}): ActionContext {
  const list = createAllowed(() => ({ commands: allowed, hosts: [] }));
  return contextOf({ ...parts, clients: { commands, allowed: list } });
}
function given(more: object) {
  return runCommand.params.parse(more);
}

test('plans, previews and runs; only the run is seen outside', async () => {
  const path = script(
    `touch "$OUT"; echo "$1|$AUTOHEAL_IDEMPOTENCY_KEY|$AUTOHEAL_ALERTNAME|$AUTOHEAL_REMEDIATION"; pwd`,
  );
  const out = join(folder, 'out');
  const params = given({ argv: [path, "it's $HOME"], env: { OUT: out }, cwd: folder });
  const target = one(await runCommand.resolve(params, ctx()));
  expect(target).toMatchObject({
    parents: [],
    name: 'repair',
    opted_in: true,
    desired: null,
    cmd: `${path} 'it'\\''s $HOME'`,
  });
  expect(target.id).toMatch(new RegExp(`^command${path}/[0-9a-f]{12}$`));
  expect(await runCommand.preview(params, target, ctx())).toBe(`run ${target.cmd} in ${folder}`);
  expect(existsSync(out)).toBe(false);
  expect(await runCommand.execute(params, target, ctx())).toMatchObject({
    rc: 0,
    signal: null,
    stdout: `it's $HOME|remediation-1/0/target|TestAlert|remediation-1\n${folder}\n`,
    stderr: '',
    truncated: false,
    duration_ms: expect.any(Number),
  });
  expect(existsSync(out)).toBe(true);
  expect(await runCommand.probe?.(params, target, ctx())).toBe('unknown');
});

test('two argvs that look alike on one line are two targets', async () => {
  const path = script('exit 0');
  allowed = [
    [path, 'a b'],
    [path, 'a', 'b'],
  ];
  const [first, second] = await Promise.all(
    allowed.map(async (argv) => one(await runCommand.resolve(given({ argv }), ctx())).id),
  );
  expect(first).not.toBe(second);
});

describe('what the policy does not allow', () => {
  test('is refused in the plan', async () => {
    script('exit 0');
    const failure = await failureOf(runCommand.resolve(given({ argv: ['/bin/true', 'x'] }), ctx()));
    expect(failure).toMatchObject({ code: 'forbidden', retryable: false });
    expect(failure.message).toContain('add it under commands');
  });

  test('is refused again before the run, when the policy has changed since', async () => {
    const path = script(`touch ${folder}/out`);
    const params = given({ argv: [path] });
    const target = one(await runCommand.resolve(params, ctx()));
    allowed = [];
    expect((await failureOf(runCommand.execute(params, target, ctx()))).code).toBe('forbidden');
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });

  test("a label's value is never an option, not even one that is allowed", async () => {
    const path = script('exit 0');
    const params = given({ argv: [path, '--force'] });
    expect(one(await runCommand.resolve(params, ctx())).name).toBe('repair');
    const labels = { mode: '--force' };
    expect(await failureOf(runCommand.resolve(params, ctx({ labels })))).toMatchObject({
      code: 'invalid_params',
      retryable: false,
    });
    const other = given({ argv: [path, '--other'] });
    expect((await failureOf(runCommand.resolve(other, ctx()))).code).toBe('forbidden');
  });
});

describe('a program that fails', () => {
  test('says its code and its last words', async () => {
    const path = script('echo out; echo "no such queue" >&2; exit 3');
    const params = given({ argv: [path] });
    const target = one(await runCommand.resolve(params, ctx()));
    const failure = await failureOf(runCommand.execute(params, target, ctx()));
    expect(failure).toMatchObject({ code: 'rejected', retryable: false });
    expect(failure.message).toBe('repair ended with code 3: no such queue');
    const fine = given({ argv: [path], success: [0, 3] });
    expect(await runCommand.execute(fine, target, ctx())).toMatchObject({ rc: 3 });
  });

  test('to end in time is stopped, with all that it started', async () => {
    const path = script(`sh -c 'echo $$ >"$OUT"; exec sleep 60' & wait`);
    const out = join(folder, 'out');
    const params = given({ argv: [path], env: { OUT: out } });
    const target = one(await runCommand.resolve(params, ctx()));
    const abort = new AbortController();
    const run = failureOf(runCommand.execute(params, target, ctx({ signal: abort.signal })));
    const child = await until(
      'the child runs',
      () => existsSync(out) && Number(readFileSync(out, 'utf8')),
      { timeout_ms: 10_000 },
    );
    abort.abort();
    expect((await run).code).toBe('timeout');
    await until('the child has gone', () => !isAlive(child), { timeout_ms: 10_000 });
  });
});

test.each([
  ['an empty argv', { argv: [] }],
  ['a line break', { argv: ['/bin/a', 'b\nc'] }],
  ['a NUL', { argv: ['/bin/a\0'] }],
  ['a number', { argv: ['/bin/a', 1] }],
  ['LD_PRELOAD', { argv: ['/bin/a'], env: { LD_PRELOAD: '/x' } }],
  ['PATH', { argv: ['/bin/a'], env: { PATH: '/x' } }],
  ['a variable of ours', { argv: ['/bin/a'], env: { AUTOHEAL_ALERTNAME: 'x' } }],
  ['a strange variable', { argv: ['/bin/a'], env: { 'A=B': 'x' } }],
  ['a relative cwd', { argv: ['/bin/a'], cwd: 'x' }],
  ['a cwd that climbs', { argv: ['/bin/a'], cwd: '/x/../etc' }],
  ['an impossible exit code', { argv: ['/bin/a'], success: [256] }],
])('%s is refused', (_name, params) => {
  expect(runCommand.params.safeParse(params).success).toBe(false);
});

test('what is stored of the parameters is accepted again', () => {
  const stored = given({ argv: ['/bin/a'], env: { A: 'b' }, cwd: '/x' });
  expect(runCommand.params.parse(stored)).toEqual(stored);
});
