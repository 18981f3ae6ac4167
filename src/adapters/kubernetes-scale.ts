import type { AppsV1Api, ConfigurationOptions, KubeConfig, V1Scale } from '@kubernetes/client-node';
import { ActionError, type Health } from '../action.ts';
import { apiStatus, callOptions, explainKubernetes } from './kubernetes.ts';
import {
  judgeMove,
  type K8sResource,
  type Move,
  type Scaled,
  type Scaler,
  type Workload,
  type WorkloadRef,
} from './scaler.ts';

/** A controller writes the status all the time, which moves resourceVersion under a write of ours. */
const CONFLICTS_MAX = 5;
const ANNOTATION = 'autoheal';

type Ref = Extract<WorkloadRef, { readonly kind: 'k8s' }>;
interface Api {
  readonly apps: AppsV1Api;
  readonly options: ConfigurationOptions;
}
interface ScaleBody {
  readonly name: string;
  readonly namespace: string;
  readonly body: V1Scale;
  readonly dryRun?: string;
}
interface Status {
  readonly generation: number;
  readonly observed_generation: number;
  readonly spec_replicas: number;
  readonly replicas: number;
  readonly ready: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** The deployment's own verdict: it did not get there in progressDeadlineSeconds. */
  readonly stuck: boolean;
}

/** Scales by the `scale` subresource, with resourceVersion, so that no write of others is lost. */
export function kubernetesScaler(config: () => Promise<KubeConfig>): Scaler {
  async function api(signal: AbortSignal): Promise<Api> {
    const loaded = await config();
    const { AppsV1Api: Apps } = await import('@kubernetes/client-node');
    return { apps: loaded.makeApiClient(Apps), options: await callOptions(signal) };
  }
  return {
    async look(ref, signal) {
      return await look(await api(signal), k8s(ref));
    },
    async scale(ref, move, signal) {
      return await scale(await api(signal), k8s(ref), move);
    },
    async preview(ref, move, signal) {
      return await preview(await api(signal), k8s(ref), move);
    },
    async health(ref, wanted, signal) {
      const status = await readStatus(await api(signal), k8s(ref));
      return healthOf(status, wanted);
    },
  };
}

function k8s(ref: WorkloadRef): Ref {
  if (ref.kind !== 'k8s') throw new TypeError(`not a Kubernetes workload: ${ref.kind}`);
  return ref;
}

async function look(api: Api, ref: Ref): Promise<Workload> {
  const [status, scaleNow] = await Promise.all([readStatus(api, ref), readScale(api, ref)]);
  return {
    id: `k8s/${ref.namespace}/${ref.resource}/${ref.name}`,
    name: ref.name,
    replicas: replicasOf(scaleNow),
    most: null,
    most_hint: '',
    labelled: status.annotations[ANNOTATION] === 'true',
    opt_in_hint: `kubectl -n ${ref.namespace} annotate ${ref.resource}/${ref.name} autoheal=true, or name k8s/${ref.namespace}/${ref.resource}/${ref.name} under targets in the policy`,
  };
}

async function scale(api: Api, ref: Ref, move: Move): Promise<Scaled> {
  for (let tries = 1; ; tries += 1) {
    const found = await readScale(api, ref);
    const now = replicasOf(found);
    const verdict = judgeMove(now, { ...move, resume: false });
    if (verdict === 'moved') return { kind: 'moved', replicas: now };
    if (verdict === 'there')
      return { kind: 'scaled', evidence: { changed: false, replicas_before: now, replicas: now } };
    const version = await replace(api, ref, withReplicas(found, move.to), tries);
    if (version === undefined) continue;
    const evidence = {
      changed: true,
      replicas_before: now,
      replicas: move.to,
      resource_version: version,
    };
    return { kind: 'scaled', evidence };
  }
}

/** @returns the new resourceVersion; undefined after a conflict that is worth another look. */
async function replace(
  api: Api,
  ref: Ref,
  body: V1Scale,
  tries: number,
): Promise<string | undefined> {
  try {
    const written = await writeScale(api, ref, body);
    return written.metadata?.resourceVersion ?? '';
  } catch (error) {
    if (apiStatus(error) !== 409) throw explained(error, ref, 'update', 'scale');
    if (tries < CONFLICTS_MAX) return undefined;
    throw new ActionError(
      'conflict',
      `${ref.resource}/${ref.name} changed under each of ${CONFLICTS_MAX} writes; somebody else is at work on it`,
      { retryable: true },
    );
  }
}

/** A dry run on the server: admission and quota have their say, nothing is written. */
async function preview(api: Api, ref: Ref, move: Move): Promise<string> {
  const found = await readScale(api, ref);
  const now = replicasOf(found);
  const what = `k8s/${ref.namespace}/${ref.resource}/${ref.name}: ${now} -> ${move.to} replicas`;
  if (now === move.to) return `${what}: nothing to do`;
  try {
    await writeScale(api, ref, withReplicas(found, move.to), 'All');
  } catch (error) {
    throw explained(error, ref, 'update', 'scale');
  }
  return `${what}: the API server's dry run accepts it`;
}

/** Carries the resourceVersion that was read: without one the API server would overwrite blindly. */
function withReplicas(found: V1Scale, replicas: number): V1Scale {
  const { name, namespace, resourceVersion } = found.metadata ?? {};
  if (name === undefined || namespace === undefined || !resourceVersion)
    throw new ActionError('unexpected', 'the API server gave a Scale without resourceVersion', {
      retryable: false,
    });
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name, namespace, resourceVersion },
    spec: { replicas },
  };
}

/** The API leaves the field out when it is 0. */
function replicasOf(found: V1Scale): number {
  return found.spec?.replicas ?? 0;
}

async function readScale(api: Api, ref: Ref): Promise<V1Scale> {
  const which = { name: ref.name, namespace: ref.namespace };
  const calls: Record<K8sResource, () => Promise<V1Scale>> = {
    deployment: () => api.apps.readNamespacedDeploymentScale(which, api.options),
    statefulset: () => api.apps.readNamespacedStatefulSetScale(which, api.options),
    replicaset: () => api.apps.readNamespacedReplicaSetScale(which, api.options),
  };
  try {
    return await calls[ref.resource]();
  } catch (error) {
    throw explained(error, ref, 'get', 'scale');
  }
}

async function writeScale(api: Api, ref: Ref, body: V1Scale, dryRun?: string): Promise<V1Scale> {
  const call: ScaleBody = {
    name: ref.name,
    namespace: ref.namespace,
    body,
    ...(dryRun === undefined ? {} : { dryRun }),
  };
  if (ref.resource === 'deployment')
    return await api.apps.replaceNamespacedDeploymentScale(call, api.options);
  if (ref.resource === 'statefulset')
    return await api.apps.replaceNamespacedStatefulSetScale(call, api.options);
  return await api.apps.replaceNamespacedReplicaSetScale(call, api.options);
}

/** What the three kinds have in common, as far as it is read here. */
interface Common {
  readonly metadata?: {
    readonly generation?: number;
    readonly annotations?: Record<string, string>;
  };
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly conditions?: readonly { readonly type: string; readonly reason?: string }[];
  };
}

async function readStatus(api: Api, ref: Ref): Promise<Status> {
  const which = { name: ref.name, namespace: ref.namespace };
  const calls: Record<K8sResource, () => Promise<Common>> = {
    deployment: () => api.apps.readNamespacedDeployment(which, api.options),
    statefulset: () => api.apps.readNamespacedStatefulSet(which, api.options),
    replicaset: () => api.apps.readNamespacedReplicaSet(which, api.options),
  };
  try {
    return statusOf(await calls[ref.resource]());
  } catch (error) {
    throw explained(error, ref, 'get', '');
  }
}

function statusOf({ metadata = {}, spec = {}, status = {} }: Common): Status {
  return {
    generation: metadata.generation ?? 0,
    observed_generation: status.observedGeneration ?? 0,
    spec_replicas: spec.replicas ?? 0,
    replicas: status.replicas ?? 0,
    ready: status.readyReplicas ?? 0,
    annotations: metadata.annotations ?? {},
    stuck: (status.conditions ?? []).some((one) => one.reason === 'ProgressDeadlineExceeded'),
  };
}

function healthOf(status: Status, wanted: number): Health {
  // Set to something else since: the replicas that were asked for will not come.
  if (status.spec_replicas < wanted) return 'failed';
  if (status.observed_generation < status.generation) return 'pending';
  if (status.ready >= wanted && status.replicas >= wanted) return 'healthy';
  return status.stuck ? 'failed' : 'pending';
}

function explained(
  error: unknown,
  ref: Ref,
  verb: 'get' | 'update',
  subresource: 'scale' | '',
): ActionError {
  const resource = `${ref.resource}s${subresource === '' ? '' : `/${subresource}`}`;
  return explainKubernetes(error, { verb, resource, group: 'apps', namespace: ref.namespace });
}
