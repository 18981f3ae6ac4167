import { type Command, Option } from 'commander';
import { apiCommand, collect, nameOf, queryOf, show, tellOfMore } from './api-command.ts';
import { misuse } from '../client.ts';
import type { AuditItem, Page } from './tables.ts';
import { withPages } from './work.ts';

/** Filters that may be repeated: values of one are OR, filters are AND. */
const MANY: Readonly<Record<string, string>> = {
  kind: 'kind of entry: action_ok, decision_wait, ... (docs/api.md)',
  alertname: 'name of the alert',
  fingerprint: 'fingerprint of the alert',
  episode: 'id of the episode',
  rule: 'name of the rule',
  remediation: 'id of the remediation',
  action: 'id of the action',
  target: 'id of the target',
  result: 'result: ok, ...',
  reason: 'word of the guard, the ending or the error',
  actor: 'who caused it: autoheal, alertmanager, local, token:1a2b3c4d',
};
const ONE = ['chaos', 'drill', 'q', 'since'] as const;
/** The stream has no end, and no order but that of time. */
const NOT_FOLLOWED = ['until', 'order', 'limit', 'cursor'] as const;

export function registerAudit(program: Command): void {
  const audit = apiCommand(program, {
    usage: 'audit',
    description: 'Who did what, why, and did it help? The audit log, newest first.',
    example: 'npx autoheal audit --since 1h --alertname AIErrorRateHigh --order asc',
  });
  for (const [name, what] of Object.entries(MANY))
    audit.option(`--${name} <${name}>`, `${what}; may be repeated`, collect);
  for (const name of ['chaos', 'drill'])
    audit.addOption(
      new Option(`--${name} <flag>`, `${name} only, or without it`).choices(['true', 'false']),
    );
  audit
    .option('--q <text>', 'text somewhere in names, command, reason, result or detail')
    .option('--since <time>', 'from this time on: RFC 3339, or a duration meaning "ago"')
    .option('--until <time>', 'before this time: the same')
    .addOption(new Option('--order <order>', 'desc if absent').choices(['asc', 'desc']))
    .option(
      '--follow',
      'entries as they are written, until Ctrl-C; goes on after a lost connection',
    );
  withPages(audit).action(listAudit);
}

type Given = Readonly<Record<string, unknown>>;

async function listAudit(options: Given, command: Command): Promise<void> {
  const filter = [...Object.keys(MANY), ...ONE];
  if (options['follow'] === true) {
    const unfit = NOT_FOLLOWED.filter((key) => options[key] !== undefined);
    if (unfit.length > 0) misuse(nameOf(command), `--follow goes without --${unfit.join(', --')}`);
    const { follow } = await import('./follow.ts');
    return follow(command, queryOf(options, filter));
  }
  const query = queryOf(options, [...filter, ...NOT_FOLLOWED]);
  await show(
    command,
    { path: '/api/v1/audit', query },
    async (page: Page<AuditItem>, colours: boolean) => {
      const { auditText } = await import('./tables.ts');
      const text = auditText(page.items, colours);
      tellOfMore(page.next_cursor);
      return text;
    },
  );
}
