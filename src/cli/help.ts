import type { Command } from 'commander';

/** What every command says below its options. */
export interface Lesson {
  /** What a person would type. */
  readonly example: string;
  /** What its exit codes mean; absent: what they mean for most. */
  readonly ends?: string;
  /** Said between the two. */
  readonly more?: string;
}

const ENDS = '0: done; 1: refused, or not to be reached; 2: wrong usage.';

/** Adds to the help: an example, and how the command ends. */
export function teach(command: Command, { example, ends = ENDS, more }: Lesson): Command {
  const said = more === undefined ? '' : `${more}\n\n`;
  return command.addHelpText('after', `\nExample:\n  ${example}\n\n${said}Ends with ${ends}`);
}

/** The groups of `autoheal --help`, in order. A command that is named in none stands under "Commands". */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Write rules:': ['init', 'check', 'test', 'backtest', 'schema'],
  'Look:': [
    'alerts',
    'remediations',
    'rules',
    'deliveries',
    'explain',
    'audit',
    'deliveries',
    'approvals',
    'holds',
    'flags',
    'silences',
    'slo',
  ],
  'Answer:': ['approve', 'deny', 'run', 'cancel', 'undo'],
  'Hands off:': ['pause', 'resume', 'hold', 'unhold', 'ack', 'silence'],
  'The service:': ['serve', 'config', 'doctor', 'send', 'completion', 'help'],
};

/** Puts the commands of the program into their groups, the groups and the commands in the order above. */
export function group(program: Command): void {
  const order = Object.values(GROUPS).flat();
  for (const [heading, names] of Object.entries(GROUPS))
    for (const command of program.commands)
      if (names.includes(command.name())) command.helpGroup(heading);
  (program.commands as Command[]).sort((a, b) => placeOf(a) - placeOf(b));

  function placeOf(command: Command): number {
    const at = order.indexOf(command.name());
    return at === -1 ? order.length : at;
  }
}
