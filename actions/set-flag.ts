import { z } from 'zod';
import {
  ActionError,
  type ActionContext,
  defineAction,
  type FlagValue,
  type Reverted,
} from '../src/action.ts';
import type { Json, JsonObject } from '../src/core/json.ts';

const params = z.strictObject({
  flag: z.string().min(1).max(200).describe('A flag of the policy.'),
  value: z
    .union([z.boolean(), z.string().max(1_000), z.number()])
    .describe("What it is set to, of the type of the flag's default."),
});
type Params = z.output<typeof params>;

export default defineAction<Params>({
  id: 'set_flag',
  summary: 'Set a feature flag that the policy declares.',
  backend: 'flags',
  params: params,
  safe_to_repeat: true,
  leasable: true,

  rehearse: 'as_is',

  async resolve({ flag, value }, ctx) {
    const stored = await storedOf(flag, ctx);
    if (typeof stored !== typeof value)
      throw new ActionError(
        'invalid_params',
        `flag ${flag} is a ${typeof stored}, ${JSON.stringify(value)} is a ${typeof value}`,
        { retryable: false },
      );
    return [
      {
        id: `flag/${flag}`,
        parents: [],
        name: flag,
        opted_in: true,
        opt_in_hint: 'declared under flags in the policy',
        observed: stored,
        desired: value,
        cmd: commandOf(flag, value),
      },
    ];
  },

  async preview({ flag, value }, _target, ctx) {
    const stored = await storedOf(flag, ctx);
    const what = stored === value ? 'is already' : `${JSON.stringify(stored)} ->`;
    return `flag ${flag}: ${what} ${JSON.stringify(value)}`;
  },

  async execute({ flag }, target, ctx) {
    const from = valueOf(target.observed);
    const to = valueOf(target.desired);
    if (from !== to && (await swap(flag, from, to, 'set_flag', ctx))) {
      return { changed: true, from, to };
    }
    const now = await storedOf(flag, ctx);
    if (now === to) return { changed: false, from: now, to };
    throw new ActionError(
      'conflict',
      `flag ${flag} is ${JSON.stringify(now)} now, the plan saw ${JSON.stringify(from)}: changed elsewhere, left alone`,
      { retryable: false },
    );
  },

  async verify({ flag }, target, _evidence, ctx) {
    return (await storedOf(flag, ctx)) === target.desired ? 'healthy' : 'failed';
  },

  async revert(target, undo, ctx) {
    const from = valueOf(undo.value);
    const to = valueOf(undo.original);
    const flag = await ctx.clients.flags.read(target.name);
    if (flag === undefined) return leftAlone({ declared: false, original: to });
    // A crash after the undo was written and before it was recorded: there is nothing left to do.
    if (flag.stored === to)
      return { result: 'reverted', cmd: null, evidence: { changed: false, to } };
    if (await swap(target.name, from, to, 'revert', ctx))
      return {
        result: 'reverted',
        cmd: commandOf(target.name, to),
        evidence: { changed: true, from, to },
      };
    return leftAlone({ value: await storedOf(target.name, ctx), expected: from, original: to });
  },
});

function leftAlone(evidence: JsonObject): Reverted {
  return { result: 'changed_elsewhere', cmd: null, evidence };
}

/** The stored value, not what applications read: a lease that has run out still has its undo ahead. */
async function storedOf(flag: string, ctx: ActionContext): Promise<FlagValue> {
  const found = await ctx.clients.flags.read(flag);
  if (found !== undefined) return found.stored;
  throw new ActionError('not_found', `the policy declares no flag ${flag}; add it under flags`, {
    retryable: false,
  });
}

function swap(
  flag: string,
  from: FlagValue,
  to: FlagValue,
  reason: string,
  ctx: ActionContext,
): Promise<boolean> {
  const { remediation, rule, trace_id } = ctx.cause;
  return ctx.clients.flags.compareAndSet(flag, from, to, {
    actor: 'autoheal',
    remediation,
    rule,
    reason,
    trace_id,
  });
}

/** As a person would type it: text with blanks or quotes goes in single quotes. */
function commandOf(flag: string, value: FlagValue): string {
  const text = String(value);
  const plain = /^[\w.:@/+-]+$/.test(text);
  return `autoheal flags set ${flag} ${plain ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`}`;
}

function valueOf(value: Json): FlagValue {
  if (typeof value === 'boolean' || typeof value === 'string' || typeof value === 'number')
    return value;
  throw new ActionError('unexpected', `${JSON.stringify(value)} is no flag's value`, {
    retryable: false,
  });
}
