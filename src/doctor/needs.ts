import type { AnyAction } from '../action.ts';
import type { Json } from '../core/json.ts';
import type { Rule, RuleStep } from '../core/rules/rule.ts';
import { hasTemplate } from '../core/rules/template-parse.ts';
import { type KubeRight, rightsOf } from './rights.ts';

/** What the enabled rules ask of the world around autoheal. */
export interface Needs {
  /** Names of the rules that need each. */
  readonly docker: readonly string[];
  readonly swarm: readonly string[];
  readonly kubernetes: readonly string[];
  /** They look by PromQL: `verify`, or `when`. */
  readonly prometheus: readonly string[];
  /** Containers that rules name in full, without a template. */
  readonly containers: readonly string[];
  /** Of the Kubernetes workloads and pods that rules name. */
  readonly rights: readonly KubeRight[];
  /** Addresses that rules verify by, named in full. */
  readonly looks: readonly Look[];
  /** Databases of the policy, each with a rule that uses it. */
  readonly databases: readonly { readonly rule: string; readonly database: string }[];
  /** Names of alerts that matchers name in full, each with its rule. */
  readonly alertnames: readonly { readonly rule: string; readonly alertname: string }[];
  /** The shortest of the rules' max_age, ms; null without rules. */
  readonly max_age_ms: number | null;
}
export interface Look {
  readonly rule: string;
  readonly check: Extract<RuleStep['verify']['check'], { kind: 'http' | 'tcp' }>;
}

export function needsOf(rules: readonly Rule[], actions: ReadonlyMap<string, AnyAction>): Needs {
  const enabled = rules.filter((rule) => rule.enabled);
  const steps = enabled.flatMap((rule) => rule.steps.map((step) => ({ rule: rule.name, step })));
  function rulesWith(fits: (step: RuleStep) => boolean): readonly string[] {
    return unique(steps.filter(({ step }) => fits(step)).map(({ rule }) => rule));
  }
  function uses(step: RuleStep, backend: string, scheme: RegExp): boolean {
    const own = actions.get(step.action)?.backend;
    return own === backend || (own === 'workers' && scheme.test(textOf(step, 'workload')));
  }
  return {
    docker: rulesWith((step) => uses(step, 'docker', /^(compose|swarm)\//)),
    swarm: rulesWith((step) => textOf(step, 'workload').startsWith('swarm/')),
    kubernetes: rulesWith((step) => uses(step, 'kubernetes', /^k8s\//)),
    prometheus: enabled.filter(asksPrometheus).map((rule) => rule.name),
    containers: unique(steps.flatMap(({ step }) => containersOf(step))),
    rights: uniqueRights(steps.flatMap(({ step }) => rightsOfStep(step))),
    looks: uniqueLooks(steps.flatMap(({ rule, step }) => looksOf(rule, step))),
    databases: steps.flatMap(({ rule, step }) =>
      literals([textOf(step, 'database')]).map((database) => ({ rule, database })),
    ),
    alertnames: enabled.flatMap(({ name, matchers }) =>
      matchers
        .filter(({ label, op }) => label === 'alertname' && op === '=')
        .map(({ value }) => ({ rule: name, alertname: value })),
    ),
    max_age_ms: enabled.length === 0 ? null : Math.min(...enabled.map((r) => r.guard.max_age_ms)),
  };
}

function asksPrometheus({ when, steps }: Rule): boolean {
  return (
    when.some(({ kind }) => kind === 'promql') ||
    steps.some(({ verify }) => verify.check.kind === 'promql')
  );
}

/** The one that is restarted, and those that are after it. */
function containersOf(step: RuleStep): readonly string[] {
  const { then } = step.with as { readonly then?: Json };
  const after = Array.isArray(then) ? then.filter((each) => typeof each === 'string') : [];
  return literals([textOf(step, 'container'), ...after]);
}

function rightsOfStep(step: RuleStep): readonly KubeRight[] {
  const reference = textOf(step, step.action === 'delete_pod' ? 'pod' : 'workload');
  return literals([reference]).flatMap((text) => rightsOf(step.action, text));
}

function looksOf(rule: string, { verify: { check } }: RuleStep): readonly Look[] {
  if (check.kind !== 'http' && check.kind !== 'tcp') return [];
  return hasTemplate(check.kind === 'http' ? check.url : check.address) ? [] : [{ rule, check }];
}

function textOf(step: RuleStep, key: string): string {
  const value = step.with[key];
  return typeof value === 'string' ? value : '';
}

function literals(texts: readonly string[]): readonly string[] {
  return unique(texts.filter((text) => text !== '' && !hasTemplate(text)));
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}

function uniqueRights(rights: readonly KubeRight[]): readonly KubeRight[] {
  return [...new Map(rights.map((right) => [JSON.stringify(right), right])).values()];
}

function uniqueLooks(looks: readonly Look[]): readonly Look[] {
  return [...new Map(looks.map((look) => [JSON.stringify(look.check), look])).values()];
}
