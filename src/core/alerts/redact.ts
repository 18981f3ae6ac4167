import { type Fields, isFields } from './judge.ts';
import { readJsonText } from './json-text.ts';

/** What stands where something was left out. */
export const REDACTED = '[redacted]';

/** What of a delivery is not stored. Labels always are: they are the identity of an alert. */
export interface Redaction {
  /** Annotations whose values are left out; `all`: every one. */
  readonly annotations: ReadonlySet<string> | 'all';
  /** Cuts secrets out of the values of the others; null: nothing is cut. */
  readonly cut: ((text: string) => string) | null;
  /** UTF-16 units that `cut` looks at in one delivery; the values beyond are left out whole. */
  readonly cut_chars_max: number;
}
/** While a policy that redacts cannot be read: better too little than a secret. */
export const REDACT_ALL: Redaction = { annotations: 'all', cut: null, cut_chars_max: 0 };

/** What the drain reads, and what says of itself which alerts it is about. */
const TOP_KEPT: ReadonlySet<string> = new Set([
  'receiver',
  'status',
  'groupLabels',
  'commonLabels',
  'externalURL',
  'version',
  'groupKey',
  'truncatedAlerts',
  'notification_reason',
]);
const ALERT_KEPT: ReadonlySet<string> = new Set([
  'status',
  'labels',
  'startsAt',
  'endsAt',
  'generatorURL',
  'fingerprint',
]);
const UTF8 = new TextEncoder();

/**
 * The body without what the policy leaves out, before anything of it is stored. What the drain reads of it is
 * the same but for those annotations. Whatever autoheal does not use is left out as well, unless it is a number
 * or a boolean: a sender's own rendering of an alert (Grafana's `message`) has the annotations in it once more.
 * `also`: further keys of the top to keep. A body that is no JSON comes back as it is: nobody stores it.
 */
export function redactBody(
  body: Uint8Array,
  redaction: Redaction | null,
  also: readonly string[] = [],
): Uint8Array {
  if (redaction === null) return body;
  const json = readJsonText(body);
  if (!json.ok || !isFields(json.value)) return body;
  const bounded = { ...redaction, cut: withinBudget(redaction) };
  const top = eachOf(json.value, (name, value) => {
    if (name === 'alerts')
      return Array.isArray(value) ? value.map((alert) => redactAlert(alert, bounded)) : value;
    if (name === 'commonAnnotations') return redactAnnotations(value, bounded);
    return TOP_KEPT.has(name) || also.includes(name) ? value : withoutText(value);
  });
  return UTF8.encode(JSON.stringify(top, finite));
}

/** Nobody else is served while expressions run over a body: so for so long and no longer. */
function withinBudget({ cut, cut_chars_max }: Redaction): Redaction['cut'] {
  if (cut === null) return null;
  let left = cut_chars_max;
  return (text) => {
    left -= text.length;
    return left < 0 ? REDACTED : cut(text);
  };
}

function redactAlert(alert: unknown, redaction: Redaction): unknown {
  if (!isFields(alert)) return withoutText(alert);
  return eachOf(alert, (name, value) => {
    if (name === 'annotations') return redactAnnotations(value, redaction);
    return ALERT_KEPT.has(name) ? value : withoutText(value);
  });
}

function redactAnnotations(annotations: unknown, redaction: Redaction): unknown {
  if (!isFields(annotations)) return withoutText(annotations);
  const { annotations: named, cut } = redaction;
  return eachOf(annotations, (name, value) => {
    if (named === 'all' || named.has(name)) return REDACTED;
    if (cut === null || value === null) return value;
    return typeof value === 'object' ? REDACTED : cutOf(value, cut);
  });
}

/** A number stays one unless something was cut out of it. */
function cutOf(value: unknown, cut: (text: string) => string): unknown {
  const text = String(value);
  const left = cut(text);
  return left === text ? value : left;
}

function withoutText(value: unknown): unknown {
  return typeof value === 'string' || (typeof value === 'object' && value !== null)
    ? REDACTED
    : value;
}

/** Every key stays, one called `__proto__` too. */
function eachOf(fields: Fields, change: (name: string, value: unknown) => unknown): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, change(name, value)]),
  );
}

/** JSON has no such number; what reads it takes a text for the same. */
function finite(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
