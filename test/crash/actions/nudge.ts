import { z } from 'zod';
import { defineAction } from '../../../src/action.ts';
import { targetOf, targets } from '../targets.ts';

const params = z.strictObject({ thing: z.string() });

/** The first step of a ladder: safe to repeat, and never of any help. */
export default defineAction<z.output<typeof params>>({
  id: 'nudge',
  summary: 'Nudges a thing of the crash tests, in vain.',
  backend: 'things',
  params,
  safe_to_repeat: true,
  leasable: false,
  resolve: async ({ thing }) => [targetOf(thing, null, 'nudged')],
  preview: async ({ thing }) => `nudge ${thing}`,
  async execute(_params, { name: target }, ctx) {
    const about = { action: 'nudge', key: ctx.idempotency_key, target };
    targets.write({ what: 'begin', ...about });
    targets.write({ what: 'effect', ...about });
    targets.write({ what: 'end', ...about });
    return { nudged: true };
  },
  verify: async () => 'failed',
});
