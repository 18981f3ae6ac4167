import type { Group, Rule } from './slo-promtool.ts';

/** A rule, broken in one way. */
export interface Mutant {
  readonly group: number;
  readonly rule: number;
  /** What was done to it, for people. */
  readonly what: string;
  readonly broken: Rule;
}
type Change = (rule: Rule) => Rule | undefined;

/** Each breaks what it is named for; a rule that has no such thing stays as it is. */
const CHANGES: Readonly<Record<string, Change>> = {
  'drops the last clause': ({ expr, ...rule }) => {
    const lines = expr.trimEnd().split('\n');
    const at = lines.findLastIndex((line) => /^\s*(?:and|or|unless|\*|\)?\s*or)\b|^or$/.test(line));
    return at <= 0 ? undefined : { ...rule, expr: lines.slice(0, at).join('\n') };
  },
  'drops the coverage': ({ expr, ...rule }) => {
    const lines = expr.split('\n').filter((line) => !/^\* on .*slo_coverage/.test(line.trim()));
    return changed(expr, { ...rule, expr: lines.join('\n') });
  },
  'drops "or" within a line': ({ expr, ...rule }) =>
    changed(expr, { ...rule, expr: expr.replace(/ or (?:vector\(\d\)|0 \* [^()]*(?=\)))/, '') }),
  'turns a comparison': ({ expr, ...rule }) =>
    changed(expr, {
      ...rule,
      expr: expr.replace(/ (>|<|==) (?!= )/, (_, sign: string) => (sign === '<' ? ' > ' : ' < ')),
    }),
  'changes the window': ({ expr, ...rule }) =>
    changed(expr, {
      ...rule,
      expr: expr.replace(/\[(\d+)([mhd])\]/, (_, n: string, unit: string) =>
        unit === 'm' && Number(n) < 30 ? `[${Number(n) * 30}m]` : '[1m]',
      ),
    }),
  'changes a number': ({ expr, ...rule }) =>
    changed(expr, {
      ...rule,
      expr: expr.replace(
        /(\/ |\* |> |< |\(|== |\+ )(\d+(?:\.\d+)?)(?![\w:.]*[:"])\b/,
        (_, before: string, number: string) =>
          `${before}${number === '0' ? '1000000000' : String(Number(number) * 40)}`,
      ),
    }),
  'sums nothing up': ({ expr, ...rule }) =>
    changed(expr, { ...rule, expr: expr.replace('1 - (', '0 + (').replace('(1 - ', '(0 + ') }),
  'changes a label of the series': ({ expr, ...rule }) =>
    changed(expr, { ...rule, expr: expr.replace(/(=~?)"([a-z_-]+)/, '$1"not_$2') }),
  'drops a matcher': ({ expr, ...rule }) =>
    changed(expr, {
      ...rule,
      expr: expr.replace(/,(?:code|result|outcome|le)(?:=~|!~|!=|=)"[^"]*"/g, ''),
    }),
  'changes its label': (rule) => {
    const [label] = Object.entries(rule.labels ?? {})
      .filter(([name]) => name !== 'service')
      .slice(-1);
    if (label === undefined) return undefined;
    return { ...rule, labels: { ...rule.labels, [label[0]]: 'other' } };
  },
  'waits ten times longer': (rule) =>
    rule.for === undefined ? undefined : { ...rule, for: rule.for.replace(/\d+/, (n) => `${n}0`) },
  'says something else': (rule) =>
    rule.annotations === undefined
      ? undefined
      : { ...rule, annotations: { ...rule.annotations, summary: 'other' } },
};

function changed(before: string, rule: Rule): Rule | undefined {
  return rule.expr === before ? undefined : rule;
}

/**
 * Mutants that mean the same as their rule, or differ only where no test looks, with the reason. `rule` is
 * the name of the alert or the recorded series.
 */
export const EQUIVALENT: readonly {
  readonly rule: RegExp;
  readonly what: string;
  readonly why: string;
}[] = [];

/** Every mutant of these rules: each rule broken in every way that it can be. */
export function mutantsOf(groups: readonly Group[]): readonly Mutant[] {
  return groups.flatMap(({ rules }, group) =>
    rules.flatMap((original, rule) =>
      Object.entries(CHANGES).flatMap(([what, change]) => {
        const broken = change(original);
        const name = original.alert ?? original.record ?? '';
        const same = EQUIVALENT.some((one) => one.what === what && one.rule.test(name));
        return broken === undefined || same ? [] : [{ group, rule, what, broken }];
      }),
    ),
  );
}

/** The groups with the mutant in its place. */
export function withMutant(groups: readonly Group[], mutant: Mutant): readonly Group[] {
  return groups.map((group, at) =>
    at === mutant.group ? { ...group, rules: group.rules.with(mutant.rule, mutant.broken) } : group,
  );
}
