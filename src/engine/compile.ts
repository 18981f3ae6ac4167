import { createHash } from 'node:crypto';
import type { AnyAction } from '../action.ts';
import { type Problem, renderProblems, sortProblems } from '../core/rules/diagnostic.ts';
import { REDACT_ALL } from '../core/alerts/redact.ts';
import { asksToRedact } from '../core/rules/policy-redact.ts';
import { compilePolicy, maskAddresses } from '../core/rules/policy-compile.ts';
import type { Policy, Rule, RuleSet } from '../core/rules/rule.ts';
import {
  type Catalogue,
  compileRule,
  ruleNameOf,
  type RuleText,
} from '../core/rules/rule-compile.ts';
import { problemOfFile } from '../core/rules/yaml-source.ts';
import type { Clock } from '../ports.ts';

/** Where the texts come from. */
export interface RuleFiles {
  /** @throws Error with a plain message when the folder cannot be read. */
  read(): Promise<RuleTexts>;
}
export interface RuleTexts {
  /** Sorted by file name. */
  readonly rules: readonly RuleText[];
  /** Null: there is no policy file, and the defaults stand. */
  readonly policy: RuleText | null;
  /** Files that could not be read as text. */
  readonly problems?: readonly Problem[];
}

export interface CompileDeps {
  readonly files: RuleFiles;
  /** What rules may refer to under a policy: `catalogueFor(actions)`. */
  readonly catalogueOf: (policy: Policy) => Catalogue;
  readonly clock: Clock;
}

/** Rules in one folder. */
export const RULES_MAX = 1_000;

export type Compiled =
  | { readonly ok: true; readonly set: RuleSet }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      readonly rendered: string;
      /** What holds for deliveries that come before there is a good set. */
      readonly redact?: Policy['redact'];
    };

/** What rules may use: the actions of this process, the names of their policy. */
export function catalogueFor(
  actions: ReadonlyMap<string, AnyAction>,
): (policy: Policy) => Catalogue {
  return (policy) => ({
    action: (id) => factsOf(actions.get(id)),
    action_ids: [...actions.keys()].toSorted(),
    notifiers: Object.keys(policy.notifiers),
    flags: policy.flags,
    time_intervals: () => policy.time_intervals.map(({ name }) => name),
    databases: Object.keys(policy.databases),
    hosts: policy.hosts,
    commands: policy.commands,
    redacted: namedIn(policy.redact),
  });
}

function namedIn(redact: Policy['redact']): ReadonlySet<string> {
  return redact === null || redact.annotations === 'all' ? new Set() : redact.annotations;
}

function factsOf(action: AnyAction | undefined): ReturnType<Catalogue['action']> {
  if (action === undefined) return undefined;
  const { params, leasable, verify } = action;
  return { params, leasable, has_verify: verify !== undefined };
}

/**
 * Rules and policy, compiled whole: every problem at once, and a set only when there is none. The service,
 * `doctor` and `check` all compile by this.
 * @throws Error with a plain message when the rules folder cannot be read.
 */
export async function compileAll(deps: CompileDeps): Promise<Compiled> {
  const texts = await deps.files.read();
  const { policy, problems: policy_problems } = compilePolicy(texts.policy ?? undefined);
  const problems: Problem[] = [
    ...(texts.problems ?? []),
    ...policy_problems,
    ...folderProblems(texts.rules),
  ];
  // Without a good policy the default one still finds the rules' own mistakes; its names are not judged.
  const known = policy ?? compilePolicy(undefined).policy;
  if (known === undefined) throw new Error('the default policy does not compile');
  const catalogue = deps.catalogueOf(known);
  const rules: Rule[] = [];
  for (const text of texts.rules) {
    const compiled = compileRule(text, catalogue, { pinned: policy === undefined });
    problems.push(...compiled.problems);
    if (compiled.rule !== undefined) rules.push(compiled.rule);
  }
  if (problems.length > 0 || policy === undefined) return refused(problems, texts, policy);
  const version = versionOf(texts);
  return { ok: true, set: { version, rules, policy, loaded_at: deps.clock.now() } };
}

/** File systems that fold case would take two such files for one. */
function folderProblems(rules: readonly RuleText[]): readonly Problem[] {
  const beyond = rules[RULES_MAX];
  const problems: Problem[] = [];
  if (beyond !== undefined)
    problems.push(
      problemOfFile(beyond.file, `there are more than ${RULES_MAX} rules`, 'remove some'),
    );
  const seen = new Map<string, string>();
  for (const { file } of rules) {
    const folded = ruleNameOf(file).toLowerCase();
    const other = seen.get(folded);
    if (other !== undefined)
      problems.push(
        problemOfFile(file, `its name differs from ${other} by case only`, 'rename one'),
      );
    seen.set(folded, file);
  }
  return problems;
}

function refused(
  found: readonly Problem[],
  texts: RuleTexts,
  compiled: Policy | undefined,
): Compiled {
  const problems = sortProblems(found);
  const { policy } = texts;
  const by_file = new Map(texts.rules.map(({ file, text }) => [file, text]));
  if (policy !== null) by_file.set(policy.file, maskAddresses(policy.text));
  const rendered = renderProblems(problems, (file) => by_file.get(file));
  const unknown = policy !== null && asksToRedact(policy.file, policy.text) ? REDACT_ALL : null;
  return { ok: false, problems, rendered, redact: compiled?.redact ?? unknown };
}

function versionOf({ rules, policy }: RuleTexts): string {
  const hash = createHash('sha256');
  for (const { file, hash: text_hash } of rules) hash.update(`${file}\0${text_hash}\0`);
  return hash.update(policy === null ? '' : policy.hash).digest('hex');
}
