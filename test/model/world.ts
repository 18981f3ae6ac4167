import { z } from 'zod';
import { type ActionContext, ActionError, type AnyAction, defineAction } from '../../src/action.ts';
import type { Json } from '../../src/core/json.ts';
import type { Target } from '../../src/core/healing/remediation.ts';
import type { Call } from './journal.ts';

/** How the next call of a backend goes wrong. `did_`: it does its work first. */
export const FAULTS = ['away', 'no', 'did_no', 'did_away', 'hang', 'did_hang', 'slow'] as const;
export type Fault = (typeof FAULTS)[number];

/** Things with a value. It outlives every crash. */
export interface ModelWorld {
  readonly values: Map<string, Json>;
  /** Taken one by one by the coming calls. */
  readonly faults: Fault[];
  /** Keys of runs that really happened. */
  readonly done: Set<string>;
  /** False: a target cannot tell whether it was done. */
  probes: boolean;
}

/** What the harness wants to know, and where it comes in between. */
export interface Watcher {
  readonly begin: (call: Call) => void;
  readonly end: (call: Call, did: boolean) => void;
  readonly probed: (key: string, answer: string) => void;
  /** Never resolves when the process dies here. */
  readonly at: (point: 'plan' | 'before_act' | 'after_act') => Promise<void>;
}

const SLOW_MS = 5_000;

function targetOf(world: ModelWorld, name: string, desired: Json): Target {
  const [service] = name.split('.');
  return {
    id: `thing/${name}`,
    parents: name.includes('.') ? [`thing/${service}`] : [],
    name,
    opted_in: true,
    opt_in_hint: '',
    observed: world.values.get(name) ?? null,
    desired,
    cmd: desired === null ? `poke ${name}` : `set ${name}=${JSON.stringify(desired)}`,
  };
}

async function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** Before the work. */
async function misbehave(fault: Fault | undefined, context: ActionContext): Promise<void> {
  if (fault === 'away') throw new ActionError('unavailable', 'away', { retryable: true });
  if (fault === 'no') throw new ActionError('rejected', 'no', { retryable: false });
  if (fault === 'hang') await hang(context.signal);
  if (fault === 'slow') await context.sleep(SLOW_MS);
  context.signal.throwIfAborted();
}

/** After it. */
async function betray(fault: Fault | undefined, call: Call, signal: AbortSignal): Promise<void> {
  if (fault === 'did_no')
    throw new ActionError('rejected', 'did, and failed', { retryable: false });
  // Who says "try again" promises that it may be done twice.
  const retryable = call.safe_to_repeat || call.what === 'revert';
  if (fault === 'did_away') throw new ActionError('unavailable', 'did, and failed', { retryable });
  if (fault === 'did_hang') await hang(signal);
}

/** Calls `work` as the next fault wants it, and tells the watcher. */
async function acting<T>(
  world: ModelWorld,
  watcher: Watcher,
  call: Call,
  context: ActionContext,
  work: () => { readonly did: boolean; readonly value: T },
): Promise<T> {
  watcher.begin(call);
  let did = false;
  try {
    const fault = world.faults.shift();
    await watcher.at('before_act');
    await misbehave(fault, context);
    const done = work();
    did = done.did;
    await watcher.at('after_act');
    await betray(fault, call, context.signal);
    return done.value;
  } finally {
    watcher.end(call, did);
  }
}

/** `poke`: a restart; it may not be done twice, and can be asked. `set_thing`: leasable, safe to repeat. */
export function modelActions(world: ModelWorld, watcher: Watcher): readonly AnyAction[] {
  const poke = defineAction({
    id: 'poke',
    summary: 'Restarts a thing.',
    backend: 'world',
    params: z.strictObject({ thing: z.string().min(1) }),
    safe_to_repeat: false,
    leasable: false,
    async resolve({ thing }) {
      await watcher.at('plan');
      return [targetOf(world, thing, null)];
    },
    preview: async () => 'would poke',
    execute: (_params, target, context) =>
      acting(world, watcher, callOf('execute', target, context, false), context, () => {
        world.done.add(context.idempotency_key);
        return { did: true, value: {} };
      }),
    async probe(_params, _target, { idempotency_key }) {
      const told = world.done.has(idempotency_key) ? 'done' : 'not_done';
      const answer = world.probes ? told : 'unknown';
      watcher.probed(idempotency_key, answer);
      return answer;
    },
  });
  const set_thing = defineAction({
    id: 'set_thing',
    summary: 'Sets the value of a thing.',
    backend: 'world',
    params: z.strictObject({ thing: z.string(), to: z.int().optional(), by: z.int().optional() }),
    safe_to_repeat: true,
    leasable: true,
    async resolve({ thing, to, by }) {
      await watcher.at('plan');
      return [targetOf(world, thing, to ?? Number(world.values.get(thing)) + (by ?? 0))];
    },
    preview: async () => 'would set',
    execute: (_params, target, context) =>
      acting(world, watcher, callOf('execute', target, context, true), context, () => {
        const now = world.values.get(target.name) ?? null;
        if (now === target.desired) return { did: false, value: {} };
        if (now !== target.observed)
          throw new ActionError('conflict', 'changed since', { retryable: false });
        world.values.set(target.name, target.desired);
        return { did: true, value: {} };
      }),
    revert: (target, { original, value }, context) =>
      acting(world, watcher, callOf('revert', target, context, true), context, () => {
        const now = world.values.get(target.name) ?? null;
        const did = now === value && now !== original;
        if (did) world.values.set(target.name, original);
        const result = did || now === original ? 'reverted' : 'changed_elsewhere';
        return { did, value: { result, cmd: null, evidence: {} } };
      }),
  });
  return [poke, set_thing];
}

function callOf(
  what: Call['what'],
  { id, parents }: Target,
  { idempotency_key }: ActionContext,
  safe_to_repeat: boolean,
): Call {
  return { what, key: idempotency_key, target: id, parents, safe_to_repeat };
}
