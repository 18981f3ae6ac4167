import type { AnyAction } from '../action.ts';
import { parseWorkload, type K8sResource } from '../adapters/scaler.ts';
import { hasTemplate } from '../core/rules/template-parse.ts';
import type { Rule, RuleStep } from '../core/rules/rule.ts';

/** What the enabled rules ask of the world around autoheal. */
export interface Needs {
  /** Names of the rules that need each. */
  readonly docker: readonly string[];
  readonly swarm: readonly string[];
  readonly kubernetes: readonly string[];
  readonly prometheus: readonly string[];
  /** Containers that rules name in full, without a template. */
  readonly containers: readonly string[];
  /** Kubernetes workloads that rules name; the name is left out, RBAC asks by namespace. */
  readonly workloads: readonly { readonly namespace: string; readonly resource: K8sResource }[];
  /** Names of alerts that matchers name in full, each with its rule. */
  readonly alertnames: readonly { readonly rule: string; readonly alertname: string }[];
  /** The shortest of the rules' max_age, ms; null without rules. */
  readonly max_age_ms: number | null;
}

export function needsOf(rules: readonly Rule[], actions: ReadonlyMap<string, AnyAction>): Needs {
  const enabled = rules.filter((rule) => rule.enabled);
  const steps = enabled.flatMap((rule) => rule.steps.map((step) => ({ rule: rule.name, step })));
  function rulesWith(fits: (step: RuleStep) => boolean): readonly string[] {
    return [...new Set(steps.filter(({ step }) => fits(step)).map(({ rule }) => rule))];
  }
  function uses(step: RuleStep, backend: string, scheme: RegExp): boolean {
    const own = actions.get(step.action)?.backend;
    return own === backend || (own === 'workers' && scheme.test(textOf(step, 'workload')));
  }
  return {
    docker: rulesWith((step) => uses(step, 'docker', /^(compose|swarm)\//)),
    swarm: rulesWith((step) => textOf(step, 'workload').startsWith('swarm/')),
    kubernetes: rulesWith((step) => uses(step, 'kubernetes', /^k8s\//)),
    prometheus: rulesWith((step) => step.verify.check.kind === 'promql'),
    containers: literals(steps.map(({ step }) => textOf(step, 'container'))),
    workloads: workloadsOf(literals(steps.map(({ step }) => textOf(step, 'workload')))),
    alertnames: enabled.flatMap(({ name, matchers }) =>
      matchers
        .filter(({ label, op }) => label === 'alertname' && op === '=')
        .map(({ value }) => ({ rule: name, alertname: value })),
    ),
    max_age_ms: enabled.length === 0 ? null : Math.min(...enabled.map((r) => r.guard.max_age_ms)),
  };
}

function textOf(step: RuleStep, key: string): string {
  const value = step.with[key];
  return typeof value === 'string' ? value : '';
}

function literals(texts: readonly string[]): readonly string[] {
  return [...new Set(texts.filter((text) => text !== '' && !hasTemplate(text)))];
}

function workloadsOf(texts: readonly string[]): Needs['workloads'] {
  const found = new Map<string, Needs['workloads'][number]>();
  for (const text of texts) {
    const ref = parseWorkload(text);
    if (ref?.kind !== 'k8s') continue;
    const { namespace, resource } = ref;
    found.set(`${namespace}/${resource}`, { namespace, resource });
  }
  return [...found.values()];
}
