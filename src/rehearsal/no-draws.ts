import type { Rule, RuleSet } from '../core/rules/rule.ts';
import type { Rulebook } from '../engine/api.ts';

/**
 * The rulebook of a rehearsal: nothing is held out. Which firings a rule leaves alone is drawn by their ids, and a
 * story has others each time; a rule is tested by what it does for all that it does not leave alone.
 */
export function withoutDraws(rulebook: Rulebook): Rulebook {
  const sets = new WeakMap<RuleSet, RuleSet>();
  return {
    ...rulebook,
    current() {
      const set = rulebook.current();
      if (set === undefined) return undefined;
      const known = sets.get(set) ?? { ...set, rules: set.rules.map(notHeldOut) };
      sets.set(set, known);
      return known;
    },
    async byHash(hash) {
      const rule = await rulebook.byHash(hash);
      return rule === undefined ? undefined : notHeldOut(rule);
    },
  };
}

function notHeldOut(rule: Rule): Rule {
  return rule.holdout === null ? rule : { ...rule, holdout: null };
}
