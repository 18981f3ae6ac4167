import type { ActionContext, AnyAction, Reverted, Undo } from '../action.ts';
import type { Target } from '../core/healing/remediation.ts';
import { jsonEqual, type Json, type JsonObject } from '../core/json.ts';
import type { InnerWorld } from './world.ts';

/** What the original would do is told by its plan; only what it does is a matter of data. */
export function standIns(
  actions: ReadonlyMap<string, AnyAction>,
  world: InnerWorld,
): ReadonlyMap<string, AnyAction> {
  return new Map([...actions].map(([id, action]) => [id, standInFor(action, world)]));
}

function standInFor(action: AnyAction, world: InnerWorld): AnyAction {
  return action.rehearse === 'as_is' ? asItIs(action, world) : inData(action, world);
}

/** It touches only what a rehearsal has. */
function asItIs(action: AnyAction, world: InnerWorld): AnyAction {
  const { revert } = action;
  return {
    ...action,
    async execute(params, target, ctx) {
      await world.meet(action.id, target.id, ctx.signal);
      return action.execute(params, target, ctx);
    },
    ...(revert === undefined
      ? {}
      : {
          revert: async (target: Target, undo: Undo, ctx: ActionContext) => {
            await world.meet(action.id, target.id, ctx.signal);
            return revert(target, undo, ctx);
          },
        }),
  };
}

function inData(action: AnyAction, world: InnerWorld): AnyAction {
  const { id, summary, backend, params, safe_to_repeat, leasable } = action;
  return {
    id,
    summary,
    backend,
    params,
    safe_to_repeat,
    leasable,
    resolve: async (given, ctx) => planned(action, given, world, ctx),
    preview: async (_given, target) => `would do: ${target.cmd}`,
    async execute(_given, target, ctx) {
      await world.meet(id, target.id, ctx.signal);
      // Gone since the plan: the original would not find it either.
      world.about(target.id);
      return act(target, world);
    },
    ...(action.verify === undefined
      ? {}
      : { verify: async (_given: unknown, target: Target) => world.health(target.id) }),
    probe: async () => 'done',
    ...(action.revert === undefined
      ? {}
      : {
          revert: async (target: Target, undo: Undo, ctx: ActionContext) => {
            await world.meet(id, target.id, ctx.signal);
            return putBack(target, undo, world);
          },
        }),
  };
}

function planned(
  action: AnyAction,
  params: JsonObject,
  world: InnerWorld,
  ctx: ActionContext,
): readonly Target[] {
  const seen = {
    observed: (target_id: string) => world.value(target_id),
    about: (target_id: string) => world.about(target_id),
    clients: ctx.clients,
    cause: ctx.cause,
  };
  if (typeof action.rehearse !== 'function') return [nameless(action, params, world)];
  return action.rehearse(params, seen).map((target) => ({
    ...target,
    opted_in: target.opted_in || ctx.allows(target.id, target.name),
  }));
}

/** An action that says nothing of rehearsals has one target for each set of parameters. */
function nameless(action: AnyAction, params: JsonObject, world: InnerWorld): Target {
  const name = JSON.stringify(params);
  const id = `${action.id}/${name}`;
  const { opted_in, group } = world.about(id);
  return {
    id,
    parents: [],
    name,
    opted_in,
    opt_in_hint: 'the world of the test says so',
    observed: world.value(id) ?? null,
    desired: null,
    cmd: `${action.id} ${name}`,
    ...(group === undefined ? {} : { group }),
  };
}

function act({ id, desired, observed }: Target, world: InnerWorld): JsonObject {
  if (desired === null) return { rehearsed: true };
  world.set(id, desired);
  return { rehearsed: true, from: observed, to: desired };
}

/** Compares and restores, as every original has to. */
function putBack({ id }: Target, { original, value }: Undo, world: InnerWorld): Reverted {
  world.about(id);
  const now: Json = world.value(id) ?? original;
  if (jsonEqual(now, original))
    return { result: 'reverted', cmd: null, evidence: { changed: false } };
  if (!jsonEqual(now, value))
    return { result: 'changed_elsewhere', cmd: null, evidence: { now, expected: value, original } };
  world.set(id, original);
  const cmd = `set ${id} back to ${JSON.stringify(original)}`;
  return { result: 'reverted', cmd, evidence: { from: now, to: original } };
}
