import type { Command } from 'commander';
import { apiCommand, show, withReason } from './api-command.ts';
import { oneLine } from '../plain.ts';
import type { Remediation } from './tables.ts';

interface RunGiven {
  readonly fingerprint: string;
  readonly reason: string;
}
interface Undone {
  readonly leases: readonly { readonly target: string; readonly cmd: string }[];
}

export function registerOperations(program: Command): void {
  const run = apiCommand(program, {
    usage: 'run <rule>',
    description: 'Start a rule for an alert that fires. Every guard asks as ever.',
    example:
      'npx autoheal run ai-errors --fingerprint f093fcb54454f809 --reason "before the campaign"',
  }).requiredOption('--fingerprint <fingerprint>', 'of an alert that fires (`autoheal alerts`)');
  withReason(run).action((rule: string, given: RunGiven, command: Command) => {
    const json = { rule, fingerprint: given.fingerprint, reason: given.reason };
    const request = { method: 'POST', path: '/api/v1/remediations', json } as const;
    return show(
      command,
      request,
      ({ id, alertname }: Remediation) =>
        `${oneLine(`started for ${alertname}: remediation ${id}`)}\n` +
        `watch it: npx autoheal remediations show ${oneLine(id)}\n`,
    );
  });

  changed(
    apiCommand(program, {
      usage: 'cancel <remediation>',
      description: 'No further step. What is under way is verified and recorded.',
      example:
        'npx autoheal cancel 0195f2c1-7a4e-7c11-9d3e-5b6a7c8d9e0f --reason "we do it ourselves"',
    }),
    ({ id, state }: Remediation) => `cancelled: remediation ${id} (${state})`,
  );
  changed(
    apiCommand(program, {
      usage: 'undo <remediation>',
      description: 'Undo now what is temporary of it, whoever else holds it.',
      example: 'npx autoheal undo 0195f2c1-7a4e-7c11-9d3e-5b6a7c8d9e0f --reason "it does not help"',
    }),
    ({ leases }: Undone) =>
      `will be undone: ${leases.map(({ target, cmd }) => `${target} (${cmd})`).join('; ')}`,
  );
}

/** A command whose name is the last part of the path. */
function changed(command: Command, sentence: (answer: never) => string): void {
  withReason(command).action((id: string, given: { reason: string }, called: Command) => {
    const path = `/api/v1/remediations/${encodeURIComponent(id)}/${command.name()}`;
    const json = { reason: given.reason };
    return show(
      called,
      { method: 'POST', path, json },
      (answer: never) => `${oneLine(sentence(answer))}\n`,
    );
  });
}
