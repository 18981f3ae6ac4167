import { type Command, Option } from 'commander';
import { REMEDIATION_STATES } from '../../core/healing/remediation.ts';
import { apiCommand, queryOf, show, tellOfMore } from './api-command.ts';
import type { Episode, Page, Remediation, Story } from './tables.ts';

const PAGE_KEYS = ['limit', 'cursor'] as const;
const ALERT_KEYS = ['state', 'alertname', 'fingerprint', ...PAGE_KEYS] as const;
const REMEDIATION_KEYS = ['rule', ...ALERT_KEYS] as const;
type Given<Keys extends readonly string[]> = Readonly<Partial<Record<Keys[number], string>>>;

/** Adds paging, as every list has it. */
export function withPages(command: Command): Command {
  return command
    .option('--limit <count>', 'rows, 1 to 1000; 100 if absent')
    .option('--cursor <cursor>', 'where the page before ended');
}

export function registerWork(program: Command): void {
  const alerts = apiCommand(program, {
    usage: 'alerts',
    description: 'What fires, and what did: episodes, newest first.',
    example: 'npx autoheal alerts --state open',
  })
    .addOption(new Option('--state <state>', 'firing now, or over').choices(['open', 'closed']))
    .option('--alertname <name>', 'of this alert')
    .option('--fingerprint <fingerprint>', 'of this alert');
  withPages(alerts).action(listAlerts);

  const remediations = apiCommand(program, {
    usage: 'remediations',
    description: 'Runs of rules, newest first.',
    example: 'npx autoheal remediations --state waiting',
  })
    .addOption(new Option('--state <state>', 'where it stands').choices(REMEDIATION_STATES))
    .option('--rule <name>', 'of this rule')
    .option('--alertname <name>', 'for this alert')
    .option('--fingerprint <fingerprint>', 'for this alert')
    // What stands behind `show` is meant for it.
    .enablePositionalOptions();
  withPages(remediations).action(listRemediations);
  apiCommand(remediations, {
    usage: 'show <id>',
    description: 'One remediation: its plan, what it ran, its story.',
    example: 'npx autoheal remediations show 0195f2c1-7a4e-7c11-9d3e-5b6a7c8d9e0f',
  }).action(showRemediation);
}

function listAlerts(options: Given<typeof ALERT_KEYS>, command: Command): Promise<void> {
  const query = queryOf(options, ALERT_KEYS);
  return show(
    command,
    { path: '/api/v1/alerts', query },
    async (page: Page<Episode>, colours: boolean) => {
      const { alertsText } = await import('./tables.ts');
      const text = alertsText(page.items, colours);
      tellOfMore(page.next_cursor);
      return text;
    },
  );
}

function listRemediations(
  options: Given<typeof REMEDIATION_KEYS>,
  command: Command,
): Promise<void> {
  const request = { path: '/api/v1/remediations', query: queryOf(options, REMEDIATION_KEYS) };
  return show(command, request, async (page: Page<Remediation>, colours: boolean) => {
    const { remediationsText } = await import('./tables.ts');
    const text = remediationsText(page.items, colours);
    tellOfMore(page.next_cursor);
    return text;
  });
}

function showRemediation(id: string, _options: object, command: Command): Promise<void> {
  const path = `/api/v1/remediations/${encodeURIComponent(id)}`;
  return show(command, { path }, async (story: Story, colours: boolean) => {
    const { storyText } = await import('./tables.ts');
    return storyText(story, colours);
  });
}
