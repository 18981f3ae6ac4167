import { readJsonText } from './json-text.ts';

/*
 * What of a webhook body can be used. Intake asks this before it answers and the drain reads by it, so
 * that both say the same of every body; nothing else decides it.
 */

export type AlertStatus = 'firing' | 'resolved';
export interface UnusableAlert {
  /** Position in the body's list, from 0. */
  readonly index: number;
  readonly why: string;
}
/** Why nothing of a body can be used. */
export interface Refusal {
  readonly ok: false;
  readonly code: 'not_json' | 'not_a_webhook' | 'no_usable_alert';
  readonly detail: string;
}
export type Judgement =
  | {
      readonly ok: true;
      /** How many alerts can be used. */
      readonly alerts: number;
      readonly unusable: readonly UnusableAlert[];
      /** There are alerts, and every one carries drill="true". */
      readonly drill: boolean;
    }
  | Refusal;

/** An object of the body. */
export type Fields = Readonly<Record<string, unknown>>;
/** An alert that can be used, as it stands in the body: `labels` are checked. */
export interface UsableAlert {
  readonly fields: Fields;
  readonly labels: Fields;
  readonly status: AlertStatus;
}
export type Sifted =
  | {
      readonly ok: true;
      readonly top: Fields;
      /** In the body's order, repeats included. */
      readonly usable: readonly UsableAlert[];
      readonly unusable: readonly UnusableAlert[];
    }
  | Refusal;

/** Alerts of one body; those beyond are reported as unusable, in one entry. */
export const ALERTS_MAX = 10_000;
export const LABELS_MAX = 128;
export const LABEL_NAME_MAX_BYTES = 1_024;
export const LABEL_VALUE_MAX_BYTES = 16 * 1_024;

/** Reads just enough of a body to answer its sender: no alert is built. Never throws, whatever the bytes are. */
export function judgeDelivery(body: Uint8Array): Judgement {
  const sifted = siftDelivery(body);
  if (!sifted.ok) return sifted;
  const { usable, unusable } = sifted;
  const drill = usable.length > 0 && usable.every(({ labels }) => isDrill(labels));
  return { ok: true, alerts: usable.length, unusable, drill };
}

export function isDrill(labels: Fields): boolean {
  return scalarText(labels['drill']) === 'true';
}

/**
 * Parts what can be used from what cannot: Alertmanager's version 4, older ones that have `alerts`,
 * Grafana's dialect. Each alert counts by itself, by its own status. Never throws.
 */
export function siftDelivery(body: Uint8Array): Sifted {
  const json = readJsonText(body);
  if (!json.ok)
    return { ok: false, code: 'not_json', detail: `the body is not JSON: ${json.detail}` };
  const top = json.value;
  if (!isFields(top) || !Array.isArray(top['alerts']))
    return { ok: false, code: 'not_a_webhook', detail: notAWebhook(top) };
  const list: readonly unknown[] = top['alerts'];
  const { usable, unusable } = siftAlerts(list, asStatus(top['status']));
  if (list.length > 0 && usable.length === 0)
    return { ok: false, code: 'no_usable_alert', detail: noneUsable(list.length, unusable) };
  return { ok: true, top, usable, unusable };
}

function siftAlerts(
  list: readonly unknown[],
  group: AlertStatus | undefined,
): { readonly usable: readonly UsableAlert[]; readonly unusable: readonly UnusableAlert[] } {
  const usable: UsableAlert[] = [];
  const unusable: UnusableAlert[] = [];
  const end = Math.min(list.length, ALERTS_MAX);
  for (let index = 0; index < end; index += 1) {
    const alert = siftAlert(list[index], group);
    if (typeof alert === 'string') unusable.push({ index, why: alert });
    else usable.push(alert);
  }
  const beyond = list.length - ALERTS_MAX;
  const why = `this and the rest, ${beyond} in all, are beyond the ${ALERTS_MAX} alerts that one body may have`;
  if (beyond > 0) unusable.push({ index: ALERTS_MAX, why });
  return { usable, unusable };
}

/** @returns the alert, or a sentence that says why it cannot be used. */
function siftAlert(raw: unknown, group: AlertStatus | undefined): UsableAlert | string {
  if (!isFields(raw)) return `it is ${kindOf(raw)}, not an object`;
  const status = statusOf(raw['status'], group);
  if (status === undefined) return badStatus(raw['status']);
  const labels = raw['labels'];
  if (labels === undefined || labels === null) return NO_LABELS;
  if (!isFields(labels)) return `its labels are ${kindOf(labels)}, not an object`;
  return badLabels(labels) ?? { fields: raw, labels, status };
}

/* ---------------------------------------------------------------- status */

function asStatus(raw: unknown): AlertStatus | undefined {
  // As Alertmanager writes it; the rest are other senders' ways.
  if (raw === 'firing' || raw === 'resolved') return raw;
  const word = typeof raw === 'string' ? raw.toLowerCase() : '';
  return word === 'firing' || word === 'resolved' ? word : undefined;
}

/** An alert without a status of its own has the group's. Its endsAt does not count: firing alerts may carry a past one. */
function statusOf(raw: unknown, group: AlertStatus | undefined): AlertStatus | undefined {
  return raw === undefined || raw === null || raw === '' ? group : asStatus(raw);
}

function badStatus(raw: unknown): string {
  if (raw === undefined || raw === null || raw === '')
    return 'neither it nor its group has the status "firing" or "resolved"';
  const shown = typeof raw === 'string' ? quoted(raw) : kindOf(raw);
  return `its status is ${shown}, not "firing" or "resolved"`;
}

/* ---------------------------------------------------------------- labels */

const NO_LABELS = 'it has no labels, so it has no identity';

/** @returns why the labels cannot be used; undefined: they can. */
function badLabels(labels: Fields): string | undefined {
  const names = Object.keys(labels);
  if (names.length > LABELS_MAX)
    return `it has ${names.length} labels; ${LABELS_MAX} are the limit`;
  let any = false;
  for (const name of names) {
    const value = scalarText(labels[name]);
    // To Prometheus an empty value is an absent label.
    if (value === '') continue;
    const why = badLabel(name, value, labels[name]);
    if (why !== undefined) return why;
    any = true;
  }
  return any ? undefined : NO_LABELS;
}

function badLabel(name: string, value: string | undefined, raw: unknown): string | undefined {
  if (value === undefined) return `its label ${quoted(name)} is ${kindOf(raw)}, not text`;
  if (name === '') return 'one of its labels has an empty name';
  if (longerThan(name, LABEL_NAME_MAX_BYTES))
    return `the name of its label ${quoted(name)} is longer than ${LABEL_NAME_MAX_BYTES} bytes`;
  if (longerThan(value, LABEL_VALUE_MAX_BYTES))
    return `its label ${quoted(name)} is longer than ${LABEL_VALUE_MAX_BYTES} bytes`;
  return undefined;
}

/** Text, and numbers and booleans as text; null as nothing. Undefined: a list or an object. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value === null ? '' : undefined;
}

/* ---------------------------------------------------------------- small helpers */

const UTF8 = new TextEncoder();

/** In UTF-8 bytes. A UTF-16 unit is at most three of them, so short text is not encoded to be counted. */
export function longerThan(text: string, max_bytes: number): boolean {
  if (text.length * 3 <= max_bytes) return false;
  return text.length > max_bytes || UTF8.encode(text).byteLength > max_bytes;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60).toWellFormed()}...` : text);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

const WANTED = 'an Alertmanager webhook is an object with a list "alerts"';

function notAWebhook(top: unknown): string {
  if (Array.isArray(top))
    return `the body is a list; ${WANTED}: send {"status": "firing", "alerts": [...]}`;
  if (!isFields(top)) return `the body is ${kindOf(top)}; ${WANTED}`;
  if (isFields(top['labels']))
    return `the body is one bare alert; ${WANTED}: send {"status": "firing", "alerts": [it]}`;
  if ('alerts' in top) return `"alerts" is ${kindOf(top['alerts'])}; ${WANTED}`;
  const names = Object.keys(top).slice(0, 5).map(quoted).join(', ') || 'nothing';
  return `the body has ${names} and no "alerts"; ${WANTED}. Is a custom payload set for this receiver?`;
}

function noneUsable(count: number, unusable: readonly UnusableAlert[]): string {
  const shown = unusable.slice(0, 3).map(({ index, why }) => `alert ${index}: ${why}`);
  const more = unusable.length > 3 ? `; and ${unusable.length - 3} more` : '';
  return `none of the ${count} alerts can be used: ${shown.join('; ')}${more}`;
}
