import type { Labels } from '../json.ts';
import { firstFailing } from './matcher.ts';
import type { Rule } from './rule.ts';

/** What the rules say of one alert. */
export interface Match {
  /** The rules to run, in order: the first that matches, and further ones while `continue` holds. */
  readonly chosen: readonly Rule[];
  /** Enabled rules that do not match, each with the matcher that failed first: "why not?". */
  readonly missed: readonly { readonly rule: string; readonly matcher: string }[];
}

/** DESIGN §5: the first rule that matches wins, in file-name order, as in Alertmanager's routes. */
export function matchRules(rules: readonly Rule[], labels: Labels): Match {
  const chosen: Rule[] = [];
  const missed: { rule: string; matcher: string }[] = [];
  for (const rule of rules) {
    if (!rule.enabled) continue;
    const failing = firstFailing(rule.matchers, labels);
    if (failing !== undefined) {
      missed.push({ rule: rule.name, matcher: failing.text });
      continue;
    }
    chosen.push(rule);
    if (!rule.continue) break;
  }
  return { chosen, missed };
}
