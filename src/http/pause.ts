import { z } from 'zod';
import type { HttpDeps } from './deps.ts';
import { ok, route, type Answer, type Call } from './route.ts';
import { endOf, Until } from './until.ts';
import { PauseItem, pauseView } from './views.ts';

const PATH = '/api/v1/pause';

const Mode = z.enum(['auto', 'approve', 'dry-run', 'paused']);
const PauseState = z.strictObject({
  mode: Mode,
  /** Null while mode is `paused`: the environment paused it, and the API cannot lift that. */
  pause: PauseItem.nullable(),
});
const PauseRequest = z.strictObject(Until);

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

function stateOf({ operator }: HttpDeps): Answer {
  const standing = operator.paused();
  return ok({ mode: operator.mode(), pause: standing ? pauseView(standing) : null });
}
