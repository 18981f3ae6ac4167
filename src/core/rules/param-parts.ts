import { z } from 'zod';
import { formatDuration, parseDuration } from '../duration.ts';
import { durationTitle, issueOf } from './schema-parts.ts';

/**
 * A Prometheus duration as a parameter of an action. It stays a text, because parameters are checked
 * again whenever the step goes on; `durationMs` reads it.
 */
export function durationText(min_ms: number, max_ms: number): z.ZodType<string> {
  const range = `between ${formatDuration(min_ms)} and ${formatDuration(max_ms)}`;
  return z
    .string()
    .meta({ title: durationTitle(min_ms, max_ms) })
    .superRefine((text, ctx) => {
      const ms = parseDuration(text);
      if (ms === undefined)
        ctx.addIssue(issueOf('is not a duration', 'write it like 30s, 5m or 1h30m'));
      else if (ms < min_ms || ms > max_ms)
        ctx.addIssue(issueOf(`must be ${range}`, `write a duration ${range}`));
    });
}

/** Milliseconds of a text that `durationText` has accepted. */
export function durationMs(text: string): number {
  return parseDuration(text) ?? 0;
}

/** A text of one line, as arguments, headers and names have it. */
export function plainText(max_chars: number): z.ZodType<string> {
  return z
    .string()
    .max(max_chars)
    .superRefine((text, ctx) => {
      if (/\p{Cc}/u.test(text))
        ctx.addIssue(issueOf('holds a control character', 'write one line of plain text'));
    });
}
