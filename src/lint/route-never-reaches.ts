import { problemAt } from '../core/rules/yaml-source.ts';
import type { Lint } from './lint.ts';
import { receiversOf, wantedOf } from './reach.ts';

/** Whatever else its series carry, the alert goes elsewhere: the rule for it never runs. */
export const routeNeverReaches: Lint = {
  id: 'route-never-reaches',
  severity: 'error',
  check({ rules, alerts, alertmanager }) {
    if (alerts === undefined || alertmanager === undefined) return [];
    const webhooks = alertmanager.webhooks.filter(({ ours }) => ours !== 'no');
    const ours = new Set(webhooks.map(({ receiver }) => receiver));
    return wantedOf(alerts, rules).flatMap(({ alert, rule, known }) => {
      const receivers = [...receiversOf(alertmanager.root, known)];
      if (receivers.some((receiver) => ours.has(receiver))) return [];
      const message = `${alert.name}, which rule ${rule.name} heals, never reaches autoheal: it goes to receiver ${receivers.join(', ')}`;
      const fix =
        ours.size === 0
          ? 'add a receiver with the webhook of autoheal and a route to it: docs/alertmanager.md'
          : `give it the labels that a route to ${[...ours].join(' or ')} asks for, or add such a route above those that take it`;
      return [problemAt(alert.source, [...alert.path, 'alert'], message, fix)];
    });
  },
};
