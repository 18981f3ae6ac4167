import type { Command } from 'commander';
import { apiCommand, ask, nameOf, show, understood, withReason } from './api-command.ts';
import { oneLine } from '../plain.ts';
import { misuse } from '../client.ts';
import type { Flag } from './tables.ts';

export function registerFlags(program: Command): void {
  const flags = apiCommand(program, {
    usage: 'flags',
    description: 'The declared flags with their values now.',
    example: 'npx autoheal flags',
  })
    // What stands behind `set` is meant for it.
    .enablePositionalOptions()
    .action((_options: object, command: Command) =>
      show(
        command,
        { path: '/api/v1/flags' },
        async (answer: { items: readonly Flag[] }, colours: boolean) => {
          const { flagsText } = await import('./tables.ts');
          return flagsText(answer.items, colours);
        },
      ),
    );
  const set = apiCommand(flags, {
    usage: 'set <key> <value>',
    description: "Set a flag's stored value by hand; its type is the one that the policy declares.",
    example: 'npx autoheal flags set heuristics-only false --reason "the model is back"',
  });
  withReason(set).action(setFlag);
}

async function setFlag(
  key: string,
  text: string,
  { reason }: { readonly reason: string },
  command: Command,
): Promise<void> {
  const path = `/api/v1/flags/${encodeURIComponent(key)}`;
  const { type } = await understood(
    command,
    await ask(command, { path }),
    (flag: { readonly type: string }) => flag,
  );
  const value = valueOf(text, type);
  if (value === undefined)
    misuse(nameOf(command), `${key} is a ${type}: ${JSON.stringify(text)} is none`);
  await show(
    command,
    { method: 'PUT', path, json: { value, reason } },
    (flag: Flag) => `${oneLine(`${flag.key} is ${String(flag.value)} now`)}\n`,
  );
}

/** The text as a value of the flag's type; undefined when it is none. */
function valueOf(text: string, type: string): boolean | number | string | undefined {
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  if (type !== 'number') return text;
  const number = Number(text);
  return text.trim() === '' || !Number.isFinite(number) ? undefined : number;
}
