import { fingerprintOf } from './fingerprint.ts';
import type { Labels } from '../json.ts';
import { readJsonText } from './json-text.ts';
import { parseTimestamp } from './timestamp.ts';

/** One alert of a delivery, as we use it. Times in ms since the epoch. */
export interface Alert {
  /** 16 hex digits: as sent, else computed from the labels. */
  readonly fingerprint: string;
  readonly status: AlertStatus;
  /** Empty where the alert has none; a rule may match by other labels. */
  readonly alertname: string;
  /** Has no prototype. Empty values are left out: to Prometheus they are absent labels. */
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly starts_at: number | null;
  /** Null while it fires (Alertmanager writes year 1), and where it cannot be read. */
  readonly ends_at: number | null;
  readonly generator_url: string;
  /** It carries drill="true". */
  readonly drill: boolean;
}
export type AlertStatus = 'firing' | 'resolved';

/** What a webhook body says. Everything else in it is kept with the raw body and not used. */
export interface DeliveryContent {
  /** As it came: Alertmanager sends it quoted for a regular expression (`team\.autoheal`). */
  readonly receiver: string;
  /** Changes with the configuration, so it is no identity. */
  readonly group_key: string;
  readonly external_url: string;
  readonly version: string;
  /** Alerts that the sender cut off (`max_alerts`); they never arrive by this way. */
  readonly truncated_alerts: number;
  readonly notification_reason: string | null;
  /** In the body's order, repeats included. */
  readonly alerts: readonly Alert[];
  readonly unusable: readonly UnusableAlert[];
}
export interface UnusableAlert {
  /** Position in the body's list, from 0. */
  readonly index: number;
  readonly why: string;
}
export type ReadResult =
  | { readonly ok: true; readonly delivery: DeliveryContent }
  | {
      readonly ok: false;
      readonly code: 'not_json' | 'not_a_webhook' | 'no_usable_alert';
      readonly detail: string;
    };

/** Alerts of one body; those beyond are reported as unusable, in one entry. */
export const ALERTS_MAX = 10_000;
export const LABELS_MAX = 128;
export const LABEL_NAME_MAX_BYTES = 1_024;
export const LABEL_VALUE_MAX_BYTES = 16 * 1_024;
/** Annotations beyond this number, or with a longer name than a label may have, are left out. */
export const ANNOTATIONS_MAX = 128;
/** A longer annotation is cut, and says so. */
export const ANNOTATION_MAX_BYTES = 64 * 1_024;
/** Of receiver, group key and the like, in characters. */
const TEXT_MAX = 16 * 1_024;
export const CUT_MARK = ' [cut by autoheal]';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a webhook body: Alertmanager's version 4, older ones that have `alerts`, Grafana's dialect.
 * Each alert counts by itself, by its own status. Never throws, whatever the bytes are.
 */
export function readDelivery(body: Uint8Array): ReadResult {
  const json = readJsonText(body);
  if (!json.ok)
    return { ok: false, code: 'not_json', detail: `the body is not JSON: ${json.detail}` };
  const top = json.value;
  if (!isFields(top) || !Array.isArray(top['alerts']))
    return { ok: false, code: 'not_a_webhook', detail: notAWebhook(top) };
  const list: readonly unknown[] = top['alerts'];
  const { alerts, unusable } = readAlerts(list, asStatus(top['status']));
  if (list.length > 0 && alerts.length === 0)
    return { ok: false, code: 'no_usable_alert', detail: noneUsable(list.length, unusable) };
  return { ok: true, delivery: { ...headOf(top), alerts, unusable } };
}

function headOf(top: Fields): Omit<DeliveryContent, 'alerts' | 'unusable'> {
  const truncated = top['truncatedAlerts'];
  const reason = top['notification_reason'];
  return {
    receiver: textOf(top['receiver']),
    group_key: textOf(top['groupKey']),
    external_url: textOf(top['externalURL']),
    version: textOf(top['version']),
    truncated_alerts: Number.isSafeInteger(truncated) ? Math.max(0, truncated as number) : 0,
    notification_reason: typeof reason === 'string' && reason !== '' ? textOf(reason) : null,
  };
}

function readAlerts(
  list: readonly unknown[],
  group: AlertStatus | undefined,
): { readonly alerts: readonly Alert[]; readonly unusable: readonly UnusableAlert[] } {
  const alerts: Alert[] = [];
  const unusable: UnusableAlert[] = [];
  for (const [index, raw] of list.slice(0, ALERTS_MAX).entries()) {
    const alert = readAlert(raw, group);
    if (typeof alert === 'string') unusable.push({ index, why: alert });
    else alerts.push(alert);
  }
  const beyond = list.length - ALERTS_MAX;
  const why = `this and the rest, ${beyond} in all, are beyond the ${ALERTS_MAX} alerts that one body may have`;
  if (beyond > 0) unusable.push({ index: ALERTS_MAX, why });
  return { alerts, unusable };
}

/** @returns the alert, or a sentence that says why it cannot be used. */
function readAlert(raw: unknown, group: AlertStatus | undefined): Alert | string {
  if (!isFields(raw)) return `it is ${kindOf(raw)}, not an object`;
  const status = statusOf(raw['status'], group);
  if (status === undefined) return badStatus(raw['status']);
  const labels = readLabels(raw['labels']);
  if (typeof labels === 'string') return labels;
  return {
    fingerprint: sentFingerprint(raw['fingerprint']) ?? fingerprintOf(labels),
    status,
    alertname: labels['alertname'] ?? '',
    labels,
    annotations: readAnnotations(raw['annotations']),
    starts_at: parseTimestamp(raw['startsAt']),
    ends_at: parseTimestamp(raw['endsAt']),
    generator_url: textOf(raw['generatorURL']),
    drill: labels['drill'] === 'true',
  };
}

/* ---------------------------------------------------------------- status */

function asStatus(raw: unknown): AlertStatus | undefined {
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

/* ---------------------------------------------------------------- identity */

const FINGERPRINT = /^[0-9a-f]{16}$/i;

/** Others send numbers, MD5 sums or random names here; only Alertmanager's shape is taken for an identity. */
function sentFingerprint(raw: unknown): string | undefined {
  return typeof raw === 'string' && FINGERPRINT.test(raw) ? raw.toLowerCase() : undefined;
}

/** @returns the labels, or why they cannot be used. */
function readLabels(raw: unknown): Labels | string {
  if (raw === undefined || raw === null) return 'it has no labels, so it has no identity';
  if (!isFields(raw)) return `its labels are ${kindOf(raw)}, not an object`;
  const names = Object.keys(raw);
  if (names.length > LABELS_MAX)
    return `it has ${names.length} labels; ${LABELS_MAX} are the limit`;
  const labels = Object.create(null) as Record<string, string>;
  let any = false;
  for (const name of names) {
    const value = scalarText(raw[name]);
    if (value === '') continue;
    const why = badLabel(name, value, raw[name]);
    if (why !== undefined) return why;
    labels[name.toWellFormed()] = (value ?? '').toWellFormed();
    any = true;
  }
  return any ? labels : 'it has no labels, so it has no identity';
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

/** Lenient: an annotation is for people, so a bad one is left out and never costs the alert. */
function readAnnotations(raw: unknown): Labels {
  const annotations = Object.create(null) as Record<string, string>;
  if (!isFields(raw)) return annotations;
  for (const name of Object.keys(raw).slice(0, ANNOTATIONS_MAX)) {
    const value = scalarText(raw[name]);
    if (value === undefined || raw[name] === null) continue;
    if (longerThan(name, LABEL_NAME_MAX_BYTES)) continue;
    annotations[name.toWellFormed()] = cut(value.toWellFormed());
  }
  return annotations;
}

/** Text, and numbers and booleans as text; null as nothing. Undefined: a list or an object. */
function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value === null ? '' : undefined;
}

/* ---------------------------------------------------------------- small helpers */

const UTF8 = new TextEncoder();

/** In UTF-8 bytes. A UTF-16 unit is at most three of them, so short text is not encoded to be counted. */
function longerThan(text: string, max_bytes: number): boolean {
  if (text.length * 3 <= max_bytes) return false;
  return text.length > max_bytes || UTF8.encode(text).byteLength > max_bytes;
}

function cut(text: string): string {
  if (!longerThan(text, ANNOTATION_MAX_BYTES)) return text;
  const head = UTF8.encode(text).subarray(0, ANNOTATION_MAX_BYTES);
  // A streaming decoder holds back the character that the cut went through.
  return new TextDecoder().decode(head, { stream: true }) + CUT_MARK;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') return '';
  return String(value).slice(0, TEXT_MAX).toWellFormed();
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
