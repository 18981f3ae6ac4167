import type { ActionFacts, Catalogue, CompileOptions } from './catalogue.ts';
import { type Problem, sortProblems } from './diagnostic.ts';
import { type Matcher, matcherHolds, parseMatcher } from './matcher.ts';
import { redactedProblems } from './redacted-templates.ts';
import type { Rule, RuleGuard, RuleStep } from './rule.ts';
import { templateProblems, verifyOf, verifyProblems, whenProblems } from './rule-looks.ts';
import { checkAction, checkNotifier, isObject } from './rule-params.ts';
import { firstWithinOf, RULE_DEFAULTS, RuleFile } from './rule-schema.ts';
import { NAME, NAME_FORM } from './schema-parts.ts';
import { parseYaml } from './yaml-parse.ts';
import { problemAt, problemIn, problemOfFile, valueAt, type YamlSource } from './yaml-source.ts';
import { pathText, zodProblems } from './zod-problems.ts';

export type { ActionFacts, Catalogue, CompileOptions };
export interface RuleText {
  /** `rules/checkout.yaml` */
  readonly file: string;
  readonly text: string;
  /** Hex SHA-256 of `text`. */
  readonly hash: string;
}
export interface CompiledRule {
  readonly rule?: Rule;
  readonly problems: readonly Problem[];
}

/** UTF-16 units of a rule file. */
export const RULE_CHARS_MAX = 64 * 1024;

/** One rule file, checked whole: every problem at once, and a rule only when there is none. */
export function compileRule(
  input: RuleText,
  catalogue: Catalogue,
  options: CompileOptions = {},
): CompiledRule {
  const { file, text } = input;
  if (text.length > RULE_CHARS_MAX)
    return {
      problems: [
        problemOfFile(file, `is longer than ${RULE_CHARS_MAX} characters`, 'split the rule'),
      ],
    };
  const { source, problems } = parseYaml(file, text);
  if (source === undefined) return { problems };
  if (!isObject(source.value)) {
    const fix = 'begin with name:, summary:, matchers: and steps:';
    return { problems: [problemOfFile(file, 'a rule is a map of keys', fix)] };
  }
  return compileSource(source, input, catalogue, options);
}

function compileSource(
  source: YamlSource,
  input: RuleText,
  catalogue: Catalogue,
  options: CompileOptions,
): CompiledRule {
  const parsed = RuleFile.safeParse(source.value);
  const matchers = compileMatchers(source);
  const problems = [
    ...(parsed.success ? [] : zodProblems(source, parsed.error.issues, RuleFile)),
    ...checkName(source, input.file),
    ...matchers.problems,
    ...whenProblems(source, presentLabels(matchers.compiled), catalogue, options),
    ...checkSteps(source, matchers.compiled, catalogue, options),
    ...checkOtherwise(source, catalogue, options),
    ...(options.pinned ? [] : redactedProblems(source, catalogue.redacted ?? new Set())),
  ];
  if (!parsed.success || problems.length > 0) return { problems: sortProblems(problems) };
  return { rule: ruleOf(parsed.data, matchers.compiled, input), problems };
}

/** `rules/checkout.yaml` is the rule `checkout`. */
export function ruleNameOf(file: string): string {
  return (file.split('/').at(-1) ?? file).replace(/\.ya?ml$/, '');
}

function checkName(source: YamlSource, file: string): readonly Problem[] {
  const wanted = ruleNameOf(file);
  const name = valueAt(source, ['name']);
  if (file.endsWith('.yml'))
    return [problemOfFile(file, 'the file must end in .yaml', `rename it to ${wanted}.yaml`)];
  if (!NAME.test(wanted))
    return [
      problemOfFile(file, `"${wanted}" is no name for a rule`, `rename the file: ${NAME_FORM}`),
    ];
  if (typeof name !== 'string' || name === wanted) return [];
  const message = `name: "${name}" is not the name of the file`;
  return [
    problemAt(source, ['name'], message, `write "${wanted}", or rename the file to ${name}.yaml`),
  ];
}

/* ---------------------------------------------------------------- matchers */

interface CompiledMatchers {
  readonly compiled: readonly Matcher[];
  readonly problems: readonly Problem[];
}

function compileMatchers(source: YamlSource): CompiledMatchers {
  const written = valueAt(source, ['matchers']);
  const compiled: Matcher[] = [];
  const problems: Problem[] = [];
  for (const [index, text] of Array.isArray(written) ? written.entries() : []) {
    if (typeof text !== 'string') continue;
    const path = ['matchers', index];
    const parsed = parseMatcher(text);
    if (parsed.ok) compiled.push(parsed.matcher);
    else
      problems.push(
        problemIn(source, path, { ...parsed, message: `${pathText(path)}: ${parsed.message}` }),
      );
  }
  if (problems.length > 0 || compiled.length === 0) return { compiled, problems };
  return {
    compiled,
    problems: [...checkReach(source, compiled), ...checkPossible(source, compiled)],
  };
}

/** Alertmanager's own rule for silences: one matcher at least must ask for something. */
function checkReach(source: YamlSource, matchers: readonly Matcher[]): readonly Problem[] {
  if (matchers.some((matcher) => !matcherHolds(matcher, {}))) return [];
  const message =
    'matchers: every alert could match, since no matcher asks for a label to be there';
  return [problemAt(source, ['matchers'], message, 'name the alert: alertname="..."')];
}

/** Two matchers that exclude each other make a rule that never runs, and nobody would notice. */
function checkPossible(source: YamlSource, matchers: readonly Matcher[]): readonly Problem[] {
  for (const { label, op, value, text } of matchers) {
    if (op !== '=') continue;
    const index = matchers.findIndex((other) => other.label === label && !other.test(value));
    if (index === -1) continue;
    const message = `${pathText(['matchers', index])}: can never hold together with ${text}`;
    return [problemAt(source, ['matchers', index], message, 'remove one of the two')];
  }
  return [];
}

/** Labels that are there whenever all matchers hold. */
function presentLabels(matchers: readonly Matcher[]): ReadonlySet<string> {
  const asked = matchers.filter((matcher) => !matcher.test('')).map((matcher) => matcher.label);
  return new Set(['alertname', ...asked]);
}

/* ---------------------------------------------------------------- steps */

function checkSteps(
  source: YamlSource,
  matchers: readonly Matcher[],
  catalogue: Catalogue,
  options: CompileOptions,
): readonly Problem[] {
  const steps = valueAt(source, ['steps']);
  if (!Array.isArray(steps)) return [];
  const present = presentLabels(matchers);
  return steps.flatMap((step, index) => {
    if (!isObject(step)) return [];
    const path = ['steps', index];
    return [
      ...checkAction(source, path, catalogue, options),
      ...templateProblems(source, [...path, 'with'], step['with'], present),
      ...verifyProblems(source, [...path, 'verify'], present),
    ];
  });
}

function checkOtherwise(
  source: YamlSource,
  catalogue: Catalogue,
  options: CompileOptions,
): readonly Problem[] {
  const name = valueAt(source, ['otherwise']);
  if (options.pinned || name === '' || name === 'log') return [];
  const known = { ...catalogue, notifiers: [...catalogue.notifiers, 'log'] };
  return checkNotifier(source, ['otherwise'], name, known);
}

/* ---------------------------------------------------------------- the rule */

type StepFile = RuleFile['steps'][number];

function ruleOf(parsed: RuleFile, matchers: readonly Matcher[], input: RuleText): Rule {
  return {
    name: parsed.name,
    summary: parsed.summary,
    runbook: parsed.runbook ?? null,
    enabled: parsed.enabled,
    mode: parsed.mode,
    continue: parsed.continue,
    matchers,
    when: parsed.when,
    steps: parsed.steps.map(stepOf),
    guard: guardOf(parsed.guard),
    holdout:
      parsed.holdout === undefined
        ? null
        : { share_pct: parsed.holdout, for_ms: parsed.holdout_for ?? firstWithinOf(parsed.steps) },
    otherwise: parsed.otherwise,
    file: input.file,
    text: input.text,
    hash: input.hash,
  };
}

function guardOf(guard: RuleFile['guard']): RuleGuard {
  return {
    cooldown_ms: guard.cooldown,
    limit: guard.limit,
    limit_rule: guard.limit_rule ?? [],
    max_age_ms: guard.max_age,
    min_healthy: guard.min_healthy ?? null,
    approval: {
      role: guard.approval.from,
      within_ms: guard.approval.within ?? Math.min(RULE_DEFAULTS.approval_within_ms, guard.max_age),
    },
  };
}

function stepOf(step: StepFile): RuleStep {
  return {
    action: step.action,
    with: step.with,
    lease_ms: step.lease ?? null,
    verify: verifyOf(step.verify),
    deadline_ms: step.deadline,
  };
}
