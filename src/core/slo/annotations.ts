import type { Problem } from '../rules/diagnostic.ts';
import { didYouMean } from '../suggest.ts';
import { problemAt, problemAtKey, type YamlSource } from '../rules/yaml-source.ts';
import { durationMs } from './openslo-duration.ts';
import type { Kind } from './openslo-schema.ts';

/** What OpenSLO has no field for is an annotation with this prefix (docs/slo.md has the table). */
export const ANNOTATION = 'autoheal.dev/';

interface Form {
  readonly test: (text: string) => boolean;
  readonly fix: string;
}
const DURATION: Form = {
  test: (text) => typeof durationMs(text) === 'number',
  fix: 'write a duration, like 5m or 90d',
};
const COUNT: Form = {
  test: (text) => /^[1-9]\d{0,6}$/.test(text),
  fix: "write a number, like '3'",
};
const KNOWN: { readonly [K in Kind]: Readonly<Record<string, Form>> } = {
  Service: {
    job: { test: (text) => /^[\w./-]+$/.test(text), fix: 'write the name of a scrape job' },
  },
  AlertNotificationTarget: {},
  AlertCondition: { 'short-window': DURATION },
  AlertPolicy: {
    alertname: {
      test: (text) => /^[A-Z][A-Za-z0-9]{0,99}$/.test(text),
      fix: 'write CamelCase, like AutohealFailureRateBurnFast',
    },
    runbook: {
      test: (text) => /^[\w./:#%?=&-]{1,500}$/.test(text),
      fix: 'write a path or an address without blanks',
    },
  },
  SLO: {
    'min-bad': COUNT,
    'events-per-day': COUNT,
    'also-over': {
      test: (text) => text.split(',').every((one) => typeof durationMs(one.trim()) === 'number'),
      fix: "write durations, like '90d'",
    },
    drills: { test: (text) => text === 'separate', fix: 'write separate, or leave it out' },
    'beat-within': DURATION,
    grace: DURATION,
  },
};

/** Ours are strict; those of other tools are none of our business. */
export function checkAnnotations(
  source: YamlSource,
  kind: Kind,
  annotations: Readonly<Record<string, string>>,
): readonly Problem[] {
  return Object.entries(annotations).flatMap(([key, value]) => {
    if (!key.startsWith(ANNOTATION)) return [];
    const path = ['metadata', 'annotations', key];
    const name = key.slice(ANNOTATION.length);
    const known = KNOWN[kind];
    const form = Object.hasOwn(known, name) ? known[name] : undefined;
    if (form === undefined) {
      const names = Object.keys(known).map((one) => `${ANNOTATION}${one}`);
      const fix = names.length === 0 ? 'remove it' : didYouMean(key, names);
      return [problemAtKey(source, path, `a ${kind} has no annotation ${key}`, fix)];
    }
    if (form.test(value)) return [];
    return [problemAt(source, path, `${key}: "${value}" cannot be used`, form.fix)];
  });
}

/** The text of one of our annotations. */
export function annotation(
  {
    metadata,
  }: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | undefined } },
  name: string,
): string | undefined {
  const all = metadata.annotations ?? {};
  const key = `${ANNOTATION}${name}`;
  return Object.hasOwn(all, key) ? all[key] : undefined;
}

/** The same as a duration, which it was checked to be, in ms. */
export function annotationMs(
  of: Parameters<typeof annotation>[0],
  name: string,
): number | undefined {
  const ms = durationMs(annotation(of, name));
  return typeof ms === 'number' ? ms : undefined;
}
