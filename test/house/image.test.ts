import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ROOT, textOf } from './tree.ts';

/** What the image holds, see the Dockerfile. */
const COPIED = ['package.json', 'bin', 'src', 'actions', 'rules'];
const CACHE = 'node_modules/.cache/autoheal';

let app: string;

beforeEach(() => {
  app = mkdtempSync(join(tmpdir(), 'autoheal-image-'));
  for (const name of COPIED) cpSync(join(ROOT, name), join(app, name), { recursive: true });
  // Each package by itself, so that the folder beside them is this test's own.
  mkdirSync(join(app, CACHE), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (!name.startsWith('.'))
      symlinkSync(join(ROOT, 'node_modules', name), join(app, 'node_modules', name));
});
afterEach(() => rmSync(app, { recursive: true, force: true }));

test('the image has its code compiled, by the user who runs it', () => {
  const [, as_user = ''] = textOf('Dockerfile').split('\nUSER node\n');
  const step = /^RUN ((?:.*\\\n)*.*)$/m.exec(as_user)?.[1]?.replaceAll('\\\n', '') ?? '';
  const env = { PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter) };
  const ran = spawnSync('/bin/sh', ['-c', step], { cwd: app, env, encoding: 'utf8' });
  expect(ran).toMatchObject({ status: 0, stderr: '' });
  expect(ran.stdout).toContain('"stopped"');
  const [of_this_node = ''] = readdirSync(join(app, CACHE));
  // The service alone is some 250 files, its libraries are more.
  expect(readdirSync(join(app, CACHE, of_this_node)).length).toBeGreaterThan(500);
}, 60_000);
