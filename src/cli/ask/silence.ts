import { type Command, InvalidArgumentError } from 'commander';
import { withFor, withReason } from './api-command.ts';
import { teach } from '../help.ts';

export interface SilenceGiven {
  readonly reason: string;
  readonly as?: string;
  readonly alertmanager?: string;
  readonly json?: true;
}
export interface AddGiven extends SilenceGiven {
  readonly for: string;
}
export type ListGiven = Pick<SilenceGiven, 'alertmanager' | 'json'>;

const WHO = 'who does it (default: USER, or LOGNAME)';
const ANSWERS = '0: done; 1: refused, or Alertmanager is not to be reached; 2: wrong usage.';

/** Silences live in Alertmanager: it answers, not autoheal. */
export function registerSilence(program: Command): void {
  const silence = program
    .command('silence')
    .description('Keep Alertmanager quiet about alerts, and autoheal with it: guard `silenced`.');
  teach(silence, {
    example: `npx autoheal silence add 'alertname="NodeDown"' --for 1h --reason "new disk"`,
    ends: ANSWERS,
  });

  const add = silence
    .command('add')
    .description('Silence the alerts that all matchers hold for.')
    .argument('<matchers...>', `in Alertmanager's syntax, each in quotes: 'alertname="NodeDown"'`);
  withFor(withReason(add), 'required')
    .option('--as <name>', WHO, person)
    .action(async (matchers: readonly string[], given: AddGiven) => {
      const { add: make } = await import('./silence-ask.ts');
      await make(matchers, given);
    });
  add.options.find(({ long }) => long === '--for')?.makeOptionMandatory();
  asked(
    add,
    `npx autoheal silence add 'alertname="NodeDown"' 'instance="web1"' --for 1h --reason "new disk"`,
  );

  const end = withReason(
    silence
      .command('end')
      .description('End a silence now. Its comment keeps who did it and why.')
      .argument('<id>', 'of the silence (`autoheal silences`)'),
  )
    .option('--as <name>', WHO, person)
    .action(async (id: string, given: SilenceGiven) => {
      const { end: finish } = await import('./silence-ask.ts');
      await finish(id, given);
    });
  asked(
    end,
    'npx autoheal silence end 7a1d4c52-0c7e-4f0e-9a53-8f6f0b1f2c3d --reason "the disk is in"',
  );

  const list = program
    .command('silences')
    .description('What is silenced in Alertmanager, by whom and until when.')
    .action(async (given: ListGiven) => {
      const { list: show } = await import('./silence-ask.ts');
      await show(given);
    });
  asked(list, 'npx autoheal silences');
}

function asked(command: Command, example: string): void {
  command
    .option('--alertmanager <url>', 'where it is (default: AUTOHEAL_ALERTMANAGER_URL)')
    .option('--json', 'for programs: {"id", "matchers", "ends_at", "created_by", "comment", ...}');
  teach(command, { example, ends: ANSWERS });
}

const NAME_CHARS = 100;
/** @throws InvalidArgumentError (exit code 2). */
function person(text: string): string {
  if (text.trim() !== '' && text.length <= NAME_CHARS) return text.trim();
  throw new InvalidArgumentError(`Write a name of 1 to ${NAME_CHARS} characters.`);
}
