import { problemAt } from '../core/rules/yaml-source.ts';
import type { Lint } from './lint.ts';
import type { Alert } from './prometheus.ts';

/**
 * The rule needs a label that its alert cannot have: the expression keeps other labels only. A template without
 * `default` asks for its label by a matcher, so the matcher is where that shows.
 */
export const labelImpossible: Lint = {
  id: 'label-impossible',
  severity: 'warning',
  check({ rules, alerts }) {
    if (alerts === undefined) return [];
    return rules.flatMap(({ rule, source }) => {
      const name = rule.matchers.find(({ label, op }) => label === 'alertname' && op === '=');
      const got = alerts.filter((alert) => alert.name === name?.value);
      if (got.length === 0) return [];
      return rule.matchers.flatMap(({ label, test }, at) => {
        if (test('') || !got.every((alert) => lacks(alert, label))) return [];
        const message = `the alert ${name?.value} never has the label ${label}: its expression does not keep it, and its rule does not write it`;
        const fix = `add ${label} to "by (...)" in the expression, or to the labels of the alert's rule`;
        return [problemAt(source, ['matchers', at], message, fix)];
      });
    });
  },
};

function lacks({ expr, written }: Alert, label: string): boolean {
  const kept = keptBy(expr);
  return kept !== undefined && !kept.has(label) && !written.has(label);
}

const AGGREGATION = /^(?:sum|count|avg|min|max)\s*/;
const BY = /^by\s*\(([\w\s,]*)\)\s*/;
/** A comparison with a number keeps the labels of its left side. */
const COMPARED = /^(?:(?:[<>]=?|[!=]=)\s*-?[\d.]+(?:e[+-]?\d+)?)?\s*$/i;

/** The labels that an expression keeps; undefined where it is not `sum by (...) (...) > 5` or `sum(...) by (...) > 5`. */
function keptBy(expr: string): ReadonlySet<string> | undefined {
  const text = expr.trim();
  const head = AGGREGATION.exec(text)?.[0];
  if (head === undefined) return undefined;
  const before = byOf(text.slice(head.length));
  const end = closing(before.rest);
  if (end === -1) return undefined;
  const after = byOf(before.rest.slice(end + 1).trim());
  const names = before.names ?? after.names;
  return names !== undefined && COMPARED.test(after.rest) ? names : undefined;
}

/** `by (...)` at the start of a text, and what follows it. */
function byOf(text: string): {
  readonly names: ReadonlySet<string> | undefined;
  readonly rest: string;
} {
  const [whole = '', names] = BY.exec(text) ?? [];
  return {
    names: names === undefined ? undefined : new Set(names.split(',').map((name) => name.trim())),
    rest: text.slice(whole.length),
  };
}

/** Where the parenthesis that begins the text is closed; -1: it does not begin with one, or it is not closed. */
function closing(text: string): number {
  // Quoted texts may hold parentheses; they are blanked, so that offsets stay.
  const code = text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g, (quoted) =>
    ' '.repeat(quoted.length),
  );
  if (!code.startsWith('(')) return -1;
  let depth = 0;
  for (let at = 0; at < code.length; at++) {
    if (code[at] === '(') depth += 1;
    if (code[at] === ')') depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}
