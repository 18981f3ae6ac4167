import { REDACT_ALL, type Redaction } from '../core/alerts/redact.ts';
import type { AuditDraft } from '../core/audit/audit.ts';
import { type Problem, renderProblems } from '../core/rules/diagnostic.ts';
import { compilePolicy } from '../core/rules/policy-compile.ts';
import type { Policy, Rule, RuleSet } from '../core/rules/rule.ts';
import { compileRule } from '../core/rules/rule-compile.ts';
import { problemOfFile } from '../core/rules/yaml-source.ts';
import type { Ids, Log, Metrics } from '../ports.ts';
import type { Change, Store } from '../store.ts';
import type { ReloadResult, Rulebook } from './api.ts';
import { compileAll, type CompileDeps } from './compile.ts';
import { auditChange } from './deps.ts';

export { catalogueFor, type RuleTexts } from './compile.ts';

export interface RulebookDeps extends CompileDeps {
  readonly store: Store;
  readonly ids: Ids;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Pinned rules of earlier sets kept compiled. */
export const PINNED_MAX = 200;
/** Characters of rendered problems, and names of each list, that an audit entry keeps. */
export const AUDIT_RENDERED_MAX = 8_000;
export const AUDIT_NAMES_MAX = 100;

/** Holds the rules in force: loads build everything before anything is swapped (DESIGN §5). */
export function createRulebook(deps: RulebookDeps): Rulebook {
  let set: RuleSet | undefined;
  let last: ReloadResult | undefined;
  /** Until there is a set. Before the first load: nobody knows. */
  let meanwhile: Redaction | null = REDACT_ALL;
  let turn: Promise<unknown> = Promise.resolve();
  const pinned = new Map<string, Promise<Rule | undefined>>();

  async function load(actor: string): Promise<ReloadResult> {
    const compiled = await compileAll(deps);
    if (!compiled.ok) meanwhile = compiled.redact ?? null;
    if (!compiled.ok) return rejected(deps, compiled, actor, set);
    const changed = set?.version !== compiled.set.version;
    if (changed) {
      await deps.store.commit(changesOf(deps, set, compiled.set, actor));
      for (const rule of set?.rules ?? []) keep(rule.hash, Promise.resolve(rule));
      set = compiled.set;
    }
    const { version, rules } = compiled.set;
    const names = rules.map(({ name }) => name);
    deps.metrics.rulesReload(true, deps.clock.now(), rules.length, names);
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
    redaction: () => (set === undefined ? meanwhile : set.policy.redact),
    last: () => last,
    byHash,
    reload(actor) {
      const mine = turn.then(() => reload(actor));
      turn = mine;
      return mine;
    },
  };
}

/* ---------------------------------------------------------------- pinned rules */

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
