import { problemAt } from '../core/rules/yaml-source.ts';
import { nearest } from '../core/suggest.ts';
import type { Lint } from './lint.ts';

/** A rule that waits for an alert that nobody sends never runs. */
export const alertUnknown: Lint = {
  id: 'alert-unknown',
  severity: 'error',
  check({ rules, alerts }) {
    if (alerts === undefined) return [];
    const names = [...new Set(alerts.map(({ name }) => name))];
    return rules.flatMap(({ rule, source }) =>
      rule.matchers.flatMap(({ label, op, value }, at) => {
        if (label !== 'alertname' || op !== '=' || names.includes(value)) return [];
        const near = nearest(value, names);
        const or = 'name an alert that a rule of Prometheus defines, or give its file too';
        const fix = near === undefined ? or : `did you mean "${near}"? Else ${or}`;
        const message = `no Prometheus rule defines the alert ${value}`;
        return [problemAt(source, ['matchers', at], message, fix)];
      }),
    );
  },
};
