import type { Command } from 'commander';
import { apiCommand, queryOf, show } from './api-command.ts';
import type { Rule, RuleList } from './rules-text.ts';

const KEYS = ['since'] as const;
type Given = Readonly<Partial<Record<(typeof KEYS)[number], string>>>;

/** Adds `--since`, the window of the benefit. */
function withSince(command: Command): Command {
  return command.option(
    '--since <time>',
    'benefit since then: RFC 3339, or "ago" as 7d, at most 90d; 30d if absent',
  );
}

export function registerRules(program: Command): void {
  const rules = apiCommand(program, {
    usage: 'rules',
    description: 'The rules in force, how often each acted, and whether it helps.',
    example: 'npx autoheal rules --since 90d',
    // What stands behind `show` is meant for it.
  }).enablePositionalOptions();
  withSince(rules).action(listRules);
  const one = apiCommand(rules, {
    usage: 'show <name>',
    description: 'One rule: what it is for, its steps, its benefit with intervals.',
    example: 'npx autoheal rules show endpoint-down --since 90d',
  });
  withSince(one).action(showRule);
}

function listRules(options: Given, command: Command): Promise<void> {
  const request = { path: '/api/v1/rules', query: queryOf(options, KEYS) };
  return show(command, request, async (list: RuleList, colours: boolean) => {
    const { rulesText } = await import('./rules-text.ts');
    return rulesText(list, colours);
  });
}

function showRule(name: string, options: Given, command: Command): Promise<void> {
  const path = `/api/v1/rules/${encodeURIComponent(name)}`;
  return show(command, { path, query: queryOf(options, KEYS) }, async (rule: Rule) => {
    const { ruleText } = await import('./rules-text.ts');
    return ruleText(rule);
  });
}
