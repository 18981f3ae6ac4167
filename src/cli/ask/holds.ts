import type { Command } from 'commander';
import { apiCommand, nameOf, show, withFor, withReason } from './api-command.ts';
import { oneLine } from '../plain.ts';
import { misuse } from '../client.ts';
import type { Hold } from './tables.ts';

/** What a hold can be of: keys of the API. */
const ABOUT = ['rule', 'alertname', 'fingerprint', 'target'] as const;
interface Because {
  readonly reason: string;
  readonly for?: string;
}
interface PauseState {
  readonly mode: string;
  readonly pause: { readonly until: string | null; readonly reason: string } | null;
}

export function registerHolds(program: Command): void {
  registerPause(program);
  apiCommand(program, {
    usage: 'holds',
    description: 'What is held: holds, acknowledgements, quarantines.',
    example: 'npx autoheal holds',
  }).action((_options: object, command: Command) =>
    show(
      command,
      { path: '/api/v1/holds' },
      async (answer: { items: readonly Hold[] }, colours: boolean) => {
        const { holdsText } = await import('./tables.ts');
        return holdsText(answer.items, colours);
      },
    ),
  );

  const hold = apiCommand(program, {
    usage: 'hold',
    description: 'Hold healing of an alert, a rule or a target; all that is given has to fit.',
    example: 'npx autoheal hold --rule endpoint-down --reason "we are on it" --for 1h',
  })
    .option('--rule <name>', 'of this rule')
    .option('--alertname <name>', 'of this alert')
    .option('--fingerprint <fingerprint>', 'of this alert')
    .option('--target <target>', 'its id, or what people call it; a parent holds its children too');
  withFor(withReason(hold), 'until it is ended if absent').action(place);

  const unhold = apiCommand(program, {
    usage: 'unhold <id>',
    description: 'End a hold, an acknowledgement or a quarantine.',
    example: 'npx autoheal unhold 0195f2c1-7a4e-7c11-9d3e-5b6a7c8d9e0f --reason "deployed"',
  });
  withReason(unhold).action((id: string, { reason }: Because, command: Command) => {
    const path = `/api/v1/holds/${encodeURIComponent(id)}`;
    return show(
      command,
      { method: 'DELETE', path, json: { reason } },
      (ended: Hold) => `${oneLine(`ended: ${ended.kind} ${ended.id} (${ended.reason})`)}\n`,
    );
  });

  const ack = apiCommand(program, {
    usage: 'ack <episode>',
    description: 'A person looks after this alert: healing of it is held until it is over.',
    example: 'npx autoheal ack 0195f2c1-7a4e-7c11-9d3e-5b6a7c8d9e0f --reason "mine"',
  });
  withFor(withReason(ack), 'until the alert is over if absent').action(
    (episode: string, given: Because, command: Command) =>
      held(command, '/api/v1/ack', { episode, ...because(given) }, 'the alert is over'),
  );
}

function registerPause(program: Command): void {
  const pause = apiCommand(program, {
    usage: 'pause',
    description: 'Pause all healing. Nothing begins while it stands; it survives restarts.',
    example: 'npx autoheal pause --reason "release 4.2" --for 30m',
  });
  withFor(withReason(pause), 'until `autoheal resume` if absent').action(
    (given: Because, command: Command) => {
      const request = { method: 'POST', path: '/api/v1/pause', json: because(given) } as const;
      return show(command, request, async (answer: PauseState) => {
        const { untilText } = await import('./tables.ts');
        const until = answer.pause?.until ?? null;
        const end = until === null ? 'somebody resumes it' : untilText(until);
        return `${oneLine(`paused until ${end}: ${answer.pause?.reason ?? ''}`)}\n`;
      });
    },
  );
  apiCommand(program, {
    usage: 'resume',
    description: 'Let healing go on.',
    example: 'npx autoheal resume',
  }).action((_options: object, command: Command) =>
    show(
      command,
      { method: 'DELETE', path: '/api/v1/pause' },
      ({ mode }: PauseState) => `resumed: the mode is ${oneLine(mode)}\n`,
    ),
  );
}

function place(
  given: Because & Readonly<Partial<Record<(typeof ABOUT)[number], string>>>,
  command: Command,
): Promise<void> {
  const about = ABOUT.filter((key) => given[key] !== undefined);
  if (about.length === 0)
    misuse(nameOf(command), `say what: ${ABOUT.map((key) => `--${key}`).join(', ')}`);
  const of = Object.fromEntries(about.map((key) => [key, given[key]]));
  return held(command, '/api/v1/holds', { ...of, ...because(given) }, 'somebody ends it');
}

function held(command: Command, path: string, json: object, otherwise: string): Promise<void> {
  return show(command, { method: 'POST', path, json }, async (hold: Hold) => {
    const { untilText } = await import('./tables.ts');
    const until = hold.until === null ? otherwise : untilText(hold.until);
    return `${oneLine(`held until ${until}; to end it: npx autoheal unhold ${hold.id} --reason '...'`)}\n`;
  });
}

function because({ reason, for: duration }: Because): object {
  return { reason, ...(duration !== undefined && { for: duration }) };
}
