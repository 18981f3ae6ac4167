import { z } from 'zod';
import { formatDuration, parseDuration } from '../duration.ts';

/** Pieces of the schemas of the files that people write. Their messages follow the path of the value. */

/** What a name may be: of a rule, a notifier, a flag. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
export const NAME_FORM =
  'letters, digits, "-", "_" and ".", beginning with a letter or digit, at most 63';

/** An issue with what to write instead; zod-problems.ts reads `params.fix`. */
export function issueOf(
  message: string,
  fix: string,
): {
  readonly code: 'custom';
  readonly message: string;
  readonly params: { readonly fix: string };
} {
  return { code: 'custom', message, params: { fix } };
}

/**
 * Any value, checked by code; `form` is what JSON Schema, and so an editor, is told of it. Its `title` says
 * in words what is taken; docs/reference has it beside the key, whose meaning is the description.
 */
export function anyOfForm(form: Readonly<Record<string, unknown>>): z.ZodUnknown {
  return z.unknown().meta(form);
}

/** The grammar of `parseDuration` for JSON Schema. */
export const DURATION_FORM = '(0|(?=\\d)(\\d+y)?(\\d+w)?(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?)';

/** What a duration's place takes, in words. */
export function durationTitle(min_ms: number, max_ms: number): string {
  return `duration, ${min_ms === 0 ? '0' : formatDuration(min_ms)} to ${formatDuration(max_ms)}`;
}

/** A Prometheus duration; in milliseconds once parsed. Its default is written as people write it: `prefault`. */
export function durationSchema(min_ms: number, max_ms: number): z.ZodType<number> {
  const range = `between ${formatDuration(min_ms)} and ${formatDuration(max_ms)}`;
  const form = {
    title: durationTitle(min_ms, max_ms),
    anyOf: [{ type: 'string', pattern: `^${DURATION_FORM}$` }, { const: 0 }],
  };
  return anyOfForm(form).transform((value, ctx) => {
    const ms = value === 0 ? 0 : typeof value === 'string' ? parseDuration(value) : undefined;
    if (ms === undefined) {
      ctx.addIssue(issueOf('is not a duration', durationFix(value)));
      return z.NEVER;
    }
    if (ms < min_ms || ms > max_ms)
      ctx.addIssue(issueOf(`must be ${range}`, `write a duration ${range}`));
    return ms;
  });
}

function durationFix(value: unknown): string {
  if (typeof value === 'number' && value > 0)
    return `give it a unit: ${value}s, ${value}m or ${value}h`;
  return 'write it like 30s, 5m or 1h30m';
}

/** `34%` as 34, a whole number of at least 1. */
export function shareSchema(max_pct: number): z.ZodType<number> {
  const range = `1% to ${max_pct}%`;
  return anyOfForm({
    title: `share like '5%', ${range}`,
    type: 'string',
    pattern: '^\\d{1,3}%$',
  }).transform((value, ctx): number => {
    const match = typeof value === 'string' ? /^(\d{1,3})%$/.exec(value) : null;
    const percent = Number(match?.[1]);
    if (percent >= 1 && percent <= max_pct) return percent;
    const fix = typeof value === 'number' ? `write '${value}%', ${range}` : `write ${range}`;
    ctx.addIssue(issueOf('is not a share', fix));
    return z.NEVER;
  });
}

/** One line of text for people. */
export function lineSchema(max_chars: number): z.ZodType<string> {
  return z
    .string()
    .min(1)
    .max(max_chars)
    .superRefine((text, ctx) => {
      if (/\p{Cc}/u.test(text))
        ctx.addIssue(issueOf('must be one line without control characters', 'write one line'));
    });
}

/** A key that DESIGN names and this version does not enforce: an error that says so, never ignored. */
export function notYet(what: string): z.ZodOptional<z.ZodNever> {
  const error = `this version does not enforce ${what} yet`;
  return z.never({ error }).optional().describe(`Refused: ${error}.`);
}
