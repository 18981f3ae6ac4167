import { expect, test } from 'vitest';
import { autoheal } from './command.ts';

const NOBODY = 'http://127.0.0.1:1';

test('alone it shows its commands in groups, and ends as wrong usage does', async () => {
  const { code, stdout, stderr } = await autoheal(NOBODY, []);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  for (const heading of ['Write rules:', 'Look:', 'Answer:', 'Hands off:', 'The service:'])
    expect(stderr).toContain(`\n${heading}\n`);
});

test.each([
  [['chekc'], "error: unknown command 'chekc'\n(Did you mean check?)\n"],
  [['alerts', '--stat', 'open'], "error: unknown option '--stat'\n(Did you mean --state?)\n"],
  [['silence', 'ad'], '(Did you mean add?)\n'],
])('what is mistyped is answered with what is near: %j', async (args, said) => {
  const { code, stderr } = await autoheal(NOBODY, args);
  expect(code).toBe(2);
  expect(stderr).toContain(said);
  // The sentence, not a page of help under which it is lost.
  expect(stderr.split('\n').length).toBeLessThan(6);
});

test('--help of a command and `help` with its name say the same', async () => {
  const [one, other] = await Promise.all([
    autoheal(NOBODY, ['silence', 'add', '--help']),
    autoheal(NOBODY, ['silence', 'help', 'add']),
  ]);
  expect(one).toMatchObject({ code: 0 });
  expect(other.stdout).toBe(one.stdout);
});

test.each([['config'], ['schema', 'rule']])(
  '--json is taken by what prints JSON anyway: %s',
  async (...args) => {
    const plain = await autoheal(NOBODY, args);
    const json = await autoheal(NOBODY, [...args, '--json']);
    expect(JSON.parse(json.stdout)).toEqual(JSON.parse(plain.stdout));
    expect(json.code).toBe(0);
  },
);
