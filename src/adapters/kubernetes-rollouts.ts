import { ActionError, type Health } from '../action.ts';
import type { JsonObject } from '../core/json.ts';
import { apiStatus, callOptions, explainKubernetes, type Right } from './kubernetes.ts';
import {
  type KubeApi,
  readWorkload,
  refuse,
  rightOn,
  stateOf,
  type WorkloadName,
  type WorkloadObject,
  type WorkloadState,
} from './kubernetes-workloads.ts';

/** What `kubectl rollout restart` sets on the pod template. */
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';
/** A controller writes the status all the time, which moves resourceVersion under a write of ours. */
const CONFLICTS_MAX = 5;

export interface Restart {
  /** RFC 3339. The same on each attempt, so that an attempt whose answer was lost is recognised. */
  readonly at: string;
  /** The generation that the plan saw. */
  readonly generation: number;
}

/**
 * Replaces every pod, as the workload's own strategy says.
 * @throws ActionError `conflict` when it was changed since the plan, or must not be restarted now.
 */
export async function restartRollout(
  api: KubeApi,
  ref: WorkloadName,
  { at, generation }: Restart,
): Promise<JsonObject> {
  return await untilFresh(ref, async () => {
    const now = await readWorkload(api, ref);
    if (restartedAt(now) === at) return evidenceOf(now, { changed: false, restarted_at: at });
    refuseMoved(now, generation);
    refuseRestart(now);
    const after = await patchRestart(api, now, at);
    return evidenceOf(after, { changed: true, restarted_at: at });
  });
}

/** A dry run on the server: admission and quota have their say, nothing is written. */
export async function previewRestart(
  api: KubeApi,
  ref: WorkloadName,
  { at, generation }: Restart,
): Promise<string> {
  return await untilFresh(ref, async () => {
    const now = await readWorkload(api, ref);
    refuseMoved(now, generation);
    refuseRestart(now);
    await patchRestart(api, now, at, 'All');
    return `${now.id}: replace its ${now.replaced} pods: the API server's dry run accepts it`;
  });
}

/** The template's annotation; undefined where it was never restarted so. */
export function restartedAt(state: WorkloadState): string | undefined {
  return state.template_annotations[RESTARTED_AT];
}

function evidenceOf(state: WorkloadState, more: JsonObject): JsonObject {
  return { ...more, generation: state.generation, resource_version: state.resource_version };
}

/** Somebody else is at work on it, or a restart would change nothing. */
function refuseRestart(state: WorkloadState): void {
  const { ref } = state;
  const what = `${ref.kind}/${ref.name}`;
  if (state.paused)
    refuse(
      `${state.id} is paused; to have it restarted: kubectl -n ${ref.namespace} rollout resume ${what}`,
    );
  if (rollingOut(state))
    refuse(
      `a rollout of ${state.id} is under way (${state.updated} of ${state.replaced} pods updated): somebody else is at work on it`,
    );
  if (state.on_delete)
    refuse(`${state.id} has the updateStrategy OnDelete: a restart would replace no pod`);
  if (state.replaced === 0)
    refuse(`${state.id} has no pod that a restart would replace (${state.wanted} wanted)`);
}

/** Carries the resourceVersion that was read: without one the API server would overwrite blindly. */
async function patchRestart(
  api: KubeApi,
  { ref, resource_version }: WorkloadState,
  at: string,
  dryRun?: string,
): Promise<WorkloadState> {
  const { PatchStrategy, setHeaderOptions } = await import('@kubernetes/client-node');
  const call = {
    name: ref.name,
    namespace: ref.namespace,
    body: {
      metadata: { resourceVersion: resource_version },
      spec: { template: { metadata: { annotations: { [RESTARTED_AT]: at } } } },
    },
    ...(dryRun === undefined ? {} : { dryRun }),
  };
  const options = setHeaderOptions(
    'Content-Type',
    PatchStrategy.MergePatch,
    await callOptions(api.signal),
  );
  const calls: Record<WorkloadName['kind'], () => Promise<WorkloadObject>> = {
    deployment: () => api.apps.patchNamespacedDeployment(call, options),
    statefulset: () => api.apps.patchNamespacedStatefulSet(call, options),
    daemonset: () => api.apps.patchNamespacedDaemonSet(call, options),
    replicaset: () => refuse(`a ReplicaSet has no rollout; name its Deployment`),
  };
  try {
    return stateOf(await calls[ref.kind](), ref);
  } catch (error) {
    throw unlessStale(error, rightOn(ref, 'patch'));
  }
}

/** Is a rollout under way? One that the controller has given up is not. */
function rollingOut(state: WorkloadState): boolean {
  if (state.observed_generation < state.generation) return true;
  return !state.stuck && !replacedAll(state);
}

function replacedAll(state: WorkloadState): boolean {
  // Pods of the old template that still run: only a Deployment's old and new ones are counted together.
  const old = state.ref.kind === 'deployment' && state.pods > state.updated;
  return state.updated >= state.replaced && !old;
}

/** Health after a rollout: all that it replaces is replaced, and all that are wanted are available. */
export function rolloutHealth(state: WorkloadState): Health {
  if (state.observed_generation < state.generation) return 'pending';
  if (replacedAll(state) && state.available >= state.wanted) return 'healthy';
  return state.stuck ? 'failed' : 'pending';
}

/**
 * Runs `once`, which reads, judges and writes, again while the API server says that another write came
 * in between. @throws ActionError `conflict`, which may be tried again later.
 */
export async function untilFresh<T>(ref: WorkloadName, once: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await once();
    } catch (error) {
      if (apiStatus(error) !== 409) throw error;
      if (tries >= CONFLICTS_MAX)
        throw new ActionError(
          'conflict',
          `${ref.kind}/${ref.name} changed under each of ${CONFLICTS_MAX} writes; somebody else is at work on it`,
          { retryable: true },
        );
    }
  }
}

/** For `untilFresh`: a stale write stays what it is, everything else is explained. */
export function unlessStale(error: unknown, right: Right): unknown {
  return apiStatus(error) === 409 ? error : explainKubernetes(error, right);
}

/** @throws ActionError `conflict` when the spec was changed since the plan. */
export function refuseMoved(state: WorkloadState, generation: number): void {
  if (state.generation === generation) return;
  refuse(
    `${state.id} is at generation ${state.generation} now, the plan saw ${generation}: changed elsewhere, left alone`,
  );
}
