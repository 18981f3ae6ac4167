import { z } from 'zod';
import { ActionError, type ActionContext, defineAction, type Health } from '../src/action.ts';
import {
  type ContainerState,
  findContainer,
  inspectContainer,
} from '../src/adapters/containers.ts';
import { classifyDocker } from '../src/adapters/docker.ts';
import type { JsonObject } from '../src/core/json.ts';
import type { Target } from '../src/core/healing/remediation.ts';

const STOP_SECONDS = 10;
/** A container that comes up and dies at once was not started. */
const UPTIME_MS = 1_000;
/** One that the engine had to start again must stay up longer before it counts as well. */
const UPTIME_AFTER_RESTART_MS = 10_000;
const RESTART_LOOP = 3;
/** The engine's clock may differ from ours by this much. */
const CLOCK_SKEW_MS = 2_000;
/** A restart that an earlier life began may still be stopping the container. */
const RESTART_MARGIN_MS = 2_000;
const PROBE_EVERY_MS = 500;
/** Shorter than the engine gives a look at a target: what takes longer cannot be told. */
const PROBE_WAIT_MAX_MS = 12_000;

const params = z.strictObject({
  container: z.string().min(1).max(300),
  stop_seconds: z.int().min(0).max(300).default(STOP_SECONDS),
});
type Params = z.output<typeof params>;

export default defineAction<Params>({
  id: 'restart_container',
  summary: 'Restart one Docker container.',
  backend: 'docker',
  params: params,
  safe_to_repeat: false,
  leasable: false,

  async resolve({ container, stop_seconds }, ctx) {
    const docker = await ctx.clients.docker();
    const id = await findContainer(docker, container, ctx.signal);
    return [targetOf(await inspectContainer(docker, id, ctx.signal), stop_seconds, ctx)];
  },

  async preview(_given, target, ctx) {
    const now = await inspectTarget(target, ctx);
    refuseState(now);
    return `restart container ${now.name} (${now.status}, started ${now.started_at})`;
  },

  async execute({ stop_seconds }, target, ctx) {
    const before = await inspectTarget(target, ctx);
    if (before.started_at !== startedOf(target)) return elsewhere(target, before, ctx);
    refuseState(before);
    await restart(before, stop_seconds, ctx);
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
    const settled_at = intent_at + stop_seconds * 1_000 + RESTART_MARGIN_MS;
    const give_up_at = ctx.now() + PROBE_WAIT_MAX_MS;
    for (;;) {
      const now = await inspectTarget(target, ctx).catch(goneIsUndefined);
      if (now === undefined) return 'unknown';
      if (now.started_at !== startedOf(target))
        return Date.parse(now.started_at) > intent_at - CLOCK_SKEW_MS ? 'done' : 'unknown';
      if (ctx.now() >= settled_at) return 'not_done';
      if (ctx.now() >= give_up_at) return 'unknown';
      await ctx.sleep(PROBE_EVERY_MS);
    }
  },
});

function targetOf(found: ContainerState, stop_seconds: number, ctx: ActionContext): Target {
  const id = `docker/${found.id}`;
  const labelled = found.labels['autoheal'] === 'true';
  const named = ctx.allows(id, found.name);
  return {
    id,
    parents: parentsOf(found.labels),
    name: found.name,
    opted_in: labelled || named,
    opt_in_hint: hintOf(found.name, labelled, named),
    observed: {
      started_at: found.started_at,
      running: found.running,
      restart_count: found.restart_count,
      health: found.health,
    },
    desired: null,
    cmd: `docker restart ${stop_seconds === STOP_SECONDS ? '' : `-t ${stop_seconds} `}${found.name}`,
  };
}

function hintOf(name: string, labelled: boolean, named: boolean): string {
  if (labelled) return 'labelled autoheal=true';
  if (named) return "named in the policy's targets";
  return `label the container autoheal=true (docker run --label autoheal=true; compose file: labels: { autoheal: "true" }), or name docker/${name} under targets in the policy`;
}

/** A Compose service locks with its containers. */
function parentsOf(labels: ContainerState['labels']): readonly string[] {
  const project = labels['com.docker.compose.project'];
  const service = labels['com.docker.compose.service'];
  return project === undefined || service === undefined ? [] : [`compose/${project}/${service}`];
}

async function inspectTarget(target: Target, ctx: ActionContext): Promise<ContainerState> {
  const docker = await ctx.clients.docker();
  return await inspectContainer(docker, target.id.slice('docker/'.length), ctx.signal);
}

/** States in which somebody else is at work, or in which the engine cannot restart. */
function refuseState(found: ContainerState): void {
  const fixes: Readonly<Record<string, string>> = {
    paused: `somebody paused it; to have it restarted: docker unpause ${found.name}`,
    removing: 'it is being removed',
    dead: 'its removal failed half-way; remove it and create it anew',
  };
  const fix = fixes[found.status];
  if (fix === undefined) return;
  throw new ActionError('conflict', `container ${found.name} is ${found.status}: ${fix}`, {
    retryable: false,
  });
}

async function restart(
  found: ContainerState,
  stop_seconds: number,
  ctx: ActionContext,
): Promise<void> {
  const docker = await ctx.clients.docker();
  try {
    await docker.getContainer(found.id).restart({ t: stop_seconds, abortSignal: ctx.signal });
  } catch (error) {
    throw classifyDocker(error);
  }
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
  const restarts = now.restart_count - (typeof before === 'number' ? before : 0);
  if (restarts >= RESTART_LOOP) return 'failed';
  if (now.status === 'restarting') return 'pending';
  if (now.status !== 'running') return 'failed';
  if (now.health !== null) return healthCheckOf(now);
  const uptime_ms = at - Date.parse(now.started_at);
  return uptime_ms >= (restarts > 0 ? UPTIME_AFTER_RESTART_MS : UPTIME_MS) ? 'healthy' : 'pending';
}

/**
 * The engine says unhealthy after `retries` failures; a slow starter gets there too and recovers, so
 * it has failed only after twice as many.
 */
function healthCheckOf(now: ContainerState): Health {
  if (now.health === 'healthy') return 'healthy';
  const given_up = now.health === 'unhealthy' && now.failing_streak >= 2 * now.health_retries;
  return given_up ? 'failed' : 'pending';
}

function startedOf(target: Target): string {
  const observed = target.observed as { started_at?: unknown } | null;
  return typeof observed?.started_at === 'string' ? observed.started_at : '';
}

function goneIsUndefined(error: unknown): undefined {
  if (error instanceof ActionError && error.code === 'not_found') return undefined;
  throw error;
}
