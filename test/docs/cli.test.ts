import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { registerApi } from '../../src/cli/api.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8');

/** The commands that the page has an example of: `npx autoheal NAME ...` on a line of its own. */
const EXAMPLES = PAGE.split('\n').filter((line) => line.startsWith('npx autoheal '));

function apiCommands(): readonly Command[] {
  const program = new Command('autoheal');
  registerApi(program);
  return program.commands.flatMap((command) => [command, ...command.commands]);
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

test('docs/cli.md has an example of every command that is registered', () => {
  const bin = join(ROOT, 'bin/autoheal.js');
  const help = execFileSync(process.execPath, [bin, '--help'], { encoding: 'utf8' });
  const listed = help.slice(help.indexOf('Commands:')).matchAll(/^ {2}([a-z]+)/gm);
  const names = [...listed].map(([, name = '']) => name).filter((name) => name !== 'help');
  expect(names.length).toBeGreaterThan(20);
  const shown = new Set(EXAMPLES.map((line) => line.split(' ')[2]));
  expect(names.filter((name) => !shown.has(name))).toEqual([]);
});

test('each command of the API teaches with one example, which is on the page and has its options', () => {
  const commands = apiCommands();
  expect(commands.length).toBeGreaterThan(15);
  for (const command of commands) {
    const [, example = ''] = /^Example:\n {2}(.+)$/m.exec(helpOf(command)) ?? [];
    expect(EXAMPLES, command.name()).toContain(example);
    const known = command.options.map(({ long }) => long);
    const used = [...example.matchAll(/ (--[a-z]+)/g)].map(([, option = '']) => option);
    expect(used.filter((option) => !known.includes(option))).toEqual([]);
    const wanted = command.options.filter(({ mandatory }) => mandatory).map(({ long }) => long);
    expect(used).toEqual(expect.arrayContaining(wanted));
  }
});
