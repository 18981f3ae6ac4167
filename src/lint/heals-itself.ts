import type { Labels } from '../core/json.ts';
import { problemAt } from '../core/rules/yaml-source.ts';
import type { Lint } from './lint.ts';
import { mayGet } from './reach.ts';

/** Alerts about autoheal itself, as prometheus/rules/ has them: the labels that every such alert writes. */
const OWN: readonly Labels[] = [
  'AutohealDown',
  'AutohealStoreDown',
  'AutohealAvailabilityBurnFast',
  'AutohealErrorBudgetBurnSlow',
  'AutohealAlertPipelineStale',
].flatMap((alertname) =>
  ['page', 'ticket'].map((severity) => ({ alertname, service: 'autoheal', severity })),
);

/** What is wrong with autoheal is no matter that autoheal can judge. */
export const healsItself: Lint = {
  id: 'heals-itself',
  severity: 'warning',
  check({ rules }) {
    return rules.flatMap(({ rule, source }) => {
      const own = OWN.find((labels) => mayGet(rule, labels));
      if (own === undefined) return [];
      const message = `this takes alerts about autoheal itself, like ${own['alertname']}`;
      const fix = 'add the matcher \'service!="autoheal"\'';
      return [problemAt(source, ['matchers'], message, fix)];
    });
  },
};
