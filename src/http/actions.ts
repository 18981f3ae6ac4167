import { z } from 'zod';
import type { AnyAction } from '../action.ts';
import { ok, route } from './route.ts';

const ActionItem = z.strictObject({
  id: z.string(),
  summary: z.string(),
  backend: z.string(),
  params: z.record(z.string(), z.json()),
  leasable: z.boolean(),
  safe_to_repeat: z.boolean(),
});

export const ACTION_ROUTES = [
  route({
    method: 'GET',
    path: '/api/v1/actions',
    access: 'viewer',
    summary: 'What a step can do, with the JSON schema of its parameters.',
    answers: {
      200: {
        description: 'All actions by id',
        schema: z.strictObject({ items: z.array(ActionItem) }),
      },
    },
    handle: async ({ deps }) => {
      const actions = [...deps.actions.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
      return ok({ items: actions.map(actionView) });
    },
  }),
];

function actionView(action: AnyAction): object {
  const { id, summary, backend, params, leasable, safe_to_repeat } = action;
  // As a rule's author writes them: before defaults and transforms.
  const schema = z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' });
  return { id, summary, backend, params: schema, leasable, safe_to_repeat };
}
