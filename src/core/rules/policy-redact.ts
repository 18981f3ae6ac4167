import { RE2JS } from 're2js';
import { z } from 'zod';
import { REDACTED, type Redaction } from '../alerts/redact.ts';
import { isObject } from './rule-params.ts';
import { issueOf } from './schema-parts.ts';
import { parseYaml } from './yaml-parse.ts';

/** Entries of each list, and characters of one. */
export const REDACT_ANNOTATIONS_MAX = 50;
export const REDACT_PATTERNS_MAX = 20;
export const REDACT_CHARS_MAX = 500;
/** Instructions that one pattern may expand to: it runs over every annotation that comes in. */
const PATTERN_PROGRAM_MAX = 1_000;

/**
 * Characters of one delivery that patterns look at, each pattern counted: 0.2 s of work, in which nobody else is
 * served. 20 patterns get through 100 kB of annotations, one through 2 MB.
 */
const CUT_WORK_MAX = 2 * 1024 * 1024;

const LABELS_STAY =
  'labels are what an alert is known by: rules, silences and the fingerprint need them, so none is redacted; ' +
  'leave it out where the alert is made (alert_relabel_configs), or write it into an annotation';

const Pattern = z
  .string()
  .min(1)
  .max(REDACT_CHARS_MAX)
  .superRefine((text, ctx) => {
    const compiled = compile(text);
    if (typeof compiled === 'string') ctx.addIssue(issueOf(compiled, 'correct the RE2 expression'));
    else if (compiled.matcher('').find())
      ctx.addIssue(issueOf('fits an empty text', 'ask for one character at least'));
  });

/** What of a delivery is left out before it is stored. */
export const Redact = z
  .strictObject({
    annotations: z
      .array(z.string().min(1).max(REDACT_CHARS_MAX))
      .max(REDACT_ANNOTATIONS_MAX)
      .default([])
      .describe('Names of annotations whose values are replaced by `[redacted]`.'),
    patterns: z
      .array(Pattern)
      .max(REDACT_PATTERNS_MAX)
      .default([])
      .describe('RE2 expressions; what fits one is cut out of the values of all annotations.'),
    labels: z.never({ error: LABELS_STAY }).optional().describe(`Refused: ${LABELS_STAY}.`),
  })
  .prefault({})
  .describe(
    'What is left out of deliveries before they are stored, and so of everything made of them. With it, only what autoheal uses of a body is kept.',
  );

/** The parsed section as intake uses it; null: deliveries are stored as they come. */
export function redactionOf({ annotations, patterns }: z.output<typeof Redact>): Redaction | null {
  if (annotations.length + patterns.length === 0) return null;
  return {
    annotations: new Set(annotations),
    cut: cutting(patterns),
    cut_chars_max: Math.floor(CUT_WORK_MAX / Math.max(1, patterns.length)),
  };
}

function cutting(patterns: readonly string[]): Redaction['cut'] {
  if (patterns.length === 0) return null;
  const compiled = patterns.map((pattern) => RE2JS.compile(pattern));
  return (text) =>
    compiled.reduce((left, pattern) => pattern.matcher(left).replaceAll(REDACTED), text);
}

function compile(pattern: string): RE2JS | string {
  try {
    const regex = RE2JS.compile(pattern);
    if (regex.programSize() <= PATTERN_PROGRAM_MAX) return regex;
    return `expands to more than ${PATTERN_PROGRAM_MAX} instructions`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Does a policy that does not compile ask for redaction? Then nobody knows of what. */
export function asksToRedact(file: string, text: string): boolean {
  const { source } = parseYaml(file, text);
  if (source === undefined) return /^\s*["']?redact\b/m.test(text);
  return isObject(source.value) && Object.hasOwn(source.value, 'redact');
}
