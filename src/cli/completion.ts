import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { print } from './ask/api-command.ts';
import { SHELLS, type Shell } from './completion-shells.ts';
import { teach } from './help.ts';

const ACTIONS = fileURLToPath(new URL('../../actions/', import.meta.url));

/** Reads the program that it is registered with, so that a new command is completed without an edit here. */
export function registerCompletion(program: Command): void {
  const completion = program
    .command('completion')
    .description('Print a script by which a shell completes commands, options and values.')
    .addArgument(program.createArgument('<shell>', 'which').choices(SHELLS));
  teach(completion, {
    example: 'source <(npx autoheal completion bash)',
    ends: '0: done; 2: wrong usage.',
    more: 'It completes the command autoheal; for npx write: alias autoheal="npx autoheal"',
  }).action(async (shell: Shell) => {
    const { completedCommands } = await import('./completion-tree.ts');
    const { scriptFor } = await import('./completion-shells.ts');
    print(scriptFor(shell, completedCommands(program, await actionIds())));
  });
}

/** Of the files' names: loading every action takes longer than a shell should wait at its start. */
async function actionIds(): Promise<readonly string[]> {
  const { idOf } = await import('../engine/registry.ts');
  const names = await readdir(ACTIONS);
  return names
    .filter((name) => /^[a-z][a-z0-9-]*\.[jt]s$/.test(name))
    .map(idOf)
    .toSorted();
}
