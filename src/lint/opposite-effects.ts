import type { Json } from '../core/json.ts';
import type { RuleStep } from '../core/rules/rule.ts';
import { problemAt } from '../core/rules/yaml-source.ts';
import type { Lint } from './lint.ts';
import { mayOverlap } from './reach.ts';

/** Both rules get one alert, and the second undoes what the first did. */
export const oppositeEffects: Lint = {
  id: 'opposite-effects',
  severity: 'warning',
  check({ rules }) {
    return rules.flatMap(({ rule, source }, at) => {
      // Of rules without `continue` the first takes the alert for itself, so no other gets it too.
      const before = rules
        .slice(0, at)
        .filter((other) => other.rule.continue && mayOverlap(other.rule.matchers, rule.matchers));
      return rule.steps.flatMap((step, index) => {
        const other = before.find((earlier) => earlier.rule.steps.some((s) => opposite(s, step)));
        if (other === undefined) return [];
        const message = `this undoes what rule ${other.rule.name} does to the same target, and one alert can start both`;
        const fix = `make the matchers exclude each other, or remove continue from ${other.rule.name}`;
        return [problemAt(source, ['steps', index, 'with'], message, fix)];
      });
    });
  },
};

function opposite(a: RuleStep, b: RuleStep): boolean {
  if (a.action !== b.action) return false;
  if (a.action === 'set_flag')
    return a.with['flag'] === b.with['flag'] && a.with['value'] !== b.with['value'];
  if (a.action !== 'scale_workers' || a.with['workload'] !== b.with['workload']) return false;
  const [one, two] = [numberOf(a.with['by']), numberOf(b.with['by'])];
  if (one !== undefined && two !== undefined) return one * two < 0;
  return a.with['to'] !== undefined && b.with['to'] !== undefined && a.with['to'] !== b.with['to'];
}

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
