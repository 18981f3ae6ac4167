import { problemAt } from '../core/rules/yaml-source.ts';
import type { Labels } from '../core/json.ts';
import { type Route, routesOf } from './alertmanager.ts';
import type { Lint } from './lint.ts';
import { allOf, receiversOf, truthOf, wantedOf } from './reach.ts';

/** It reaches autoheal only with a label that the alert's rule does not write, as an opt-in label forgotten. */
export const routeNeedsLabel: Lint = {
  id: 'route-needs-label',
  severity: 'warning',
  check({ rules, alerts, alertmanager }) {
    if (alerts === undefined || alertmanager === undefined) return [];
    const { root, webhooks } = alertmanager;
    const ours = new Set(webhooks.filter((w) => w.ours !== 'no').map((w) => w.receiver));
    const ways = routesOf(root).filter(({ route }) => ours.has(route.receiver));
    return wantedOf(alerts, rules).flatMap(({ alert, rule, known }) => {
      const open = ways.filter(({ matchers }) => allOf(matchers, known) !== 'no');
      const matchers = open.flatMap((way) => way.matchers);
      // A label that its rule fills by a template is there where its author meant it to be.
      const missing = matchers.filter(
        (matcher) => truthOf(matcher, known) === 'maybe' && !alert.written.has(matcher.label),
      );
      // The same alert if its series carry none of the labels in question.
      const bare = Object.fromEntries(missing.map(({ label }) => [label, '']));
      if (!reaches(root, ours, known) || reaches(root, ours, { ...bare, ...known })) return [];
      const asked = [...new Set(missing.map(({ text }) => text))].join(' or ');
      const message = `${alert.name}, which rule ${rule.name} heals, reaches autoheal only where its series carry ${asked}`;
      const fix = 'write the label under labels, unless every series has it';
      return [problemAt(alert.source, [...alert.path, 'alert'], message, fix)];
    });
  },
};

function reaches(root: Route, ours: ReadonlySet<string>, known: Labels): boolean {
  return [...receiversOf(root, known)].some((receiver) => ours.has(receiver));
}
