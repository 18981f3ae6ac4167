import type { Labels } from '../json.ts';
import { firstFailing, type Matcher, matcherHolds, parseMatcher } from './matcher.ts';
import { hasTemplate } from './template-parse.ts';

/** What a silence must never cover: autoheal's own alerts, and the heartbeat that shows it is told of any. */
const SERVICE = 'autoheal';
const OWN_ALERTS: readonly string[] = [
  'AutohealDown',
  'AutohealAvailabilityBurnFast',
  'AutohealFailureRateBurnFast',
  'AutohealErrorBudgetBurnFast',
  'AutohealErrorBudgetBurnSlow',
  'AutohealErrorBudgetExhausted',
  'AutohealSLOMetricAbsent',
  'AutohealAlertPipelineStale',
  'AutohealChaosStuckOn',
  'AutohealDrillStale',
];
/** The heartbeat has few labels, and all are known: the demo's, and the one that others ship. */
const HEARTBEATS: readonly Labels[] = [
  { alertname: 'Watchdog', severity: 'none', service: 'monitoring' },
  { alertname: 'Watchdog', severity: 'none' },
];

export type Silencing =
  | { readonly ok: true; readonly matchers: readonly Matcher[] }
  | { readonly ok: false; readonly message: string; readonly fix: string };

/**
 * The matchers of a silence, unless it would be wider than anybody should make without a look.
 * Alertmanager's own rule (a set that the empty text fits is refused) follows from the equality.
 */
export function parseSilencing(texts: readonly string[]): Silencing {
  const matchers: Matcher[] = [];
  for (const text of texts) {
    const parsed = parseMatcher(text);
    if (!parsed.ok) return { ok: false, message: `${text}: ${parsed.message}`, fix: parsed.fix };
    matchers.push(parsed.matcher);
  }
  if (!matchers.some(({ op, value }) => op === '=' && value !== ''))
    return {
      ok: false,
      message: 'no matcher says exactly which alerts are meant',
      fix: 'add one such as alertname="NodeDown"',
    };
  const covered =
    OWN_ALERTS.find((alertname) => mayCover(matchers, { alertname, service: SERVICE })) ??
    HEARTBEATS.find((labels) => firstFailing(matchers, labels) === undefined)?.['alertname'];
  if (covered !== undefined)
    return {
      ok: false,
      message: `would silence ${covered}, by which people learn that autoheal itself is ill`,
      fix: 'name other alerts by alertname or service, or add the matcher service!="autoheal"',
    };
  return { ok: true, matchers };
}

/**
 * May the matchers hold for the alert? It has more labels than those that are known (instance, severity),
 * with values that nobody knows here, so only matchers of a known label can tell it apart.
 */
function mayCover(matchers: readonly Matcher[], labels: Labels): boolean {
  const own = matchers.find(({ label, op, value }) => op === '=' && isOwn(label, value));
  if (own !== undefined) return true;
  return matchers
    .filter(({ label }) => Object.hasOwn(labels, label))
    .every((matcher) => matcherHolds(matcher, labels));
}

function isOwn(label: string, value: string): boolean {
  if (label === 'service') return value === SERVICE;
  return label === 'alertname' && value.startsWith('Autoheal');
}

const TEMPLATE = /\{\{[^{}]*\}\}/g;

/** The text with something in the place of each template, as it can be read before they are filled in. */
export function withStandIns(text: string): string {
  return text.replace(TEMPLATE, 'x');
}

/**
 * A template may stand only where what it gives cannot become more than a value: within the double
 * quotes of `=` or `!=`. Elsewhere a label's text could be an operator, or a pattern that fits all.
 */
export function templateMisplaced(text: string): boolean {
  if (!hasTemplate(text)) return false;
  const plain = text.replace(TEMPLATE, '\u0000');
  return !/^[^\0"]*[^\0!=~"\s]\s*!?=\s*"[^"]*"\s*$/.test(plain);
}

/** In one order and one spelling, whatever the order and the quotes of the texts were. */
export function canonicalMatchers(
  matchers: readonly Pick<Matcher, 'label' | 'op' | 'value'>[],
): readonly string[] {
  return matchers.map(({ label, op, value }) => `${label}${op}${JSON.stringify(value)}`).toSorted();
}
