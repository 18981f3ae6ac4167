import { type Command, InvalidArgumentError, Option } from 'commander';
import { teach } from '../help.ts';
import { FIRST_ACTIONS, type FirstAction } from './init-rule.ts';

export interface InitOptions {
  readonly alertname: string;
  readonly action: FirstAction;
  readonly runbook?: string;
  readonly json?: true;
}

export function registerInit(program: Command): void {
  const init = program
    .command('init')
    .description('Write a first rule with its test, a policy, and what Alertmanager needs.')
    .argument('[folder]', 'where to; made where it is absent', '.')
    .option('--alertname <name>', 'the alert that the rule is for', oneLineText, 'InstanceDown')
    .addOption(
      new Option('--action <action>', 'what the rule does')
        .choices(FIRST_ACTIONS)
        .default('restart_container'),
    )
    .option('--runbook <path>', 'a path or an address, shown wherever a human is told', oneLineText)
    .option('--json', 'for programs: {"folder", "rule", "written", "kept", "next"}');
  teach(init, {
    example: 'npx autoheal init my-rules --alertname ApiDown --action restart_container',
    ends: '0: something was written; 1: nothing could be; 2: wrong usage. What is there is never written over.',
  }).action(async (folder: string, options: InitOptions) => {
    const { initialise } = await import('./init-write.ts');
    await initialise(folder, options);
  });
}

const CHARS_MAX = 200;
/** @throws InvalidArgumentError (exit code 2): it has to stand on one line of YAML. */
function oneLineText(text: string): string {
  // oxlint-disable-next-line no-control-regex
  if (text.trim() !== '' && text.length <= CHARS_MAX && !/[\u0000-\u001F\u007F-\u009F]/.test(text))
    return text;
  throw new InvalidArgumentError(`Write 1 to ${CHARS_MAX} characters on one line.`);
}
