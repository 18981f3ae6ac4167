import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import { AutohealError } from '../core/errors.ts';
import { rfc3339 } from './query.ts';

/** What a person says who stops something: why, and until when. */

const UNTIL_MAX_MS = 366 * 24 * 3_600_000;

/** Why somebody changed something: the audit keeps it. */
export const Reason = z.string().trim().min(1, 'say why').max(500, 'at most 500 characters');

/** The keys of a request that has an end. */
export const Until = {
  reason: Reason,
  for: z.string().optional().describe('A duration: 30m, 2h'),
  until: z.string().optional().describe('RFC 3339'),
};

/** Ms since the epoch; null: until somebody ends it. @throws AutohealError `invalid_request`. */
export function endOf(
  body: { readonly for?: string | undefined; readonly until?: string | undefined },
  now: number,
): number | null {
  if (body.for !== undefined && body.until !== undefined) {
    throw new AutohealError('invalid_request', 'give "for" or "until", not both');
  }
  const until = body.for === undefined ? untilOf(body.until) : now + durationOf(body.for);
  if (until === null || (until > now && until <= now + UNTIL_MAX_MS)) return until;
  throw new AutohealError('invalid_request', 'the end must lie ahead, by at most 366 days');
}

function untilOf(until: string | undefined): number | null {
  if (until === undefined) return null;
  const time = rfc3339(until);
  if (time !== undefined) return time;
  throw new AutohealError('invalid_request', 'until: write RFC 3339, as 2026-03-01T09:00:00Z');
}

function durationOf(text: string): number {
  const duration = parseDuration(text);
  if (duration !== undefined) return duration;
  throw new AutohealError('invalid_request', 'for: write a duration, as 30m or 2h');
}
