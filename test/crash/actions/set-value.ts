import { z } from 'zod';
import { ActionError, type ActionContext, defineAction } from '../../../src/action.ts';
import type { Json } from '../../../src/core/json.ts';
import { BACKEND_MS, targetOf, targets } from '../targets.ts';

const params = z.strictObject({ thing: z.string(), value: z.string() });

/** Safe to repeat and leasable: an absolute value, set by comparison. */
export default defineAction<z.output<typeof params>>({
  id: 'set_value',
  summary: 'Sets the value of a thing of the crash tests.',
  backend: 'things',
  params,
  safe_to_repeat: true,
  leasable: true,
  resolve: async ({ thing, value }) => [targetOf(thing, targets.valueOf(thing), value)],
  preview: async ({ thing, value }) => `set ${thing} to ${value}`,
  async execute(_params, target, ctx) {
    return {
      changed: await set(target.name, target.observed, target.desired, ctx),
    };
  },
  verify: async ({ value }, target) =>
    targets.valueOf(target.name) === value ? 'healthy' : 'failed',
  async revert(target, undo, ctx) {
    const changed = await set(target.name, undo.value, undo.original, ctx);
    return { result: 'reverted', cmd: changed ? target.cmd : null, evidence: { changed } };
  },
});

/** @throws ActionError `conflict` when the value is neither of the two: somebody trampled on it. */
async function set(
  target: string,
  before: Json,
  after: Json,
  ctx: ActionContext,
): Promise<boolean> {
  const [from, to] = [text(before), text(after)];
  const about = { action: 'set_value', key: ctx.idempotency_key, target, from, to };
  targets.write({ what: 'begin', ...about });
  await ctx.sleep(BACKEND_MS);
  const now = targets.valueOf(target);
  if (now !== from && now !== to)
    throw new ActionError('conflict', `${target} is ${now}`, { retryable: false });
  if (now !== to) targets.write({ what: 'effect', ...about });
  targets.write({ what: 'end', ...about });
  return now !== to;
}

function text(value: Json): string {
  return z.string().parse(value);
}
