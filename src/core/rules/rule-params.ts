import type { Problem } from './diagnostic.ts';
import type { Json, JsonObject } from '../json.ts';
import { templateAt, templateIssue } from './rendered-params.ts';
import type { ActionFacts, Catalogue, CompileOptions } from './catalogue.ts';
import { checkReach } from './rule-reach.ts';
import { didYouMean } from '../suggest.ts';
import { hasTemplate } from './template-parse.ts';
import { type Path, problemAt, problemAtKey, type YamlSource, valueAt } from './yaml-source.ts';
import { kindOf, pathText, zodProblems } from './zod-problems.ts';

/** A step's action and parameters against what there is. `path`: where the step stands. */
export function checkAction(
  source: YamlSource,
  path: Path,
  catalogue: Catalogue,
  options: CompileOptions,
): readonly Problem[] {
  const id = valueAt(source, [...path, 'action']);
  // A missing or misshapen one is the schema's to report.
  if (typeof id !== 'string' || id === '') return [];
  const action = catalogue.action(id);
  if (action === undefined) {
    const place = [...path, 'action'];
    const message = `${pathText(place)}: there is no action "${id}"`;
    return [problemAt(source, place, message, didYouMean(id, catalogue.action_ids))];
  }
  return [
    ...checkAbilities(source, path, id, action),
    ...checkParams(source, [...path, 'with'], action),
    ...(options.pinned ? [] : checkNames(source, [...path, 'with'], id, catalogue)),
  ];
}

function checkAbilities(
  source: YamlSource,
  path: Path,
  id: string,
  action: ActionFacts,
): readonly Problem[] {
  const problems: Problem[] = [];
  const lease = [...path, 'lease'];
  if (!action.leasable && valueAt(source, lease) !== undefined) {
    const message = `${pathText(lease)}: ${id} cannot be undone, so it cannot be leased`;
    problems.push(problemAtKey(source, lease, message, 'remove lease'));
  }
  const health = [...path, 'verify', 'health'];
  if (!action.has_verify && valueAt(source, health) !== undefined) {
    const message = `${pathText(health)}: ${id} knows no health of what it touches`;
    problems.push(problemAtKey(source, health, message, 'write resolved: true or promql: ...'));
  }
  return problems;
}

/** The action's own schema on what is written; what a template stands in for is checked again later. */
function checkParams(source: YamlSource, path: Path, action: ActionFacts): readonly Problem[] {
  const written = valueAt(source, path) ?? {};
  if (!isObject(written)) return [];
  const parsed = action.params.safeParse(written);
  if (parsed.success) return [];
  const plain = parsed.error.issues.filter(
    (issue) => templateAt(written, issue.path) === undefined,
  );
  const templated = parsed.error.issues.flatMap((issue) => {
    const text = templateAt(written, issue.path);
    const message = text === undefined ? undefined : templateIssue(issue, text);
    if (message === undefined) return [];
    const place = [...path, ...issue.path];
    return [problemAt(source, place, `${pathText(place)}: ${message}`, 'write the value itself')];
  });
  return [...zodProblems(source, plain, action.params, path), ...templated];
}

/**
 * By convention a parameter `flag` names a flag of the policy (`value` beside it has its type) and a
 * parameter `notifier` names a notifier, a parameter `database` a database: a wrong name is found when the rule loads, not at 03:00.
 */
function checkNames(
  source: YamlSource,
  path: Path,
  action: string,
  catalogue: Catalogue,
): readonly Problem[] {
  const params = valueAt(source, path);
  if (!isObject(params)) return [];
  return [
    ...checkFlag(source, path, params, catalogue),
    ...checkNotifier(source, [...path, 'notifier'], params['notifier'], catalogue),
    ...checkReach(source, path, { action, params }, catalogue),
  ];
}

function checkFlag(
  source: YamlSource,
  path: Path,
  params: JsonObject,
  { flags }: Catalogue,
): readonly Problem[] {
  const { flag, value } = params;
  if (typeof flag !== 'string' || hasTemplate(flag)) return [];
  const declared = Object.hasOwn(flags, flag) ? flags[flag] : undefined;
  if (declared === undefined) {
    const place = [...path, 'flag'];
    const message = `${pathText(place)}: the policy declares no flag "${flag}"`;
    return [problemAt(source, place, message, didYouMean(flag, Object.keys(flags)))];
  }
  const type = typeof declared.default;
  if (value === undefined || value === null || typeof value === type) return [];
  const place = [...path, 'value'];
  const kind = typeof declared.default === 'boolean' ? 'true or false' : kindOf(declared.default);
  const message = `${pathText(place)}: the flag "${flag}" takes ${kind}, not ${kindOf(value)}`;
  return [problemAt(source, place, message, `write ${kind}`)];
}

/** `log` is no notifier of the policy; only `otherwise` takes it. */
export function checkNotifier(
  source: YamlSource,
  path: Path,
  name: Json | undefined,
  { notifiers }: Pick<Catalogue, 'notifiers'>,
): readonly Problem[] {
  if (typeof name !== 'string' || hasTemplate(name) || notifiers.includes(name)) return [];
  const message = `${pathText(path)}: the policy has no notifier "${name}"`;
  const fix =
    notifiers.length === 0
      ? 'declare it in the policy under notifiers'
      : didYouMean(name, notifiers);
  return [problemAt(source, path, message, fix)];
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
