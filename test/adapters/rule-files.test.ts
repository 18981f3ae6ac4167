import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRuleFiles, FILE_BYTES_MAX } from '../../src/adapters/rule-files.ts';

let dir = '';
function rules(): string {
  return join(dir, 'rules');
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'autoheal-files-'));
  await mkdir(rules());
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function read(policy_file?: string) {
  return await createRuleFiles({ rules_dir: rules(), policy_file }).read();
}

test('reads rules in the order of their names, and leaves out what is none', async () => {
  const names = ['b.yaml', 'a-1.yaml', 'a.yaml', 'Z.yaml', 'c.yml'];
  for (const name of [...names, 'a.test.yaml', 'README.md', '.hidden.yaml', 'a.yaml~'])
    await writeFile(join(rules(), name), `# ${name}\n`);
  const found = await read();
  expect(found.rules.map(({ file }) => file)).toEqual([
    'rules/Z.yaml',
    'rules/a-1.yaml',
    'rules/a.yaml',
    'rules/b.yaml',
    'rules/c.yml',
  ]);
  expect(found).toMatchObject({ policy: null, problems: [] });
  const text = '# a.yaml\n';
  const hash = createHash('sha256').update(text).digest('hex');
  expect(found.rules[2]).toEqual({ file: 'rules/a.yaml', text, hash });
});

test('an empty folder has no rules', async () => {
  expect(await read()).toEqual({ rules: [], policy: null, problems: [] });
});

test('a folder that is missing, or a file, is a plain message', async () => {
  const missing = createRuleFiles({ rules_dir: join(dir, 'none'), policy_file: undefined });
  await expect(missing.read()).rejects.toThrow(
    /rules folder .*none cannot be read: it does not exist/,
  );
  await writeFile(join(dir, 'file'), '');
  const file = createRuleFiles({ rules_dir: join(dir, 'file'), policy_file: undefined });
  await expect(file.read()).rejects.toThrow(/it is not a folder/);
});

test('what is not UTF-8, too large or a folder is a problem of that file', async () => {
  await writeFile(join(rules(), 'a.yaml'), Buffer.from([0x6e, 0xff, 0xfe]));
  await writeFile(join(rules(), 'b.yaml'), Buffer.alloc(FILE_BYTES_MAX + 1, 'x'));
  await mkdir(join(rules(), 'c.yaml'));
  await writeFile(join(rules(), 'd.yaml'), 'name: d\n');
  const { rules: good, problems } = await read();
  expect(good.map(({ file }) => file)).toEqual(['rules/d.yaml']);
  expect(problems.map(({ file, message }) => `${file}: ${message}`)).toEqual([
    'rules/a.yaml: is not UTF-8 text',
    `rules/b.yaml: is larger than ${FILE_BYTES_MAX} bytes`,
    'rules/c.yaml: cannot be read: it is a folder',
  ]);
});

test('a byte order mark is no part of the text', async () => {
  await writeFile(join(rules(), 'a.yaml'), '\ufeffname: a\n');
  expect((await read()).rules[0]?.text).toBe('name: a\n');
});

test('the policy is read where it is named, and must be there', async () => {
  const path = join(dir, 'autoheal.yaml');
  expect(await read(path)).toMatchObject({
    policy: null,
    problems: [{ file: path, message: 'cannot be read: it does not exist' }],
  });
  await writeFile(path, 'flags: {}\n');
  expect(await read(path)).toMatchObject({ policy: { file: path, text: 'flags: {}\n' } });
});
