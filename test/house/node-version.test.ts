import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSandbox, ROOT, textOf, type Sandbox } from './tree.ts';

/** The Node of the machine, outside what `npm ci` brought. */
const SYSTEM_NODE = (process.env['PATH'] ?? '')
  .split(':')
  .filter((folder) => !folder.includes('node_modules'))
  .map((folder) => join(folder, 'node'))
  .find((path) => existsSync(path));
const SYSTEM_VERSION = SYSTEM_NODE === undefined ? '' : versionOf(SYSTEM_NODE);

describe('a Node that cannot run autoheal', () => {
  let sandbox: Sandbox;
  beforeAll(() => {
    sandbox = makeSandbox();
    sandbox.write('src/cli.ts', "console.log('started');\n");
    sandbox.write('scripts/test.js', textOf('scripts/test.js'));
    sandbox.write('scripts/test.ts', "console.log('started');\n");
  });
  afterAll(() => sandbox.remove());

  describe.each(['bin/autoheal.js', 'scripts/test.js'])('starting %s', (entry) => {
    test.each(['v12.22.0', 'v20.20.2', 'v22.18.9'])('as %s gets two plain lines', (version) => {
      expectRefusal(runAs(version, entry), version);
    });

    test.each(['v22.19.0', 'v24.0.0', 'v26.1.0'])('as %s is let in', (version) => {
      expect(runAs(version, entry)).toMatchObject({ status: 0, stdout: 'started\n' });
    });
  });

  test.skipIf(!/^v(1\d|20)\./.test(SYSTEM_VERSION))("is refused as the machine's own too", () => {
    const ran = spawnSync(SYSTEM_NODE ?? '', [join(ROOT, 'bin/autoheal.js'), '--version'], {
      encoding: 'utf8',
    });
    expectRefusal(ran, SYSTEM_VERSION);
  });

  test.each(['bin/autoheal.js', 'bin/node-version.js', 'scripts/test.js'])(
    'can read %s: nothing newer than Node 12 in it',
    (path) => {
      expect(textOf(path)).not.toMatch(/\?\.|\?\?|\|\|=|'node:|^\s*await |#\w+\(/m);
    },
  );

  function runAs(version: string, entry: string) {
    sandbox.write(
      'pretend.cjs',
      `Object.defineProperty(process, 'version', { value: '${version}' });\n`,
    );
    return spawnSync(
      process.execPath,
      ['--require', join(sandbox.folder, 'pretend.cjs'), join(sandbox.folder, entry)],
      { encoding: 'utf8' },
    );
  }
});

function expectRefusal(
  ran: { status: number | null; stdout: string; stderr: string },
  version: string,
) {
  expect(ran.status).toBe(1);
  expect(ran.stdout).toBe('');
  expect(ran.stderr.trimEnd().split('\n')).toEqual([
    `autoheal needs Node 22.19 or newer, and this is Node ${version}.`,
    expect.stringContaining('npm ci'),
  ]);
}

function versionOf(node: string): string {
  return spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
}
