import type { Problem } from '../rules/diagnostic.ts';
import { didYouMean } from '../suggest.ts';
import { type Path, problemAt } from '../rules/yaml-source.ts';
import { annotation, annotationMs, ANNOTATION } from './annotations.ts';
import type { BurnAlert, Slo, SloSet } from './model.ts';
import type { Doc, Docs } from './openslo.ts';
import { indicatorOf } from './indicator.ts';
import { durationMs } from './openslo-duration.ts';

const RUNBOOK = 'docs/runbooks/service-slo.md';
/** Events below which one bad night of a quiet service would wake somebody. */
const MIN_BAD = 3;

/** The model with the documents it was made from, for the places of what is wrong with it. */
export interface Resolved {
  readonly set: SloSet;
  readonly docs: Docs;
  readonly doc_of: ReadonlyMap<Slo, Doc<'SLO'>>;
  readonly condition_of: ReadonlyMap<BurnAlert, Doc<'AlertCondition'>>;
  readonly policy_of: ReadonlyMap<BurnAlert, Doc<'AlertPolicy'>>;
}

/** References followed, annotations read; what does not fit is added to `problems`. */
export function resolve(file: string, docs: Docs, problems: Problem[]): Resolved | undefined {
  const doc_of = new Map<Slo, Doc<'SLO'>>();
  for (const doc of docs.SLO.values()) {
    const slo = sloOf(doc, docs, problems);
    if (slo !== undefined) doc_of.set(slo, doc);
  }
  const condition_of = new Map<BurnAlert, Doc<'AlertCondition'>>();
  const policy_of = new Map<BurnAlert, Doc<'AlertPolicy'>>();
  for (const [name, policy] of docs.AlertPolicy) {
    const slos = [...doc_of].filter(([, { it }]) =>
      it.spec.alertPolicies.some(({ alertPolicyRef }) => alertPolicyRef === name),
    );
    const made = alertOf(
      policy,
      docs,
      slos.map(([slo]) => slo),
      problems,
    );
    if (made === undefined) continue;
    condition_of.set(made.alert, made.condition);
    policy_of.set(made.alert, policy);
  }
  if (problems.length > 0) return undefined;
  const job =
    [...docs.Service.values()].map(({ it }) => annotation(it, 'job')).find(Boolean) ?? null;
  const set = { file, job, slos: [...doc_of.keys()], alerts: [...condition_of.keys()] };
  return { set, docs, doc_of, condition_of, policy_of };
}

function sloOf(doc: Doc<'SLO'>, docs: Docs, problems: Problem[]): Slo | undefined {
  const { it } = doc;
  refer(doc, ['spec', 'service'], it.spec.service, docs.Service, problems);
  for (const [at, { alertPolicyRef }] of it.spec.alertPolicies.entries())
    refer(
      doc,
      ['spec', 'alertPolicies', at, 'alertPolicyRef'],
      alertPolicyRef,
      docs.AlertPolicy,
      problems,
    );
  const objective = it.spec.objectives[0];
  const window = it.spec.timeWindow[0];
  const indicator = indicatorOf(doc, problems);
  if (indicator === undefined || objective === undefined || window === undefined) return undefined;
  const policies = it.spec.alertPolicies.map(({ alertPolicyRef }) =>
    docs.AlertPolicy.get(alertPolicyRef),
  );
  return {
    slo: it.metadata.name.replaceAll('-', '_'),
    service: it.spec.service,
    summary: it.spec.description,
    objective: objective.targetPercent ?? objective.target ?? 0,
    period_ms: window.duration,
    also_over_ms: (annotation(it, 'also-over') ?? '')
      .split(',')
      .map((one) => durationMs(one.trim()))
      .filter((ms) => typeof ms === 'number'),
    min_bad: Number(annotation(it, 'min-bad') ?? MIN_BAD),
    indicator,
    by_drill: annotation(it, 'drills') === 'separate',
    tell_absent: policies.some((policy) => policy?.it.spec.alertWhenNoData === true),
  };
}

function alertOf(
  policy: Doc<'AlertPolicy'>,
  docs: Docs,
  slos: readonly Slo[],
  problems: Problem[],
): { readonly alert: BurnAlert; readonly condition: Doc<'AlertCondition'> } | undefined {
  const { it, source } = policy;
  const name = it.spec.conditions[0]?.conditionRef ?? '';
  refer(policy, ['spec', 'conditions', 0, 'conditionRef'], name, docs.AlertCondition, problems);
  for (const [at, { targetRef }] of it.spec.notificationTargets.entries())
    refer(
      policy,
      ['spec', 'notificationTargets', at, 'targetRef'],
      targetRef,
      docs.AlertNotificationTarget,
      problems,
    );
  if (slos.length === 0)
    problems.push(
      problemAt(
        source,
        ['metadata', 'name'],
        'no SLO refers to this policy',
        'remove it, or refer to it',
      ),
    );
  const condition = docs.AlertCondition.get(name);
  const alertname = needed(policy, 'alertname', 'the name of the alert in Prometheus', problems);
  if (condition === undefined) return undefined;
  const why = 'a twelfth of the lookbackWindow, so that the alert ends soon after the trouble';
  needed(condition, 'short-window', why, problems);
  const short_ms = annotationMs(condition.it, 'short-window');
  if (alertname === undefined || short_ms === undefined) return undefined;
  const { severity, condition: burn } = condition.it.spec;
  const alert: BurnAlert = {
    alertname,
    severity,
    factor: burn.threshold,
    long_ms: burn.lookbackWindow,
    short_ms,
    for_ms: burn.alertAfter,
    runbook: annotation(it, 'runbook') ?? RUNBOOK,
    slos,
  };
  return { alert, condition };
}

/** An annotation that has to be there; `what` says what to write. */
function needed(
  { it, source }: Doc<'AlertPolicy'> | Doc<'AlertCondition'>,
  name: string,
  what: string,
  problems: Problem[],
): string | undefined {
  const found = annotation(it, name);
  const key = `${ANNOTATION}${name}`;
  if (found === undefined)
    problems.push(
      problemAt(
        source,
        ['metadata', 'annotations', key],
        `the annotation ${key} is missing`,
        `add it: ${what}`,
      ),
    );
  return found;
}

function refer(
  { source }: Pick<Doc<'SLO'>, 'source'>,
  path: Path,
  name: string,
  docs: ReadonlyMap<string, unknown>,
  problems: Problem[],
): void {
  if (docs.has(name)) return;
  const fix = docs.size === 0 ? 'add the document it names' : didYouMean(name, [...docs.keys()]);
  problems.push(problemAt(source, path, `there is no "${name}" in this file`, fix));
}
