import { z } from 'zod';
import type { Hold } from '../core/healing/hold.ts';
import { isoTime } from '../core/time.ts';
import { endOf, Reason, Until } from './until.ts';
import { ok, route, type Answer, type Call } from './route.ts';
import { NullableTime, Time, timeOrNull } from './views.ts';

const Selector = z.string().trim().min(1).max(1_000).nullish();
const HoldItem = z
  .strictObject({
    id: z.string(),
    kind: z.enum(['hold', 'ack', 'quarantine']),
    alertname: z.string().nullable(),
    fingerprint: z.string().nullable(),
    episode: z.string().nullable(),
    rule: z.string().nullable(),
    target: z.string().nullable(),
    reason: z.string(),
    actor: z.string(),
    since: Time,
    until: NullableTime,
    ended_at: NullableTime,
  })
  .meta({ id: 'Hold' });
const PlaceHold = z.strictObject({
  ...Until,
  alertname: Selector,
  fingerprint: Selector,
  rule: Selector,
  target: Selector.describe(
    "A target's id, or what people call it; a parent holds its children too",
  ),
});
const Acknowledge = z.strictObject({
  ...Until,
  episode: z.string().min(1).max(100).describe('Id of the episode: GET /api/v1/alerts'),
});
const EndHold = z.strictObject({ reason: Reason });

export const HOLD_ROUTES = [
  route({
    method: 'GET',
    path: '/api/v1/holds',
    access: 'viewer',
    summary: 'What is held: holds, acknowledgements, quarantines.',
    answers: {
      200: {
        description: 'Those that stand',
        schema: z.strictObject({ items: z.array(HoldItem) }),
      },
    },
    handle: async ({ deps }) => ok({ items: (await deps.holds.standing()).map(holdView) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/holds',
    access: 'operator',
    summary: 'Holds healing of an alert, a rule or a target; all that is given has to fit.',
    body: PlaceHold,
    answers: { 201: { description: 'Held', schema: HoldItem } },
    handle: place,
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/holds/{id}',
    access: 'operator',
    summary: 'Ends a hold, an acknowledgement or a quarantine.',
    body: EndHold,
    answers: { 200: { description: 'Ended', schema: HoldItem } },
    handle: async ({ deps, param, body, actor }: Call<object, z.infer<typeof EndHold>>) =>
      ok(holdView(await deps.holds.end(param('id'), { actor, reason: body.reason }))),
  }),
  route({
    method: 'POST',
    path: '/api/v1/ack',
    access: 'operator',
    summary: 'A person looks after this alert: healing of it is held until it is over.',
    body: Acknowledge,
    answers: { 201: { description: 'Acknowledged', schema: HoldItem } },
    handle: acknowledge,
  }),
];

async function place(call: Call<object, z.infer<typeof PlaceHold>>): Promise<Answer> {
  const { deps, actor, body } = call;
  const until = endOf(body, deps.clock.now());
  const { alertname = null, fingerprint = null, rule = null, target = null, reason } = body;
  const about = { alertname, fingerprint, rule, target, episode: null };
  const hold = await deps.holds.place({ ...about, kind: 'hold', actor, reason, until });
  return { ...ok(holdView(hold)), status: 201 };
}

async function acknowledge(call: Call<object, z.infer<typeof Acknowledge>>): Promise<Answer> {
  const { deps, actor, body } = call;
  const until = endOf(body, deps.clock.now());
  const { episode, reason } = body;
  const hold = await deps.holds.acknowledge({ episode, actor, reason, until });
  return { ...ok(holdView(hold)), status: 201 };
}

function holdView(hold: Hold): object {
  return {
    ...hold,
    since: isoTime(hold.since),
    until: timeOrNull(hold.until),
    ended_at: timeOrNull(hold.ended_at),
  };
}
