import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeSandbox, ROOT, textOf, type Sandbox } from './tree.ts';

const { version } = JSON.parse(textOf('package.json')) as { version: string };

describe('the command', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = makeSandbox();
  });
  afterEach(() => sandbox.remove());

  test('runs from the published build, without the sources', () => {
    for (const folder of ['src', 'actions', 'rules']) {
      cpSync(join(ROOT, folder), join(sandbox.folder, folder), { recursive: true });
    }
    const built = run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');
    expect(built.stdout).toBe('');
    for (const folder of ['src', 'actions'])
      rmSync(join(sandbox.folder, folder), { recursive: true });
    expect(existsSync(join(sandbox.folder, 'dist/test'))).toBe(false);
    expect(run('bin/autoheal.js', '--version')).toMatchObject({
      status: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  }, 60_000);

  test('`npx autoheal` needs no network and runs on the Node of node_modules', () => {
    sandbox.write('src/cli.ts', 'console.log(process.version, ...process.argv.slice(2));\n');
    const ran = spawnSync('npx', ['autoheal', 'check', 'rules'], {
      cwd: sandbox.folder,
      encoding: 'utf8',
      env: {
        ...process.env,
        npm_config_cache: join(sandbox.folder, 'cache'),
        npm_config_offline: 'true',
        // npm passes the outer project on to what it runs; here the sandbox is the project.
        npm_config_local_prefix: sandbox.folder,
      },
    });
    expect(ran.stdout).toBe(`${process.version} check rules\n`);
  }, 60_000);

  function run(...args: readonly string[]) {
    return spawnSync(process.execPath, [...args], { cwd: sandbox.folder, encoding: 'utf8' });
  }
});
