import type { Argument, Command, Option } from 'commander';
import { AUDIT_KINDS } from '../core/audit/audit.ts';
import { GUARD_WORDS } from '../core/healing/guard-words.ts';

/** What can stand in a place of the command line. `rules`: names of the rules in a folder. */
export type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'rules' | 'files' | 'folders' | 'any' };

export interface CompletedOption {
  /** `--json`, `-h`. */
  readonly flags: readonly string[];
  readonly about: string;
  /** Null: it takes none. */
  readonly values: Values | null;
}
/** One command, as far as completion has to know it. */
export interface CompletedCommand {
  /** As it is typed behind `autoheal`: `remediations show`; empty: `autoheal` itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly CompletedOption[];
  /** By position; a last one that is variadic stands for all that follow. */
  readonly args: readonly Values[];
  readonly variadic: boolean;
}

/** Values that are known here, by what the help calls them: `--kind <kind>`, `<file>`, `--rule <name>`. */
function valuesOf(name: string, placeholder: string, actions: readonly string[]): Values {
  const known: Readonly<Record<string, Values>> = {
    rule: { kind: 'rules' },
    kind: { kind: 'words', words: AUDIT_KINDS },
    // `--reason <text>` is a sentence; the filter of the audit log is a word.
    reason: placeholder === 'reason' ? { kind: 'words', words: GUARD_WORDS } : { kind: 'any' },
    action: { kind: 'words', words: actions },
    file: { kind: 'files' },
    files: { kind: 'files' },
    paths: { kind: 'files' },
    payload: { kind: 'files' },
    folder: { kind: 'folders' },
    dir: { kind: 'folders' },
  };
  const found = Object.hasOwn(known, name) ? known[name] : undefined;
  return found ?? (Object.hasOwn(known, placeholder) ? known[placeholder] : undefined) ?? ANY;
}
const ANY: Values = { kind: 'any' };

/** Every command below this one, itself first. `actions`: ids of the actions there are; `beside`: its siblings. */
export function completedCommands(
  command: Command,
  actions: readonly string[],
  path = '',
  beside: readonly string[] = [],
): readonly CompletedCommand[] {
  const help = command.createHelp();
  const below = help.visibleCommands(command);
  const own: CompletedCommand = {
    path,
    commands: below.map((one) => ({ name: one.name(), about: one.description() })),
    options: help.visibleOptions(command).map((option) => optionOf(option, actions)),
    args: command.registeredArguments.map((argument) => argumentOf(argument, beside, actions)),
    variadic: command.registeredArguments.at(-1)?.variadic === true,
  };
  return [
    own,
    ...below.flatMap((one) =>
      completedCommands(
        one,
        actions,
        `${path} ${one.name()}`.trimStart(),
        below.map((other) => other.name()),
      ),
    ),
  ];
}

function optionOf(option: Option, actions: readonly string[]): CompletedOption {
  const { short, long, description, required, optional, argChoices, flags } = option;
  const placeholder = /[<[]([\w-]+)/.exec(flags)?.[1] ?? '';
  const values = argChoices
    ? ({ kind: 'words', words: argChoices } as const)
    : valuesOf(long?.slice(2) ?? '', placeholder, actions);
  return {
    flags: [long, short].filter((flag) => flag !== undefined),
    about: description,
    values: required || optional ? values : null,
  };
}

function argumentOf(
  argument: Argument,
  beside: readonly string[],
  actions: readonly string[],
): Values {
  if (argument.argChoices) return { kind: 'words', words: argument.argChoices };
  const name = argument.name();
  // `help [command]`
  if (name === 'command') return { kind: 'words', words: beside };
  return valuesOf(name, name, actions);
}
