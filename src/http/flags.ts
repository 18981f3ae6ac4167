import { z } from 'zod';
import { AutohealError } from '../core/errors.ts';
import { isoTime } from '../core/time.ts';
import type { FlagView } from '../engine/api.ts';
import { Reason } from './until.ts';
import { ok, route, type Answer, type Call } from './route.ts';
import { NullableTime, Time, timeOrNull } from './views.ts';

const Value = z.union([z.boolean(), z.number(), z.string().max(1_000)], {
  error: 'must be true, false, a number, or a text of at most 1000 characters',
});
const FlagItem = z.strictObject({
  key: z.string(),
  type: z.enum(['boolean', 'string', 'number']),
  summary: z.string(),
  default: Value,
  value: Value,
  lease: z.strictObject({ id: z.string(), rule: z.string(), until: Time }).nullable(),
  updated_at: NullableTime,
  actor: z.string().nullable(),
});
const SetFlag = z.strictObject({ value: Value, reason: Reason });

export const FLAG_ROUTES = [
  route({
    method: 'GET',
    path: '/api/v1/flags',
    access: 'viewer',
    summary: 'The declared flags with their values now.',
    answers: {
      200: {
        description: 'All flags of the policy',
        schema: z.strictObject({ items: z.array(FlagItem) }),
      },
    },
    handle: async ({ deps }) => ok({ items: (await deps.flags.list()).map(flagView) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/flags/{key}',
    access: 'viewer',
    summary: 'One flag.',
    answers: { 200: { description: 'The flag', schema: FlagItem } },
    handle: getFlag,
  }),
  route({
    method: 'PUT',
    path: '/api/v1/flags/{key}',
    access: 'operator',
    summary: "Sets a flag's stored value by hand.",
    body: SetFlag,
    answers: { 200: { description: 'The flag as it is now', schema: FlagItem } },
    handle: setFlag,
  }),
];

async function getFlag({ deps, param }: Call<object, undefined>): Promise<Answer> {
  const flag = await deps.flags.get(param('key'));
  if (flag === undefined) {
    throw new AutohealError('not_found', 'the policy declares no flag of this name');
  }
  return ok(flagView(flag));
}

async function setFlag({
  deps,
  param,
  body,
  actor,
}: Call<object, z.infer<typeof SetFlag>>): Promise<Answer> {
  const { value, reason } = body;
  return ok(flagView(await deps.flags.set(param('key'), value, { actor, reason })));
}

function flagView(flag: FlagView): object {
  const { lease } = flag;
  return {
    ...flag,
    lease: lease && { ...lease, until: isoTime(lease.until) },
    updated_at: timeOrNull(flag.updated_at),
  };
}
