import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandOptions } from '../../src/action.ts';
import { type CommandsAdapter, createCommands } from '../../src/adapters/commands.ts';
import { failureOf } from '../actions/context.ts';
import { isAlive } from '../real/ready.ts';
import { until } from '../real/until.ts';

let folder: string;
let commands: CommandsAdapter;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'autoheal-commands-'));
  commands = createCommands();
});
afterEach(async () => {
  await commands.close();
  rmSync(folder, { recursive: true, force: true });
});

const WAIT = { timeout_ms: 10_000 };

function options(more: Partial<CommandOptions> = {}): CommandOptions {
  return { signal: AbortSignal.timeout(10_000), env: {}, ...more };
}

function script(text: string, mode = 0o755): string {
  const path = join(folder, 'script');
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode });
  return path;
}

/** A script that starts a child which ignores SIGTERM, says both pids, and waits. */
function stubborn(): { readonly path: string; readonly pids: () => Promise<readonly number[]> } {
  const path =
    script(`(trap '' TERM; echo $$ >"$OUT/main"; sh -c 'trap "" TERM; echo $$ >"$OUT/child"; \
while :; do sleep 0.1; done') & trap '' TERM; wait; while :; do sleep 0.1; done`);
  const files = ['main', 'child'].map((name) => join(folder, name));
  return {
    path,
    pids: () =>
      until(
        'both run',
        () => {
          const pids = files.map((file) => Number(existsSync(file) && readFileSync(file, 'utf8')));
          return pids.every((pid) => pid > 0) && pids;
        },
        WAIT,
      ),
  };
}

async function allGone(pids: readonly number[]): Promise<void> {
  await until('nobody is left', () => pids.every((pid) => !runs(pid)), WAIT);
}

/** A zombie that nobody has reaped yet no longer runs. */
function runs(pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a program', () => {
  test('gets its arguments as they are, no shell, nothing to read, and a small environment', async () => {
    const path = script('printf "%s|" "$@"; cat; pwd; env | sort');
    process.env['AUTOHEAL_TEST_SECRET'] = 'secret';
    const argv = [path, 'a b', '$(id)', '; rm -rf x', ''];
    const found = await commands.run(argv, options({ env: { MORE: 'x y' }, cwd: folder }));
    delete process.env['AUTOHEAL_TEST_SECRET'];
    const [given = '', ...env] = found.stdout.trimEnd().split('\n');
    expect(given).toBe(`a b|$(id)|; rm -rf x||${folder}`);
    expect(env.map((line) => line.split('=')[0])).toEqual(['LANG', 'MORE', 'PATH', 'PWD']);
    expect(found).toMatchObject({ rc: 0, signal: null, stderr: '', truncated: false });
  });

  test('leads its own process group', async () => {
    const found = await commands.run([script('ps -o pgid= -p $$; echo $$')], options());
    const [group, pid] = found.stdout.trim().split(/\s+/);
    expect(group).toBe(pid);
  });

  test('ends with its exit code and both streams', async () => {
    const found = await commands.run([script('echo out; echo err >&2; exit 7')], options());
    expect(found).toEqual({
      rc: 7,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
      truncated: false,
    });
  });

  test('that a signal ended says which', async () => {
    const found = await commands.run([script('kill -KILL $$')], options());
    expect(found).toMatchObject({ rc: null, signal: 'SIGKILL' });
  });

  test('that says very much is heard at its beginning and its end', async () => {
    const path = script('echo first; yes 0123456789 | head -c 1000000; echo last');
    const { stdout, truncated } = await commands.run([path], options());
    expect(truncated).toBe(true);
    expect(stdout.length).toBeLessThan(8 * 1024 + 100);
    expect(stdout).toMatch(/^first\n0123/);
    expect(stdout).toMatch(/last\n$/);
    expect(stdout).toContain(`[${1_000_000 + 11 - 8 * 1024} bytes left out]`);
  });

  test('that leaves somebody in the background does not hold us', async () => {
    const found = await commands.run([script('sleep 60 & echo $!')], options());
    expect(found.rc).toBe(0);
    process.kill(Number(found.stdout), 'SIGKILL');
  });

  test.each([
    ['that is not there', () => '/nowhere/program', 'not_found'],
    ['without the right to run', () => script('exit 0', 0o644), 'forbidden'],
    ['with a NUL', () => '/bin/tr\0ue', 'invalid_params'],
  ])('%s is %s', async (_name, program, code) => {
    const failure = await failureOf(commands.run([program()], options()));
    expect(failure).toMatchObject({ code, retryable: false });
  });
});

describe('an abort', () => {
  test('ends the program and its children, those too that ignore SIGTERM', async () => {
    const abort = new AbortController();
    const { path, pids } = stubborn();
    const run = failureOf(
      commands.run([path], options({ signal: abort.signal, env: { OUT: folder } })),
    );
    const running = await pids();
    expect(running.map(runs)).toEqual([true, true]);
    abort.abort();
    expect(await run).toMatchObject({ code: 'timeout', retryable: false });
    expect(running.map(runs)).toEqual([false, false]);
  });

  test('of a program that goes at once still waits for the child that does not', async () => {
    const abort = new AbortController();
    const path = script(
      `sh -c 'trap "" TERM; echo $$ >"$OUT/child"; while :; do sleep 0.1; done' & wait`,
    );
    const run = failureOf(
      commands.run([path], options({ signal: abort.signal, env: { OUT: folder } })),
    );
    const file = join(folder, 'child');
    const child = await until(
      'the child runs',
      () => existsSync(file) && Number(readFileSync(file, 'utf8')),
      WAIT,
    );
    abort.abort();
    await run;
    expect(runs(child)).toBe(false);
  });

  test('before the start starts nothing', async () => {
    const run = commands.run(
      [script(`touch ${folder}/begun`)],
      options({ signal: AbortSignal.abort() }),
    );
    expect(await failureOf(run)).toMatchObject({ code: 'timeout' });
    expect(existsSync(join(folder, 'begun'))).toBe(false);
  });
});

describe('the helper', () => {
  test('that dies fails its runs, takes their programs along, and is started again', async () => {
    const { path, pids } = stubborn();
    const run = failureOf(commands.run([path], options({ env: { OUT: folder } })));
    const running = await pids();
    // A program can be faster than the helper's word of it. Words come in order: after these, that one has come.
    expect((await commands.run(['/bin/true'], options())).rc).toBe(0);
    const helper = commands.helperPid() ?? 0;
    process.kill(helper, 'SIGKILL');
    expect(await run).toMatchObject({ code: 'unavailable', retryable: false });
    await allGone(running);
    expect((await commands.run(['/bin/true'], options())).rc).toBe(0);
    expect(commands.helperPid()).not.toBe(helper);
  });

  test('runs many at once, each with its own end', async () => {
    const path = script('sleep 0.0$1; exit $1');
    const found = await Promise.all(
      [5, 3, 1, 4, 2].map((rc) => commands.run([path, String(rc)], options())),
    );
    expect(found.map(({ rc }) => rc)).toEqual([5, 3, 1, 4, 2]);
  });

  test('does not outlive a service that was killed, and neither do its programs', async () => {
    const { path, pids } = stubborn();
    const module = new URL('../../src/adapters/commands.ts', import.meta.url).href;
    const code = `const { createCommands } = await import('${module}');
      const signal = new AbortController().signal;
      await createCommands().run(['${path}'], { signal, env: { OUT: '${folder}' } });`;
    const service = spawn(process.execPath, ['--input-type=module', '-e', code]);
    const running = await pids();
    service.kill('SIGKILL');
    await allGone(running);
  });

  test('goes with the service, and so do its programs', async () => {
    const { path, pids } = stubborn();
    const run = failureOf(commands.run([path], options({ env: { OUT: folder } })));
    const running = await pids();
    const helper = commands.helperPid() ?? 0;
    await commands.close();
    expect(await run).toMatchObject({ code: 'unavailable' });
    await allGone([...running, helper]);
  });
});
