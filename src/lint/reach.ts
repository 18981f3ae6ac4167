import type { Labels } from '../core/json.ts';
import { type Matcher, matcherHolds } from '../core/rules/matcher.ts';
import type { Rule } from '../core/rules/rule.ts';
import { type Route, routesOf } from './alertmanager.ts';
import type { Configurations, RuleWithSource } from './lint.ts';
import type { Alert } from './prometheus.ts';
import type { Webhook } from './webhooks.ts';

/**
 * What can be said without data: an alert has the labels that its rule writes, and others that come with its
 * series, which nobody knows here.
 */
export type Truth = 'yes' | 'no' | 'maybe';

export function truthOf(matcher: Matcher, known: Labels): Truth {
  if (!Object.hasOwn(known, matcher.label)) return 'maybe';
  return matcherHolds(matcher, known) ? 'yes' : 'no';
}

/** All must hold. */
export function allOf(matchers: readonly Matcher[], known: Labels): Truth {
  const truths = new Set(matchers.map((matcher) => truthOf(matcher, known)));
  if (truths.has('no')) return 'no';
  return truths.has('maybe') ? 'maybe' : 'yes';
}

/** A rule gets the alert, as far as one can tell: nothing speaks against it, and something speaks for it. */
export function mayGet(rule: Rule, known: Labels): boolean {
  if (allOf(rule.matchers, known) === 'no') return false;
  return rule.matchers.some((matcher) => !matcher.test('') && truthOf(matcher, known) === 'yes');
}

/** May one alert satisfy both lists? No, where a label that one of them pins does not fit the other. */
export function mayOverlap(a: readonly Matcher[], b: readonly Matcher[]): boolean {
  const pinned = pinnedBy([...a, ...b]);
  return allOf([...a, ...b], pinned) !== 'no';
}

/** The labels that the matchers fix to one value. */
export function pinnedBy(matchers: readonly Matcher[]): Labels {
  const exact = matchers.filter(({ op }) => op === '=');
  return Object.fromEntries(exact.map(({ label, value }) => [label, value]));
}

/**
 * Who can get an alert, by Alertmanager's semantics: the first child that matches takes it, further ones while
 * `continue` holds, and the route itself where no child did.
 */
export function receiversOf(root: Route, known: Labels): ReadonlySet<string> {
  return new Set(walk(root, known).receivers);
}

function walk(
  route: Route,
  known: Labels,
): { readonly receivers: readonly string[]; readonly matched: Truth } {
  const matched = allOf(route.matchers, known);
  if (matched === 'no') return { receivers: [], matched };
  const receivers: string[] = [];
  let taken = false;
  for (const child of route.routes) {
    const below = walk(child, known);
    receivers.push(...below.receivers);
    if (below.matched !== 'yes') continue;
    taken = true;
    if (!child.continue) break;
  }
  if (!taken) receivers.push(route.receiver);
  return { receivers, matched };
}

/** An alert of Prometheus that a rule may get, with all that is known of its labels then. */
export interface Wanted {
  readonly alert: Alert;
  readonly rule: Rule;
  readonly known: Labels;
}

/** Alerts about autoheal are people's to mend: see heals-itself.ts. */
function isOwn({ name, labels }: Alert): boolean {
  return labels['service'] === 'autoheal' || name.startsWith('Autoheal');
}

/** For each alert the first rule that may get it. */
export function wantedOf(
  alerts: readonly Alert[],
  rules: readonly RuleWithSource[],
): readonly Wanted[] {
  return alerts.flatMap((alert) => {
    if (isOwn(alert)) return [];
    const rule = rules.find((candidate) => mayGet(candidate.rule, alert.labels))?.rule;
    if (rule === undefined) return [];
    return [{ alert, rule, known: { ...pinnedBy(rule.matchers), ...alert.labels } }];
  });
}

/** Routes whose receiver is autoheal and that can bring an alert of some rule, with those rules. */
export function servingRoutes({ alertmanager, rules, alerts }: Configurations): readonly {
  readonly route: Route;
  readonly rules: readonly RuleWithSource[];
}[] {
  if (alertmanager === undefined) return [];
  const ours = new Set(alertmanager.webhooks.filter(isOurs).map(({ receiver }) => receiver));
  return routesOf(alertmanager.root)
    .filter(({ route }) => ours.has(route.receiver))
    .map(({ route, matchers }) => ({
      route,
      rules: rules.filter(({ rule }) => serves(matchers, rule, alerts ?? [])),
    }))
    .filter((serving) => serving.rules.length > 0);
}

/**
 * Can an alert that comes by these matchers be the rule's? A route for one alert, as the Watchdog's, is only for
 * rules that speak of names, or that get the alert of that name as far as its labels are known.
 */
function serves(way: readonly Matcher[], rule: Rule, alerts: readonly Alert[]): boolean {
  if (!mayOverlap(rule.matchers, way)) return false;
  const name = pinnedBy(way)['alertname'];
  if (name === undefined || rule.matchers.some(({ label }) => label === 'alertname')) return true;
  return alerts.some((alert) => alert.name === name && mayGet(rule, alert.labels));
}

/** Webhooks of autoheal that some rule lives by; the Watchdog's, for one, may be set otherwise. */
export function servingWebhooks(of: Configurations): readonly Webhook[] {
  const receivers = new Set(servingRoutes(of).map(({ route }) => route.receiver));
  const webhooks = of.alertmanager?.webhooks ?? [];
  return webhooks.filter((webhook) => isOurs(webhook) && receivers.has(webhook.receiver));
}

function isOurs({ ours }: Webhook): boolean {
  return ours === 'yes';
}
