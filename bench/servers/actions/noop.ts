import { z } from 'zod';
import { defineAction } from '../../../src/action.ts';

const params = z.strictObject({ thing: z.string() });

/** Does nothing, on a target of its own for each alert: what is measured is everything around an action. */
export default defineAction<z.output<typeof params>>({
  id: 'noop',
  summary: 'Does nothing.',
  backend: 'bench',
  params,
  safe_to_repeat: true,
  leasable: false,
  resolve: async ({ thing }) => [
    {
      id: `thing/${thing}`,
      parents: [],
      name: thing,
      opted_in: true,
      opt_in_hint: '',
      observed: null,
      desired: null,
      cmd: 'true',
    },
  ],
  preview: async () => 'nothing',
  execute: async () => ({ started_at_ms: performance.timeOrigin + performance.now() }),
});
