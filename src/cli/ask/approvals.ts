import type { Command } from 'commander';
import { apiCommand, show, withReason } from './api-command.ts';
import { oneLine } from '../plain.ts';
import type { Approval } from './tables.ts';

interface Given {
  readonly plan: string;
  readonly reason: string;
}

export function registerApprovals(program: Command): void {
  apiCommand(program, {
    usage: 'approvals',
    description:
      'Plans that wait for a yes or a no, oldest first, each with the command that allows it.',
    example: 'npx autoheal approvals',
  }).action((_options: object, command: Command) =>
    show(command, { path: '/api/v1/approvals' }, async (answer: { items: readonly Approval[] }) => {
      const { approvalsText } = await import('./tables.ts');
      return approvalsText(answer.items);
    }),
  );
  const approve = apiCommand(program, {
    usage: 'approve <remediation>',
    description:
      'Grant the plan that was shown, for one run. Every guard asks again before it begins.',
    example:
      'npx autoheal approve 0195f2c1-7a4e-7c11-9d3e-5b6a7c8d9e0f --plan 9c1f... --reason "looked at it"',
  });
  answered(approve, 'granted');
  const deny = apiCommand(program, {
    usage: 'deny <remediation>',
    description: 'Deny the plan: the remediation ends.',
    example:
      'npx autoheal deny 0195f2c1-7a4e-7c11-9d3e-5b6a7c8d9e0f --plan 9c1f... --reason "not now"',
  });
  answered(deny, 'denied');
}

function answered(command: Command, how: 'granted' | 'denied'): void {
  withReason(
    command.requiredOption(
      '--plan <hash>',
      'hash of the plan that was shown (`autoheal approvals`)',
    ),
  ).action((remediation: string, { plan, reason }: Given, called: Command) => {
    const path = `/api/v1/remediations/${encodeURIComponent(remediation)}/${command.name()}`;
    const json = { plan_hash: plan, reason };
    return show(
      called,
      { method: 'POST', path, json },
      ({ remediation_id, cmds }: Approval) =>
        `${oneLine(`${how}: ${cmds.join('; ')} (remediation ${remediation_id})`)}\n`,
    );
  });
}
