import type { Group, Rule } from './slo-promtool.ts';

/** A rule, broken in one way. */
export interface Mutant {
  readonly group: number;
  readonly rule: number;
  /** What was done to it, for people. */
  readonly what: string;
  readonly broken: Rule;
}
type Change = (rule: Rule) => readonly Rule[];

/** Each breaks what it is named for, in every place of the rule where that is. */
const CHANGES: Readonly<Record<string, Change>> = {
  'drops a clause': (rule) => clausesOf(rule.expr).map(([from, to]) => cut(rule, from, to)),
  'turns a comparison': inEachPlace(/ (>|<|==) (?!= )/g, ([, sign]) =>
    sign === '<' ? ' > ' : ' < ',
  ),
  'changes a window': inEachPlace(/\[(\d+)([mhd])\]/g, ([, count, unit]) =>
    unit === 'm' && Number(count) < 30 ? `[${Number(count) * 30}m]` : '[1m]',
  ),
  'changes a number': inEachPlace(
    /(\/ |\* |> |< |\(|== |\+ |, )(\d+(?:\.\d+)?)(?![\w:.]*[:"])\b/g,
    ([, before, number]) =>
      `${before}${number === '0' ? '1000000000' : String(Number(number) * 40)}`,
  ),
  'adds instead': inEachPlace(/1 - /g, () => '0 + '),
  'changes a label of the series': inEachPlace(
    /(=~?)"([^"|]+)/g,
    ([, sign, value]) => `${sign}"not_${value}`,
  ),
  // The list of services only keeps the rules of two files apart: some have nothing that a rule is about.
  'changes a name in a list': inEachPlace(
    /(?<=[{,](?!service)\w+=~"[^"]*)\|([^"|]+)/g,
    ([, name]) => `|not_${name}`,
  ),
  'drops a matcher': inEachPlace(
    /,(?:code|result|outcome|le|drill|service|queue)(?:=~|!~|=)"[^"]*"|(?<=\{)drill="false",?/g,
    () => '',
  ),
  'changes a label': ({ labels = {}, ...rule }) =>
    Object.keys(labels).map((name) => ({ ...rule, labels: { ...labels, [name]: 'other' } })),
  'waits ten times longer': (rule) =>
    rule.for === undefined ? [] : [{ ...rule, for: rule.for.replace(/\d+/, (n) => `${n}0`) }],
  'does not wait': (rule) => (rule.for === undefined ? [] : [{ ...rule, for: '0s' }]),
  'says something else': ({ annotations = {}, ...rule }) =>
    Object.keys(annotations).map((name) => ({
      ...rule,
      annotations: { ...annotations, [name]: 'other' },
    })),
};

/** A change of each place that the pattern finds, one at a time. */
function inEachPlace(pattern: RegExp, by: (match: RegExpExecArray) => string): Change {
  return (rule) =>
    [...rule.expr.matchAll(pattern)].map((match) =>
      cut(rule, match.index, match.index + match[0].length, by(match)),
    );
}

function cut(rule: Rule, from: number, to: number, instead = ''): Rule {
  return { ...rule, expr: `${rule.expr.slice(0, from)}${instead}${rule.expr.slice(to)}` };
}

const OPERATOR = String.raw`\s+(?:(?:and|or|unless)\s|\* on )`;
const OPERATORS = new RegExp(OPERATOR, 'g');
const NEXT = new RegExp(OPERATOR, 'y');

/** Where the clauses begin and end that an operator joins to what is before it, as `or vector(1)`. */
function clausesOf(expr: string): readonly (readonly [from: number, to: number])[] {
  return [...expr.matchAll(OPERATORS)].map(({ 0: operator, index }) => [
    index,
    endOf(expr, index + operator.length),
  ]);
}

/** Where an operand ends that begins here: before the next operator, or with what it is in. */
function endOf(expr: string, from: number): number {
  let depth = 0;
  for (let place = from; place < expr.length; place++) {
    const sign = expr.charAt(place);
    NEXT.lastIndex = place;
    if (depth === 0 && (sign === ',' || NEXT.test(expr))) return place;
    if ('({['.includes(sign)) depth++;
    if (')}]'.includes(sign)) depth--;
    if (depth < 0) return place;
  }
  return expr.length;
}

/**
 * Mutants that mean the same as their rule, or differ only where no test can look, with the reason. `rule` is
 * the name of the alert or the recorded series.
 */
const EQUIVALENT: readonly {
  readonly rule: RegExp;
  readonly what: RegExp;
  readonly why: string;
}[] = [
  {
    rule: /:slo_coverage:ratio(?:30|90)d$/,
    what: /^changes a number \(2 of/,
    why: 'The clamp to 1 shows where there are more samples than slices in the window, 43,200 and more; a query of promtool loads 10,000.',
  },
];

/** Every mutant of these rules: each rule broken in every way that it can be. */
export function mutantsOf(groups: readonly Group[]): readonly Mutant[] {
  return groups.flatMap(({ rules }, group) =>
    rules.flatMap((original, rule) =>
      Object.entries(CHANGES)
        .flatMap(([what, change]) =>
          change(original).map((broken, nth, { length }) => ({
            group,
            rule,
            what: length === 1 ? what : `${what} (${nth + 1} of ${length})`,
            broken,
          })),
        )
        .filter(({ what }) => !isEquivalent(original, what)),
    ),
  );
}

function isEquivalent({ alert, record }: Rule, what: string): boolean {
  const name = alert ?? record ?? '';
  return EQUIVALENT.some((one) => one.what.test(what) && one.rule.test(name));
}

/** The groups with the mutant in its place. */
export function withMutant(groups: readonly Group[], mutant: Mutant): readonly Group[] {
  return groups.map((group, at) =>
    at === mutant.group ? { ...group, rules: group.rules.with(mutant.rule, mutant.broken) } : group,
  );
}
