import { type Family, selectorText, type Slo, type SloSet } from './model.ts';

/** What all rules of a file share. */
export interface Context {
  readonly set: SloSet;
  readonly family: Family;
  readonly scale: number;
  /** Label matchers that keep the rules of two files apart: `service=~"api|jobs"`. */
  readonly mine: string;
}

/** A group of a rule file; nothing without rules. */
export function group(name: string, every: string, rules: readonly string[]): readonly string[] {
  if (rules.length === 0) return [];
  return [`- name: ${name}`, `  interval: ${every}`, '  rules:', ...rules];
}

/** What a group of this file is called: `autoheal-slo-short`. */
export function groupName({ family }: Context, part: string): string {
  return `${family.prefix}-slo-${part}`;
}

/** A recording rule. */
export function record(
  { prefix }: Family,
  name: string,
  labels: Readonly<Record<string, string>>,
  expr: string,
): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}: "${value}"`);
  const lines = expr.split('\n').map((line) => `      ${line}`);
  return [
    `  - record: ${prefix}:${name}`,
    ...(pairs.length > 0 ? [`    labels: {${pairs.join(', ')}}`] : []),
    '    expr: |',
    ...lines,
  ].join('\n');
}

/** The labels that a record of one SLO gets. */
export function labelsOf(
  { set }: Context,
  { slo, service }: Slo,
): Readonly<Record<string, string>> {
  return set.job === null ? { service, slo } : { slo };
}

/** A recorded series of this file. */
export function recorded({ family, mine }: Context, name: string): string {
  return selectorText({ metric: `${family.prefix}:${name}`, matchers: mine });
}
