import { z } from 'zod';
import { defineAction } from '../../../src/action.ts';
import { BACKEND_MS, targetOf, targets } from '../targets.ts';

const params = z.strictObject({ thing: z.string(), heals: z.enum(['yes', 'no']).default('yes') });

/** Not safe to repeat, like a restart: after a crash its target is asked first. */
export default defineAction<z.output<typeof params>>({
  id: 'restart',
  summary: 'Restarts a thing of the crash tests.',
  backend: 'things',
  params,
  safe_to_repeat: false,
  leasable: false,
  resolve: async ({ thing }) => [targetOf(thing, null, null)],
  preview: async ({ thing }) => `restart ${thing}`,
  async execute(_params, { name: target }, ctx) {
    const about = { action: 'restart', key: ctx.idempotency_key, target };
    targets.write({ what: 'begin', ...about });
    await ctx.sleep(BACKEND_MS);
    targets.write({ what: 'effect', ...about });
    await ctx.sleep(BACKEND_MS);
    targets.write({ what: 'end', ...about });
    return { restarted: true };
  },
  verify: async ({ heals }) => (heals === 'yes' ? 'healthy' : 'failed'),
  probe: async (_params, _target, ctx) =>
    targets.isDone(ctx.idempotency_key) ? 'done' : 'not_done',
});
