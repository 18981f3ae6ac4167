import { z } from 'zod';
import { ActionError, type ActionContext, defineAction } from '../src/action.ts';
import {
  earlierRevision,
  type History,
  readHistory,
  type Revision,
  undoRollout,
} from '../src/adapters/kubernetes-history.ts';
import { rolloutHealth } from '../src/adapters/kubernetes-rollouts.ts';
import {
  kubeApi,
  optIn,
  parseRollout,
  readWorkloadIfAny,
  type WorkloadName,
} from '../src/adapters/kubernetes-workloads.ts';
import type { Target } from '../src/core/healing/remediation.ts';

const FIRST_REVISION = 1;

const params = z.strictObject({
  workload: z
    .string()
    .refine((text) => parseDeployment(text) !== undefined, {
      error:
        'write k8s/<namespace>/deployment/<name>; only a Deployment can be undone, not a StatefulSet or DaemonSet',
    })
    .describe(
      '`k8s/<namespace>/deployment/<name>`; a StatefulSet or a DaemonSet cannot be undone.',
    ),
  to_revision: z
    .int()
    .min(1)
    .optional()
    .describe(
      "The revision's number, as in `kubectl rollout history`. Unset: the one before the current one.",
    ),
});

export default defineAction<z.output<typeof params>>({
  id: 'rollout_undo',
  summary: 'Bring the previous revision of a Kubernetes Deployment back.',
  backend: 'kubernetes',
  params,
  safe_to_repeat: true,
  leasable: false,

  /** The revision before is there unless the world has the first one running. */
  rehearse({ workload, to_revision }, world) {
    const { namespace, name } = refOf(workload);
    const about = world.about(workload);
    const state = (world.observed(workload) ?? {}) as { readonly revision?: number };
    const current = state.revision ?? FIRST_REVISION + 1;
    const to = to_revision ?? current - 1;
    if (to < FIRST_REVISION)
      throw new ActionError('not_found', `${workload} has no revision before ${current}`, {
        retryable: false,
      });
    return [
      {
        ...about,
        id: workload,
        parents: [],
        name,
        opt_in_hint: 'the world of the rehearsal says so',
        observed: { generation: 1, ...state, revision: current },
        desired: { revision: to, replica_set: `${name}-${to}` },
        cmd: undoCommand(namespace, name, to),
      },
    ];
  },

  async resolve({ workload, to_revision }, ctx) {
    const history = await readHistory(await apiOf(ctx), refOf(workload));
    return [targetOf(history, earlierRevision(history, to_revision), ctx)];
  },

  async preview(_given, target, ctx) {
    const { revision, revision_before, ...undo } = planOf(target);
    const api = await apiOf(ctx);
    const { changed } = await undoRollout(api, refOf(target.id), { ...undo, dry_run: true });
    const what = `${target.id}: revision ${revision_before} -> ${revision}`;
    return changed ? `${what}: the API server's dry run accepts it` : `${what}: nothing to do`;
  },

  async execute(_given, target, ctx) {
    const { revision, revision_before, ...undo } = planOf(target);
    const undone = await undoRollout(await apiOf(ctx), refOf(target.id), undo);
    return { ...undone, revision, revision_before, replica_set: undo.replica_set };
  },

  async verify(_given, target, _evidence, ctx) {
    const now = await readWorkloadIfAny(await apiOf(ctx), refOf(target.id));
    return now === undefined ? 'failed' : rolloutHealth(now);
  },
});

function parseDeployment(text: string): WorkloadName | undefined {
  const ref = parseRollout(text);
  return ref?.kind === 'deployment' ? ref : undefined;
}

function refOf(workload: string): WorkloadName {
  const ref = parseDeployment(workload);
  if (ref !== undefined) return ref;
  throw new ActionError('invalid_params', `${workload} names no Deployment`, { retryable: false });
}

async function apiOf(ctx: ActionContext) {
  return await kubeApi(() => ctx.clients.kubernetes(), ctx.signal);
}

function undoCommand(namespace: string, name: string, revision: number): string {
  return `kubectl -n ${namespace} rollout undo deployment/${name} --to-revision=${revision}`;
}

function targetOf({ state, current }: History, to: Revision, ctx: ActionContext): Target {
  const { id, ref, generation } = state;
  const labelled = state.annotations['autoheal'] === 'true';
  return {
    id,
    parents: [],
    name: ref.name,
    ...optIn(labelled, ctx.allows(id, ref.name), state),
    observed: { generation, revision: current },
    desired: { revision: to.number, replica_set: to.replica_set },
    cmd: undoCommand(ref.namespace, ref.name, to.number),
  };
}

/** Both revisions by the numbers that the plan saw: the controller renumbers the one that comes back. */
function planOf(target: Target) {
  const observed = target.observed as { readonly generation: number; readonly revision: number };
  const desired = target.desired as { readonly replica_set: string; readonly revision: number };
  return {
    generation: observed.generation,
    revision_before: observed.revision,
    revision: desired.revision,
    replica_set: desired.replica_set,
  };
}
