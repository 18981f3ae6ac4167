import { z } from 'zod';
import { Reason } from './until.ts';
import { ok, route, type Answer, type Call } from './route.ts';
import { RemediationItem, remediationView } from './views.ts';

const Because = z.strictObject({ reason: Reason });
const RunRule = z.strictObject({
  rule: z.string().min(1).max(100),
  fingerprint: z.string().min(1).max(100).describe('Of an alert that fires: GET /api/v1/alerts'),
  reason: Reason,
});

export const OPERATION_ROUTES = [
  route({
    method: 'POST',
    path: '/api/v1/remediations',
    access: 'operator',
    summary: 'Starts a rule for an alert that fires. Every guard asks as ever.',
    body: RunRule,
    answers: { 201: { description: 'Started', schema: RemediationItem } },
    handle: run,
  }),
  route({
    method: 'POST',
    path: '/api/v1/remediations/{id}/cancel',
    access: 'operator',
    summary: 'No further step. What is under way is verified and recorded.',
    body: Because,
    answers: { 200: { description: 'It will end', schema: RemediationItem } },
    handle: async ({ deps, param, body, actor }: Call<object, z.infer<typeof Because>>) =>
      ok(remediationView(await deps.operations.cancel(param('id'), { ...body, actor }))),
  }),
  route({
    method: 'POST',
    path: '/api/v1/remediations/{id}/undo',
    access: 'operator',
    summary: 'Undoes now what is temporary of it, whoever else holds it.',
    body: Because,
    answers: {
      200: {
        description: 'The leases that end',
        schema: z.strictObject({
          leases: z.array(z.strictObject({ id: z.string(), target: z.string(), cmd: z.string() })),
        }),
      },
    },
    handle: undo,
  }),
];

async function run(call: Call<object, z.infer<typeof RunRule>>): Promise<Answer> {
  const { deps, body, actor } = call;
  return { ...ok(remediationView(await deps.operations.run({ ...body, actor }))), status: 201 };
}

async function undo(call: Call<object, z.infer<typeof Because>>): Promise<Answer> {
  const { deps, param, body, actor } = call;
  const leases = await deps.operations.undo(param('id'), { ...body, actor });
  return ok({
    leases: leases.map(({ id, target }) => ({ id, target: target.id, cmd: target.cmd })),
  });
}
