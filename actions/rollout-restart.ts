import { z } from 'zod';
import { ActionError, type ActionContext, defineAction } from '../src/action.ts';
import {
  previewRestart,
  type Restart,
  restartedAt,
  restartRollout,
  rolloutHealth,
} from '../src/adapters/kubernetes-rollouts.ts';
import {
  kubeApi,
  optIn,
  parseRollout,
  readWorkload,
  readWorkloadIfAny,
  type WorkloadName,
  type WorkloadState,
} from '../src/adapters/kubernetes-workloads.ts';
import type { Target } from '../src/core/healing/remediation.ts';

const params = z.strictObject({
  workload: z
    .string()
    .refine((text) => parseRollout(text) !== undefined, {
      error: 'write k8s/<namespace>/<kind>/<name>; kind is deployment, statefulset or daemonset',
    })
    .describe(
      '`k8s/<namespace>/<kind>/<name>` with kind `deployment`, `statefulset` or `daemonset`.',
    ),
});

export default defineAction<z.output<typeof params>>({
  id: 'rollout_restart',
  summary:
    'Replace the pods of a Kubernetes Deployment, StatefulSet or DaemonSet, by its strategy.',
  backend: 'kubernetes',
  params,
  safe_to_repeat: false,
  leasable: false,

  rehearse({ workload }, world) {
    const { opted_in, ...about } = world.about(workload);
    return [
      {
        ...named(workload),
        ...about,
        opted_in,
        opt_in_hint: 'the world of the rehearsal says so',
        observed: world.observed(workload) ?? { generation: 1, wanted: 1, available: 1 },
      },
    ];
  },

  async resolve({ workload }, ctx) {
    return [targetOf(await readWorkload(await apiOf(ctx), refOf(workload)), ctx)];
  },

  async preview(_given, target, ctx) {
    return await previewRestart(await apiOf(ctx), refOf(target.id), restartOf(target, ctx));
  },

  async execute(_given, target, ctx) {
    return await restartRollout(await apiOf(ctx), refOf(target.id), restartOf(target, ctx));
  },

  async verify(_given, target, _evidence, ctx) {
    const now = await readWorkloadIfAny(await apiOf(ctx), refOf(target.id));
    return now === undefined ? 'failed' : rolloutHealth(now);
  },

  /** Changed by others since the plan: whether ours was under it cannot be told. */
  async probe(_given, target, ctx) {
    const now = await readWorkloadIfAny(await apiOf(ctx), refOf(target.id));
    if (now === undefined) return 'unknown';
    const { at, generation } = restartOf(target, ctx);
    if (restartedAt(now) === at) return 'done';
    return now.generation === generation ? 'not_done' : 'unknown';
  },
});

function refOf(workload: string): WorkloadName {
  const ref = parseRollout(workload);
  if (ref !== undefined) return ref;
  throw new ActionError('invalid_params', `${workload} names no workload`, { retryable: false });
}

async function apiOf(ctx: ActionContext) {
  return await kubeApi(() => ctx.clients.kubernetes(), ctx.signal);
}

function targetOf(found: WorkloadState, ctx: ActionContext): Target {
  const { id, ref, generation, wanted, available } = found;
  const labelled = found.annotations['autoheal'] === 'true';
  return {
    ...named(id),
    ...optIn(labelled, ctx.allows(id, ref.name), found),
    observed: { generation, wanted, available, restarted_at: restartedAt(found) ?? null },
  };
}

function named(id: string): Pick<Target, 'id' | 'parents' | 'name' | 'desired' | 'cmd'> {
  const { namespace, kind, name } = refOf(id);
  const cmd = `kubectl -n ${namespace} rollout restart ${kind}/${name}`;
  return { id, parents: [], name, desired: null, cmd };
}

/** The time is the intent's, which every attempt and every later life of the service knows. */
function restartOf(target: Target, ctx: ActionContext): Restart {
  const { generation } = target.observed as { readonly generation: number };
  return { at: new Date(ctx.cause.intent_at ?? ctx.now()).toISOString(), generation };
}
