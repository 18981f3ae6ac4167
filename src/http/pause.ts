import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import { AutohealError } from '../core/errors.ts';
import type { HttpDeps } from './deps.ts';
import { rfc3339 } from './query.ts';
import { ok, route, type Answer, type Call } from './route.ts';
import { PauseItem, pauseView } from './views.ts';

const PATH = '/api/v1/pause';
const PAUSE_MAX_MS = 366 * 24 * 3_600_000;

/** Why somebody changed something: the audit keeps it. */
export const Reason = z.string().trim().min(1, 'say why').max(500, 'at most 500 characters');

const Mode = z.enum(['auto', 'dry-run', 'paused']);
const PauseState = z.strictObject({
  mode: Mode,
  /** Null while mode is `paused`: the environment paused it, and the API cannot lift that. */
  pause: PauseItem.nullable(),
});
const PauseRequest = z.strictObject({
  reason: Reason,
  for: z.string().optional().describe('A duration: 30m, 2h'),
  until: z.string().optional().describe('RFC 3339'),
});

export const PAUSE_ROUTES = [
  route({
    method: 'GET',
    path: PATH,
    access: 'viewer',
    summary: 'Is healing paused, by whom, until when?',
    answers: { 200: { description: 'The state', schema: PauseState } },
    handle: async ({ deps }) => stateOf(deps),
  }),
  route({
    method: 'POST',
    path: PATH,
    access: 'operator',
    summary: 'Pauses all healing. Nothing begins while it stands; it survives restarts.',
    body: PauseRequest,
    answers: { 200: { description: 'Paused', schema: PauseState } },
    handle: pause,
  }),
  route({
    method: 'DELETE',
    path: PATH,
    access: 'operator',
    summary: 'Lets healing go on.',
    answers: { 200: { description: 'Resumed', schema: PauseState } },
    handle: async ({ deps, actor }) => {
      await deps.operator.resume({ actor });
      return stateOf(deps);
    },
  }),
];

async function pause({
  deps,
  actor,
  body,
}: Call<object, z.infer<typeof PauseRequest>>): Promise<Answer> {
  const until = endOf(body, deps.clock.now());
  await deps.operator.pause({ actor, reason: body.reason, until });
  return stateOf(deps);
}

/** Ms since the epoch; null: until somebody resumes. */
function endOf(body: z.infer<typeof PauseRequest>, now: number): number | null {
  if (body.for !== undefined && body.until !== undefined) {
    throw new AutohealError('invalid_request', 'give "for" or "until", not both');
  }
  const until = body.for === undefined ? untilOf(body.until) : now + durationOf(body.for);
  if (until === null || (until > now && until <= now + PAUSE_MAX_MS)) return until;
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

function stateOf({ operator }: HttpDeps): Answer {
  const standing = operator.paused();
  return ok({ mode: operator.mode(), pause: standing ? pauseView(standing) : null });
}
