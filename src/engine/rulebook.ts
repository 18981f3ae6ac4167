import { createHash } from 'node:crypto';
import type { AnyAction } from '../action.ts';
import type { AuditDraft } from '../core/audit/audit.ts';
import { type Problem, renderProblems, sortProblems } from '../core/rules/diagnostic.ts';
import { compilePolicy, maskAddresses } from '../core/rules/policy-compile.ts';
import type { Policy, Rule, RuleSet } from '../core/rules/rule.ts';
import {
  type Catalogue,
  compileRule,
  ruleNameOf,
  type RuleText,
} from '../core/rules/rule-compile.ts';
import { problemOfFile } from '../core/rules/yaml-source.ts';
import type { Clock, Ids, Log, Metrics } from '../ports.ts';
import type { Change, Store } from '../store.ts';
import type { ReloadResult, Rulebook } from './api.ts';
import { auditChange } from './deps.ts';

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

export interface RulebookDeps {
  readonly files: RuleFiles;
  /** What rules may refer to under a policy: `catalogueFor(actions)`. */
  readonly catalogueOf: (policy: Policy) => Catalogue;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly metrics: Metrics;
  readonly log: Log;
}

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
  });
}

function factsOf(action: AnyAction | undefined): ReturnType<Catalogue['action']> {
  if (action === undefined) return undefined;
  const { params, leasable, verify } = action;
  return { params, leasable, has_verify: verify !== undefined };
}

/** Rules in one folder. */
export const RULES_MAX = 1_000;
/** Pinned rules of earlier sets kept compiled. */
export const PINNED_MAX = 200;
/** Characters of rendered problems, and names of each list, that an audit entry keeps. */
export const AUDIT_RENDERED_MAX = 8_000;
export const AUDIT_NAMES_MAX = 100;

type Compiled =
  | { readonly ok: true; readonly set: RuleSet }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly rendered: string };

/** Holds the rules in force: loads build everything before anything is swapped (DESIGN §5). */
export function createRulebook(deps: RulebookDeps): Rulebook {
  let set: RuleSet | undefined;
  let last: ReloadResult | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  const pinned = new Map<string, Promise<Rule | undefined>>();

  async function load(actor: string): Promise<ReloadResult> {
    const compiled = await compileAll(deps);
    if (!compiled.ok) return rejected(deps, compiled, actor, set);
    const changed = set?.version !== compiled.set.version;
    if (changed) {
      await deps.store.commit(changesOf(deps, set, compiled.set, actor));
      for (const rule of set?.rules ?? []) keep(rule.hash, Promise.resolve(rule));
      set = compiled.set;
    }
    const { version, rules } = compiled.set;
    deps.metrics.rulesReload(true, deps.clock.now(), rules.length);
    deps.log.info({ version, rules: rules.length, changed }, 'rules loaded');
    return { ok: true, version, rules: rules.length, changed };
  }

  async function reload(actor: string): Promise<ReloadResult> {
    try {
      last = await load(actor);
    } catch (error) {
      last = await rejected(deps, failure(messageOf(error)), actor, set);
    }
    return last;
  }

  function keep(hash: string, rule: Promise<Rule | undefined>): void {
    // Re-inserted at the end, so that the oldest entry is the first.
    pinned.delete(hash);
    pinned.set(hash, rule);
    const [oldest] = pinned.keys();
    if (pinned.size > PINNED_MAX && oldest !== undefined) pinned.delete(oldest);
  }

  async function byHash(hash: string): Promise<Rule | undefined> {
    const current = set?.rules.find((rule) => rule.hash === hash);
    if (current !== undefined) return current;
    const found = pinned.get(hash) ?? compilePinned(deps, hash, set?.policy);
    keep(hash, found);
    try {
      const rule = await found;
      // Neither a missing text nor a store that failed is worth remembering.
      if (rule === undefined) pinned.delete(hash);
      return rule;
    } catch (error) {
      pinned.delete(hash);
      throw error;
    }
  }

  return {
    current: () => set,
    last: () => last,
    byHash,
    reload(actor) {
      const mine = turn.then(() => reload(actor));
      turn = mine;
      return mine;
    },
  };
}

/* ---------------------------------------------------------------- compiling */

async function compileAll(deps: RulebookDeps): Promise<Compiled> {
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
  if (problems.length > 0 || policy === undefined) return refused(problems, texts);
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

function refused(found: readonly Problem[], texts: RuleTexts): Compiled {
  const problems = sortProblems(found);
  const { policy } = texts;
  const by_file = new Map(texts.rules.map(({ file, text }) => [file, text]));
  if (policy !== null) by_file.set(policy.file, maskAddresses(policy.text));
  return { ok: false, problems, rendered: renderProblems(problems, (file) => by_file.get(file)) };
}

function versionOf({ rules, policy }: RuleTexts): string {
  const hash = createHash('sha256');
  for (const { file, hash: text_hash } of rules) hash.update(`${file}\0${text_hash}\0`);
  return hash.update(policy === null ? '' : policy.hash).digest('hex');
}

/** A text that a remediation pins. What it needs of the policy may be gone; see CompileOptions. */
async function compilePinned(
  deps: RulebookDeps,
  hash: string,
  policy: Policy | undefined,
): Promise<Rule | undefined> {
  const stored = await deps.store.ruleText(hash);
  const known = policy ?? compilePolicy(undefined).policy;
  if (stored === undefined || known === undefined) return undefined;
  const input = { file: `rules/${stored.name}.yaml`, text: stored.text, hash };
  const { rule, problems } = compileRule(input, deps.catalogueOf(known), { pinned: true });
  const [first] = problems;
  if (first !== undefined)
    deps.log.error(
      { hash, rule: stored.name, problem: first.message },
      'pinned rule no longer compiles',
    );
  return rule;
}

/* ---------------------------------------------------------------- what is written down */

function changesOf(
  deps: RulebookDeps,
  before: RuleSet | undefined,
  after: RuleSet,
  actor: string,
): readonly Change[] {
  const texts = after.rules.map(
    ({ hash, name, text }): Change => ({
      kind: 'rule_text_add',
      hash,
      name,
      text,
      at: after.loaded_at,
    }),
  );
  return [...texts, auditChange(deps, loadedDraft(before, after, actor))];
}

function loadedDraft(before: RuleSet | undefined, after: RuleSet, actor: string): AuditDraft {
  const old = new Map((before?.rules ?? []).map((rule) => [rule.name, rule.hash]));
  const now = new Map(after.rules.map((rule) => [rule.name, rule.hash]));
  const names = [...now.keys()];
  return {
    kind: 'rules_loaded',
    actor,
    result: 'ok',
    detail: {
      version: after.version,
      rules: after.rules.length,
      added: bounded(names.filter((name) => !old.has(name))),
      removed: bounded([...old.keys()].filter((name) => !now.has(name))),
      changed: bounded(names.filter((name) => old.has(name) && old.get(name) !== now.get(name))),
    },
  };
}

function bounded(names: readonly string[]): string[] {
  if (names.length <= AUDIT_NAMES_MAX) return [...names];
  return [...names.slice(0, AUDIT_NAMES_MAX), `... and ${names.length - AUDIT_NAMES_MAX} more`];
}

/** The last good set stays; audit, metric and log say so. */
async function rejected(
  deps: RulebookDeps,
  { problems, rendered }: { readonly problems: readonly Problem[]; readonly rendered: string },
  actor: string,
  kept: RuleSet | undefined,
): Promise<ReloadResult> {
  const [first] = problems;
  const reason = first === undefined ? 'unknown' : `${first.file}:${first.line}: ${first.message}`;
  deps.metrics.rulesReload(false, deps.clock.now(), kept?.rules.length ?? 0);
  deps.log.error({ problems: problems.length, first: reason }, 'rules rejected');
  const detail = { problems: problems.length, rendered: rendered.slice(0, AUDIT_RENDERED_MAX) };
  try {
    const draft = { kind: 'rules_rejected', actor, result: 'error', reason, detail } as const;
    await deps.store.commit([auditChange(deps, draft)]);
  } catch (error) {
    deps.log.error({ error: messageOf(error) }, 'rules_rejected could not be stored');
  }
  return { ok: false, problems, rendered };
}

/** Something other than a file's content failed: the folder, the store. */
function failure(message: string): {
  readonly problems: readonly Problem[];
  readonly rendered: string;
} {
  const problem = problemOfFile('rules', message, 'correct this and reload');
  return { problems: [problem], rendered: renderProblems([problem], () => undefined) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
