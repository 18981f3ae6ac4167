import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadActions } from '../../src/engine/registry.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'autoheal-actions-'));
});
afterEach(() => rm(dir, { recursive: true }));

const CONTRACT = pathToFileURL(resolve('src/action.ts')).href;
const ZOD = import.meta.resolve('zod');

/** An action's file; `change` replaces or adds members. */
function source(id: string, change = ''): string {
  return `import { defineAction } from '${CONTRACT}';
import { z } from '${ZOD}';
export default defineAction({
  id: '${id}', summary: 'Does a thing.', backend: 'test', params: z.strictObject({}),
  safe_to_repeat: true, leasable: false,
  async resolve() { return []; }, async preview() { return ''; }, async execute() { return {}; },
  ${change}
});`;
}

test('a file is the whole registration: kebab-case name, snake_case id', async () => {
  await writeFile(join(dir, 'do-this.ts'), source('do_this'));
  await writeFile(join(dir, 'and-that.js'), source('and_that'));
  await writeFile(join(dir, 'notes.md'), '# not code');
  await writeFile(join(dir, 'do-this.d.ts'), 'export {};');
  await mkdir(join(dir, 'folder.ts'));
  const actions = await loadActions(dir);
  expect([...actions.keys()]).toEqual(['and_that', 'do_this']);
  expect((await loadActions(dir)).get('do_this')).toBe(actions.get('do_this'));
});

test.each([
  ['wrong-id.ts', source('other'), 'its id is other; it must be wrong_id'],
  ['Camel.ts', source('Camel'), 'kebab-case'],
  ['no-default.ts', 'export const x = 1;', "write: export default defineAction({ id: 'no_default'"],
  ['look-alike.ts', `export default { id: 'look_alike', execute() {} };`, 'it has no action'],
  ['throws.ts', `throw new Error('at load');`, 'cannot be loaded (at load)'],
  ['no-probe.ts', source('no_probe', 'safe_to_repeat: false'), 'it needs probe'],
  ['no-revert.ts', source('no_revert', 'leasable: true'), 'it needs revert'],
  ['loose.ts', source('loose', 'params: z.object({})'), 'z.strictObject'],
  ['scalar.ts', source('scalar', 'params: z.string()'), 'z.strictObject'],
  ['mute.ts', source('mute', `summary: ' '`), 'summary is empty'],
])('%s stops the start', async (name, text, why) => {
  await writeFile(join(dir, name), text);
  const error: unknown = await loadActions(dir).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'RegistryError' });
  expect((error as Error).message).toContain(join(dir, name));
  expect((error as Error).message).toContain(why);
});

test('two files of one action stop the start', async () => {
  await writeFile(join(dir, 'twice.ts'), source('twice'));
  await writeFile(join(dir, 'twice.js'), source('twice'));
  await expect(loadActions(dir)).rejects.toThrow('there is an action twice already');
});

test('a folder that is not there is named', async () => {
  await expect(loadActions(join(dir, 'nope'))).rejects.toThrow(`${join(dir, 'nope')}: the folder`);
});
