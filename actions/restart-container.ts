import { z } from 'zod';
import { ActionError, type ActionContext, defineAction, type Health } from '../src/action.ts';
import {
  containerHealth,
  type ContainerState,
  findContainer,
  inspectContainer,
  refuseState,
  restartFound,
} from '../src/adapters/containers.ts';
import { composeServiceOf, siblingsOf } from '../src/adapters/siblings.ts';
import type { JsonObject } from '../src/core/json.ts';
import type { Target } from '../src/core/healing/remediation.ts';

const STOP_SECONDS = 10;
/** The engine's clock may differ from ours by this much. */
const CLOCK_SKEW_MS = 2_000;
/** A restart that an earlier life began may still be stopping the container. */
const RESTART_MARGIN_MS = 2_000;
/** Shorter than the engine gives a look at a target: what takes longer cannot be told. */
const PROBE_WAIT_MAX_MS = 12_000;

/** Together with the stop time it fits the step's deadline of a minute. */
const WAIT_SECONDS = 45;
const WAIT_MAX_SECONDS = 590;
const LOOK_EVERY_MS = 500;
const THEN_MAX = 10;

const reference = z.string().min(1).max(300);
const stop = z.int().min(0).max(300).default(STOP_SECONDS);
const wait = z.int().min(1).max(WAIT_MAX_SECONDS).default(WAIT_SECONDS);
const dependents = z.array(reference).max(THEN_MAX).default([]);
const params = z.strictObject({
  container: reference.describe(
    'A name, an id, the first 12 or more digits of an id, or `label=value`.',
  ),
  // An array is no promise, whatever its name.
  // oxlint-disable-next-line unicorn/no-thenable
  then: dependents.describe('To be restarted after it, in this order; written as `container` is.'),
  stop_seconds: stop.describe('How long each may take to stop before it is killed.'),
  wait_seconds: wait.describe('How long each may take to come up before the next is restarted.'),
});
type Params = z.output<typeof params>;

export default defineAction<Params>({
  id: 'restart_container',
  summary: 'Restart one Docker container, and then those that depend on it, in order.',
  backend: 'docker',
  params: params,
  safe_to_repeat: false,
  leasable: false,

  rehearse({ container, then, stop_seconds }, world) {
    return [container, ...then].map((name) => {
      const id = `docker/${name}`;
      const { opted_in, group } = world.about(id);
      return {
        id,
        parents: group === undefined ? [] : [group.id],
        name,
        opted_in,
        opt_in_hint: hintOf(name, opted_in, false),
        observed: world.observed(id) ?? { running: true },
        desired: null,
        cmd: restartCommand(name, stop_seconds),
        ...(group === undefined ? {} : { group }),
      };
    });
  },

  async resolve({ container, then, stop_seconds }, ctx) {
    const docker = await ctx.clients.docker();
    const targets: Target[] = [];
    for (const ref of [container, ...then]) {
      const id = await findContainer(docker, ref, ctx.signal);
      const found = await inspectContainer(docker, id, ctx.signal);
      if (targets.some((target) => target.id === `docker/${id}`))
        throw new ActionError(
          'invalid_params',
          `${JSON.stringify(ref)} is container ${found.name} again; name each once`,
          { retryable: false },
        );
      const group = await siblingsOf(docker, found, ctx.signal);
      const target = targetOf(found, targets.at(-1), stop_seconds, ctx);
      targets.push(group === undefined ? target : { ...target, group });
    }
    return targets;
  },

  async preview(_given, target, ctx) {
    const now = await inspectTarget(target, ctx);
    refuseState(now);
    return `restart container ${now.name} (${now.status}, started ${now.started_at})`;
  },

  async execute({ stop_seconds, wait_seconds }, target, ctx) {
    const first = await untilUp(target, wait_seconds, ctx);
    const before = await inspectTarget(target, ctx);
    if (restartedSince(before, target, first)) return elsewhere(target, before, ctx);
    refuseState(before);
    await restartFound(await ctx.clients.docker(), before, stop_seconds, ctx.signal);
    const after = await inspectTarget(target, ctx);
    return {
      restarted: true,
      exit_code_before: before.running ? null : before.exit_code,
      health_before: before.health,
      started_before: before.started_at,
      ...evidenceOf(after),
    };
  },

  async verify(_given, target, evidence, ctx) {
    const now = await inspectTarget(target, ctx).catch(goneIsUndefined);
    // The target remembers the start before; the evidence of a run that a crash cut short does not.
    if (now === undefined || now.started_at === startedOf(target)) return 'failed';
    return healthOf(now, evidence, ctx.now());
  },

  /** Whoever restarted it since the intent: it needs no second restart. */
  async probe({ stop_seconds }, target, ctx) {
    const intent_at = ctx.cause.intent_at ?? 0;
    const first = await firstOf(target, ctx);
    if (first === 'gone') return 'unknown';
    // The one before it was not restarted: its turn never came.
    if (first !== undefined && first.started_at === afterOf(target)?.started_at) return 'not_done';
    // A dependent's restart began at any time since, and no later than now.
    const begun_at = first === undefined ? intent_at : ctx.now();
    const settled_at = begun_at + stop_seconds * 1_000 + RESTART_MARGIN_MS;
    const now = await settled(target, first, settled_at, ctx);
    if (now === undefined) return 'unknown';
    if (restartedSince(now, target, first))
      return Date.parse(now.started_at) > intent_at - CLOCK_SKEW_MS ? 'done' : 'unknown';
    return ctx.now() >= settled_at ? 'not_done' : 'unknown';
  },
});

/** As it is once it was restarted, or once nothing that was begun can still be under way. */
async function settled(
  target: Target,
  first: ContainerState | undefined,
  settled_at: number,
  ctx: ActionContext,
): Promise<ContainerState | undefined> {
  const end_at = Math.min(settled_at, ctx.now() + PROBE_WAIT_MAX_MS);
  for (;;) {
    const now = await inspectTarget(target, ctx).catch(goneIsUndefined);
    if (now === undefined || restartedSince(now, target, first) || ctx.now() >= end_at) return now;
    await ctx.sleep(LOOK_EVERY_MS);
  }
}

function targetOf(
  found: ContainerState,
  after: Target | undefined,
  stop_seconds: number,
  ctx: ActionContext,
): Target {
  const id = `docker/${found.id}`;
  const labelled = found.labels['autoheal'] === 'true';
  const named = ctx.allows(id, found.name);
  return {
    id,
    parents: [composeServiceOf(found.labels) ?? []].flat(),
    name: found.name,
    opted_in: labelled || named,
    opt_in_hint: hintOf(found.name, labelled, named),
    observed: {
      started_at: found.started_at,
      running: found.running,
      restart_count: found.restart_count,
      health: found.health,
      ...(after === undefined ? {} : { after: { id: after.id, started_at: startedOf(after) } }),
    },
    desired: null,
    cmd: restartCommand(found.name, stop_seconds),
  };
}

function restartCommand(name: string, stop_seconds: number): string {
  return `docker restart ${stop_seconds === STOP_SECONDS ? '' : `-t ${stop_seconds} `}${name}`;
}

/** The one that has to be up before this one is restarted, as the plan saw it. */
interface After {
  readonly id: string;
  readonly started_at: string;
}
function afterOf(target: Target): After | undefined {
  return (target.observed as { readonly after?: After } | null)?.after;
}

/** The one before, as it is now; undefined where there is none to wait for. */
async function firstOf(
  target: Target,
  ctx: ActionContext,
): Promise<ContainerState | 'gone' | undefined> {
  const after = afterOf(target);
  if (after === undefined) return undefined;
  return (await inspectTarget(after, ctx).catch(goneIsUndefined)) ?? 'gone';
}

/**
 * Waits, before a dependent is restarted, until the one before it is restarted and healthy. Here and
 * not after the restart, because a crash in between must not make the dependent forget to wait.
 * @throws ActionError `conflict` when it failed, or took longer than `wait_seconds`.
 */
async function untilUp(
  target: Target,
  wait_seconds: number,
  ctx: ActionContext,
): Promise<ContainerState | undefined> {
  const give_up_at = ctx.now() + wait_seconds * 1_000;
  for (;;) {
    const first = await firstOf(target, ctx);
    if (first === undefined) return undefined;
    if (first === 'gone') throw notUp(target, 'the container that was restarted before it is gone');
    const health =
      first.started_at === afterOf(target)?.started_at ? 'pending' : healthOf(first, {}, ctx.now());
    if (health === 'healthy') return first;
    if (health === 'failed') throw notUp(target, `${first.name} did not come up`);
    if (ctx.now() >= give_up_at)
      throw notUp(target, `${first.name} is not up after ${wait_seconds} s (wait_seconds)`);
    await ctx.sleep(LOOK_EVERY_MS);
  }
}

function notUp(target: Target, why: string): ActionError {
  return new ActionError('conflict', `${why}, so ${target.name} was not restarted`, {
    retryable: false,
  });
}

/** A dependent must have been started after the one before it: what its restart policy did earlier is not it. */
function restartedSince(
  now: ContainerState,
  target: Target,
  first: ContainerState | undefined,
): boolean {
  if (now.started_at === startedOf(target)) return false;
  return first === undefined || Date.parse(now.started_at) >= Date.parse(first.started_at);
}

function hintOf(name: string, labelled: boolean, named: boolean): string {
  if (labelled) return 'labelled autoheal=true';
  if (named) return "named in the policy's targets";
  return `label the container autoheal=true (docker run --label autoheal=true; compose file: labels: { autoheal: "true" }), or name docker/${name} under targets in the policy`;
}

async function inspectTarget(
  target: { readonly id: string },
  ctx: ActionContext,
): Promise<ContainerState> {
  const docker = await ctx.clients.docker();
  return await inspectContainer(docker, target.id.slice('docker/'.length), ctx.signal);
}

/** It was started since the plan: by an earlier attempt of ours whose answer was lost, or by others. */
function elsewhere(target: Target, now: ContainerState, ctx: ActionContext): JsonObject {
  const ours = ctx.attempt > 1;
  return {
    restarted: ours,
    restarted_elsewhere: !ours,
    started_before: startedOf(target),
    ...evidenceOf(now),
  };
}

function evidenceOf(now: ContainerState): JsonObject {
  return {
    started_after: now.started_at,
    running: now.running,
    health: now.health,
    restart_count: now.restart_count,
  };
}

function healthOf(now: ContainerState, evidence: JsonObject, at: number): Health {
  const before = evidence['restart_count'];
  return containerHealth(now, typeof before === 'number' ? before : 0, at);
}

function startedOf(target: Target): string {
  const observed = target.observed as { started_at?: unknown } | null;
  return typeof observed?.started_at === 'string' ? observed.started_at : '';
}

function goneIsUndefined(error: unknown): undefined {
  if (error instanceof ActionError && error.code === 'not_found') return undefined;
  throw error;
}
