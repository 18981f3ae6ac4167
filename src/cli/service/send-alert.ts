import { fingerprintOf } from '../../core/alerts/fingerprint.ts';
import type { Labels } from '../../core/json.ts';
import { matchRules } from '../../core/rules/match.ts';
import { firstFailing, type Matcher } from '../../core/rules/matcher.ts';
import type { Rule } from '../../core/rules/rule.ts';
import { samplesOf } from './send-sample.ts';

export type Built =
  | {
      readonly ok: true;
      readonly labels: Labels;
      /** Labels whose values stand in no rule: nothing real has them. */
      readonly made_up: readonly string[];
    }
  | { readonly ok: false; readonly message: string };

/** Where any text will do. */
const STAND_INS = ['test', 'test-1', '1'];

/**
 * Labels that all the rule's matchers hold for, with those that were given. What it cannot find a value for,
 * and a given label that does not fit, is a message with the option to write.
 */
export function labelsFor(rule: Rule, given: Labels): Built {
  // In Prometheus an empty label is an absent one.
  const labels: Record<string, string> = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== ''),
  );
  const made_up: string[] = [];
  for (const name of new Set(['alertname', ...rule.matchers.map(({ label }) => label)])) {
    if (Object.hasOwn(given, name)) continue;
    const found = valueOf(
      name,
      rule.matchers.filter(({ label }) => label === name),
    );
    if (found === undefined) return { ok: false, message: unknownValue(rule, name) };
    if (found.value !== '') labels[name] = found.value;
    if (found.made_up) made_up.push(name);
  }
  const failing = firstFailing(rule.matchers, labels);
  if (failing === undefined) return { ok: true, labels, made_up };
  const value = JSON.stringify(labels[failing.label] ?? '');
  return {
    ok: false,
    message: `${failing.label} is ${value}, and the rule wants ${failing.text}: leave out --label ${failing.label}=..., or give one that fits`,
  };
}

/** A value that all matchers of one label hold for; empty: the label may be absent. */
function valueOf(
  label: string,
  matchers: readonly Matcher[],
): { readonly value: string; readonly made_up: boolean } | undefined {
  if (label !== 'alertname' && fits('')) return { value: '', made_up: false };
  const exact = matchers.find(({ op }) => op === '=')?.value;
  if (exact !== undefined) return fits(exact) ? { value: exact, made_up: false } : undefined;
  const sampled = matchers.flatMap(({ op, value }) => (op === '=~' ? samplesOf(value) : []));
  const value = [...sampled, ...STAND_INS].find((text) => text !== '' && fits(text));
  return value === undefined ? undefined : { value, made_up: true };

  function fits(text: string): boolean {
    return matchers.every((matcher) => matcher.test(text));
  }
}

function unknownValue({ name, matchers }: Rule, label: string): string {
  const wanted = matchers.filter((matcher) => matcher.label === label).map(({ text }) => text);
  return `no value is found that fits ${wanted.join(' and ')} of ${name}: give it with --label ${quoted(`${label}=...`)}`;
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w=.]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Why these labels would not start the rule; undefined: they would. */
export function whyNot(rule: Rule, rules: readonly Rule[], labels: Labels): string | undefined {
  if (!rule.enabled) return `${rule.file} has enabled: false: it never runs`;
  const { chosen } = matchRules(rules, labels);
  if (chosen.some(({ name }) => name === rule.name)) return undefined;
  const [first] = chosen;
  if (first === undefined) return 'no rule matches';
  return `${first.name} would take it: it comes first and its matchers hold too (${first.matchers.map(({ text }) => text).join(', ')}); give labels that it does not match, or rename a file`;
}

export interface TestAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly resolved: boolean;
  /** Ms since the epoch. */
  readonly now: number;
}

/** A body of the webhook, version 4, with this one alert. */
export function bodyOf({ labels, annotations, resolved, now }: TestAlert): object {
  const status = resolved ? 'resolved' : 'firing';
  const at = new Date(now).toISOString();
  const alert = {
    status,
    labels,
    annotations,
    startsAt: at,
    endsAt: resolved ? at : '0001-01-01T00:00:00Z',
    generatorURL: '',
    fingerprint: fingerprintOf(labels),
  };
  return {
    receiver: 'autoheal',
    status,
    alerts: [alert],
    groupLabels: labels,
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: '',
    version: '4',
    groupKey: `{}:{alertname=${JSON.stringify(labels['alertname'] ?? '')}}`,
    truncatedAlerts: 0,
  };
}
