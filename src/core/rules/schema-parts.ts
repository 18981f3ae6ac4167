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

/** Any value, checked by code; `form` is what JSON Schema, and so an editor, is told of it. */
export function anyOfForm(form: Readonly<Record<string, unknown>>): z.ZodUnknown {
  return z.unknown().meta(form);
}

/** The grammar of `parseDuration` for JSON Schema. */
export const DURATION_FORM = '(0|(?=\\d)(\\d+y)?(\\d+w)?(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?)';

/** A Prometheus duration; in milliseconds once parsed. */
export function durationSchema(min_ms: number, max_ms: number): z.ZodType<number> {
  const range = `between ${formatDuration(min_ms)} and ${formatDuration(max_ms)}`;
  const form = {
    description: `A duration ${range}, like 30s, 5m or 1h30m.`,
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
  return z.never({ error: `this version does not enforce ${what} yet` }).optional();
}
