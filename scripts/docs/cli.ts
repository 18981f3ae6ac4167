import type { Argument, Command, Option } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { code, type Page, prose, table } from './markdown.ts';

/** An option that as many commands have, in the same words, is told of once. */
const SHARED_BY_MIN = 5;

/** Every command of the program, from its own tree. */
export function cliPage(): Page {
  const program = withoutSettings(() => createProgram('0.0.0'));
  const commands = commandsOf(program);
  const options = commands.flatMap(optionsOf).map(optionRow);
  const counted = Map.groupBy(options, (row) => row.join('\n'));
  const shared = new Map(
    [...counted].flatMap(([key, [row]]) =>
      row !== undefined && (counted.get(key)?.length ?? 0) >= SHARED_BY_MIN ? [[key, row]] : [],
    ),
  );
  return {
    name: 'cli',
    title: 'Reference: commands',
    about: 'every command with its arguments, options, defaults, example and exit codes',
    body: [
      '`npx autoheal COMMAND --help` says the same. [The command line](../cli.md) says which command is for what.',
      '',
      ...table(
        ['for', 'command', 'what it does'],
        commands.map((command) => [
          groupOf(command),
          `[${code(nameOf(command))}](#${nameOf(command).replaceAll(' ', '-')})`,
          prose(command.description()),
        ]),
      ),
      '## Options of many commands',
      '',
      'Where a command says "as many others", they mean this.',
      '',
      ...table(['option', 'default', 'meaning'], [...shared.values()]),
      ...commands.flatMap((command) => sectionOf(command, shared)),
    ],
  };
}

/** The environment is not the reader's: a default that comes from it would be this machine's. */
function withoutSettings<T>(make: () => T): T {
  const kept = Object.entries(process.env).filter(([name]) => name.startsWith('AUTOHEAL_'));
  for (const [name] of kept) delete process.env[name];
  try {
    return make();
  } finally {
    for (const [name, value] of kept) process.env[name] = value;
  }
}

/** Those that --help shows, each with its own below it. */
export function commandsOf(parent: Command): readonly Command[] {
  return parent
    .createHelp()
    .visibleCommands(parent)
    .filter((command) => command.name() !== 'help')
    .flatMap((command) => [command, ...commandsOf(command)]);
}

function optionsOf(command: Command): readonly Option[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help');
}

/** As it is typed, without `autoheal`: `flags set`. */
export function nameOf(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${nameOf(parent)} ${command.name()}` : command.name();
}

/** The heading that it stands under in --help; a command below another has that one's. */
function groupOf(command: Command): string {
  const { parent } = command;
  const top = parent?.parent ? groupOf(parent) : command.helpGroup();
  return top.replace(/:$/, '');
}

function sectionOf(
  command: Command,
  shared: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const rows = optionsOf(command).map(optionRow);
  const own = rows.filter((row) => !shared.has(row.join('\n')));
  const others = rows.filter((row) => shared.has(row.join('\n'))).map(([flags = '']) => flags);
  const args = command.createHelp().visibleArguments(command);
  return [
    `## \`${nameOf(command)}\``,
    '',
    prose(command.description()),
    '',
    '```text',
    `npx ${command.createHelp().commandUsage(command)}`,
    '```',
    '',
    ...(args.length > 0 ? table(['argument', 'default', 'meaning'], args.map(argumentRow)) : []),
    ...(own.length > 0 ? table(['option', 'default', 'meaning'], own) : []),
    ...(others.length > 0 ? [`As many others: ${others.join(', ')}.`, ''] : []),
    ...textAfter(command),
  ];
}

function argumentRow(argument: Argument): readonly string[] {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return [code(name), argument.required ? 'required' : fallbackOf(argument), meaningOf(argument)];
}

function optionRow(option: Option): readonly string[] {
  return [
    code(option.flags),
    option.mandatory ? 'required' : fallbackOf(option),
    meaningOf(option),
  ];
}

/** What a description says at its end of a default that is found when the command runs. */
const SAID = / \(default: (.+)\)$/;

function fallbackOf(it: Argument | Option): string {
  const { defaultValue, defaultValueDescription, description } = it;
  if (defaultValueDescription !== undefined) return prose(defaultValueDescription);
  if (defaultValue === undefined || defaultValue === false)
    return prose(SAID.exec(description)?.[1] ?? '');
  return code(typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue));
}

function meaningOf({ description, argChoices }: Argument | Option): string {
  const said = prose(description.replace(SAID, ''));
  return argChoices === undefined ? said : `${said}: ${argChoices.map(code).join(', ')}`;
}

/** What --help says behind the options: an example as code, the rest as text. */
function textAfter(command: Command): readonly string[] {
  let help = '';
  command.configureOutput({ writeOut: (part) => (help += part) }).outputHelp();
  const text = help.slice(command.helpInformation().length);
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^Examples?:$/.test(line))
    .flatMap((line) =>
      line.startsWith('  ') ? ['```sh', line.trim(), '```', ''] : [prose(line), ''],
    );
}
