import { systemClock } from '../adapters/clock.ts';
import { createRuleFiles } from '../adapters/rule-files.ts';
import type { AnyAction } from '../action.ts';
import type { Config } from '../config.ts';
import { renderProblems } from '../core/rules/diagnostic.ts';
import type { RuleSet } from '../core/rules/rule.ts';
import { problemOfFile } from '../core/rules/yaml-source.ts';
import { catalogueFor, compileAll, type Compiled } from '../engine/compile.ts';
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
  const compiled = await compiledOf(config, actions);
  if (compiled.ok) sayLoaded(note, compiled.set, config);
  else
    note.fail(
      `${compiled.problems.length} problem(s) in rules and policy:\n${compiled.rendered}`,
      'correct the places shown; docs/reference/rules.md and policy.md have every key',
    );
  const set = compiled.ok ? compiled.set : undefined;
  return { set, findings: note.findings() };
}

/** A folder that cannot be read is a problem like any other. */
async function compiledOf(
  config: Config,
  actions: ReadonlyMap<string, AnyAction>,
): Promise<Compiled> {
  const files = createRuleFiles({ rules_dir: config.rules_dir, policy_file: config.policy_file });
  try {
    return await compileAll({ files, catalogueOf: catalogueFor(actions), clock: systemClock });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const problem = problemOfFile('rules', message, 'correct this and run it again');
    return { ok: false, problems: [problem], rendered: renderProblems([problem], () => undefined) };
  }
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
