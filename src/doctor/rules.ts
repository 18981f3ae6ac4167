import { createIds } from '../adapters/ids.ts';
import { systemClock } from '../adapters/clock.ts';
import { createMetrics } from '../adapters/metrics.ts';
import { createRuleFiles } from '../adapters/rule-files.ts';
import type { AnyAction } from '../action.ts';
import type { Config } from '../config.ts';
import type { RuleSet } from '../core/rules/rule.ts';
import { catalogueFor, createRulebook } from '../engine/rulebook.ts';
import type { Store } from '../store.ts';
import { type Finding, notebook } from './finding.ts';

export interface RulesSeen {
  readonly set: RuleSet | undefined;
  readonly findings: readonly Finding[];
}

/** Rules and policy, compiled by the very code that serve compiles them with; nothing is stored. */
export async function checkRules(
  config: Config,
  actions: ReadonlyMap<string, AnyAction>,
): Promise<RulesSeen> {
  const note = notebook('rules');
  const rulebook = createRulebook({
    files: createRuleFiles({ rules_dir: config.rules_dir, policy_file: config.policy_file }),
    catalogueOf: catalogueFor(actions),
    clock: systemClock,
    ids: createIds(systemClock),
    // The rulebook writes down what it loads; here nobody is to remember it.
    store: { commit: () => Promise.resolve() } as Partial<Store> as Store,
    metrics: createMetrics({
      version: '',
      actions: [],
      backends: [],
      scrape: () => Promise.reject(new Error('nothing is scraped here')),
    }),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  const result = await rulebook.reload('doctor');
  const set = rulebook.current();
  if (!result.ok)
    note.fail(
      `${result.problems.length} problem(s) in rules and policy:\n${result.rendered}`,
      'correct the places shown; docs/rules.md and docs/policy.md have every key',
    );
  else if (set !== undefined) sayLoaded(note, set, config);
  return { set, findings: note.findings() };
}

function sayLoaded(note: ReturnType<typeof notebook>, set: RuleSet, config: Config): void {
  const enabled = set.rules.filter((rule) => rule.enabled);
  const policy = config.policy_file === undefined ? 'no policy' : `policy ${config.policy_file}`;
  if (enabled.length === 0)
    note.warn(
      `${config.rules_dir}: no rule is enabled, so nothing would ever be healed`,
      'write a rule (docs/rules.md), or unset AUTOHEAL_RULES for the ones that ship',
    );
  else note.ok(`${enabled.length} of ${set.rules.length} rules enabled, ${policy}`);
  const logged = enabled.filter((rule) => rule.otherwise === 'log').map((rule) => rule.name);
  if (logged.length > 0)
    note.skip(
      `no person is told when these rules do not heal: ${logged.join(', ')} (otherwise: log)`,
      'declare a notifier in the policy and name it under otherwise',
    );
}

function quiet(): void {
  // Findings say what is wrong; the log of a service that does not run would only repeat it.
}
