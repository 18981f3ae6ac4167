import { fingerprintOf } from './fingerprint.ts';
import type { Labels } from '../json.ts';
import {
  type AlertStatus,
  type Fields,
  isDrill,
  isFields,
  LABEL_NAME_MAX_BYTES,
  longerThan,
  type Refusal,
  scalarText,
  siftDelivery,
  type UnusableAlert,
  type UsableAlert,
} from './judge.ts';
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
export type ReadResult = { readonly ok: true; readonly delivery: DeliveryContent } | Refusal;

/** Annotations beyond this number, or with a longer name than a label may have, are left out. */
export const ANNOTATIONS_MAX = 128;
/** A longer annotation is cut, and says so. */
export const ANNOTATION_MAX_BYTES = 64 * 1_024;
/** Of receiver, group key and the like, in characters. */
const TEXT_MAX = 16 * 1_024;
export const CUT_MARK = ' [cut by autoheal]';

/** Reads a webhook body; what of it can be used says judge.ts. Never throws, whatever the bytes are. */
export function readDelivery(body: Uint8Array): ReadResult {
  const sifted = siftDelivery(body);
  if (!sifted.ok) return sifted;
  const { top, usable, unusable } = sifted;
  return { ok: true, delivery: { ...headOf(top), alerts: usable.map(readAlert), unusable } };
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

function readAlert({ fields, labels: raw, status }: UsableAlert): Alert {
  const labels = readLabels(raw);
  return {
    fingerprint: sentFingerprint(fields['fingerprint']) ?? fingerprintOf(labels),
    status,
    alertname: labels['alertname'] ?? '',
    labels,
    annotations: readAnnotations(fields['annotations']),
    starts_at: parseTimestamp(fields['startsAt']),
    ends_at: parseTimestamp(fields['endsAt']),
    generator_url: textOf(fields['generatorURL']),
    drill: isDrill(raw),
  };
}

/* ---------------------------------------------------------------- identity */

const FINGERPRINT = /^[0-9a-f]{16}$/i;

/** Others send numbers, MD5 sums or random names here; only Alertmanager's shape is taken for an identity. */
function sentFingerprint(raw: unknown): string | undefined {
  return typeof raw === 'string' && FINGERPRINT.test(raw) ? raw.toLowerCase() : undefined;
}

/** Of labels that were found usable. */
function readLabels(raw: Fields): Labels {
  const labels = Object.create(null) as Record<string, string>;
  for (const name of Object.keys(raw)) {
    const value = scalarText(raw[name]) ?? '';
    if (value !== '') labels[name.toWellFormed()] = value.toWellFormed();
  }
  return labels;
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

/* ---------------------------------------------------------------- small helpers */

function cut(text: string): string {
  if (!longerThan(text, ANNOTATION_MAX_BYTES)) return text;
  const head = new TextEncoder().encode(text).subarray(0, ANNOTATION_MAX_BYTES);
  // A streaming decoder holds back the character that the cut went through.
  return new TextDecoder().decode(head, { stream: true }) + CUT_MARK;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') return '';
  return String(value).slice(0, TEXT_MAX).toWellFormed();
}
