import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8');
const PROGRAM = createProgram('0.0.0');
const COMMANDS = below(PROGRAM);
const BY_NAME = new Map(COMMANDS.map((command) => [nameOf(command), command]));

function below(parent: Command): readonly Command[] {
  return parent.commands.flatMap((command) => [command, ...below(command)]);
}

/** As it is typed, without `autoheal`. */
function nameOf(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${nameOf(parent)} ${command.name()}` : command.name();
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

/** Others stand below it, and it does nothing by itself. */
function isFolder(command: Command): boolean {
  const { _actionHandler: action } = command as unknown as { readonly _actionHandler: unknown };
  return command.commands.length > 0 && (action === null || action === undefined);
}

/** The command that an example runs: the longest name that it begins with. */
function runBy(example: string): Command | undefined {
  const [, typed = ''] = /npx autoheal ([^)|>]+)/.exec(example) ?? [];
  const [first = '', second = ''] = typed.trim().split(' ');
  return BY_NAME.get(`${first} ${second}`) ?? BY_NAME.get(first);
}

const LEAVES = COMMANDS.filter((command) => !isFolder(command)).map(
  (command) => [nameOf(command), command] as const,
);

test('the tree has all commands that this test is about', () => {
  expect(LEAVES.length).toBeGreaterThan(30);
  expect([...BY_NAME.keys()]).toEqual(
    expect.arrayContaining(['send', 'init', 'flags set', 'silence add', 'silences', 'serve']),
  );
});

test.each(LEAVES)('%s teaches: what it does, an example that it takes, how it ends', (name, it) => {
  const help = helpOf(it);
  expect(it.description()).toMatch(/^[A-Z].*[.?]$/s);
  expect(help).toMatch(/\nEnds with 0: .*2: /);
  const [, example = ''] = /^Example:\n {2}(.+)$/m.exec(help) ?? [];
  const run = runBy(example);
  expect(run && nameOf(run), example).toBe(name);
  const known = it.options.map(({ long }) => long);
  const used = [...example.matchAll(/ (--[a-z]+)/g)].map(([, option = '']) => option);
  expect(used.filter((option) => !known.includes(option))).toEqual([]);
  const wanted = it.options.filter(({ mandatory }) => mandatory).map(({ long }) => long);
  expect(used).toEqual(expect.arrayContaining(wanted));
});

test.each(LEAVES)('docs/cli.md has an example of %s', (name) => {
  const shown = PAGE.split('\n').filter((line) => line.includes('npx autoheal '));
  const runs = new Set(shown.map((line) => runBy(line)).map((it) => it && nameOf(it)));
  expect([...runs]).toContain(name);
});

test('the examples of docs/cli.md have only options that there are', () => {
  const shown = PAGE.split('\n').filter((line) => line.startsWith('npx autoheal '));
  expect(shown.length).toBeGreaterThan(30);
  for (const line of shown) {
    const known = runBy(line)?.options.map(({ long }) => long) ?? [];
    const used = [...line.matchAll(/ (--[a-z]+)/g)].map(([, option = '']) => option);
    expect(used.filter((option) => option !== '--help' && !known.includes(option))).toEqual([]);
  }
});

/** What they print is not for programs to read, or is so anyway. */
const WITHOUT_JSON: Readonly<Record<string, string>> = {
  serve: 'its log is JSON',
  completion: 'a script for a shell',
  'slo generate': 'names the files that it wrote',
};

test('every command has --json, but those that have a reason', () => {
  const without = LEAVES.filter(([, it]) => !it.options.some(({ long }) => long === '--json'));
  expect(without.map(([name]) => name).toSorted()).toEqual(Object.keys(WITHOUT_JSON).toSorted());
});

test('--help has every command in a group, in the order of the work', () => {
  const help = helpOf(PROGRAM);
  const headings = [...help.matchAll(/^(\S.*):$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual([
    'Options',
    'Write rules',
    'Look',
    'Answer',
    'Hands off',
    'The service',
  ]);
});
