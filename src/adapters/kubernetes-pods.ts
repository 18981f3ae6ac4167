import type { V1Pod, V1PodList } from '@kubernetes/client-node';
import { apiStatus, callOptions, explainKubernetes, type Right } from './kubernetes.ts';
import {
  type KubeApi,
  type KubeName,
  type OwnerReference,
  readWorkload,
  refuse,
  type WorkloadKind,
  type WorkloadState,
} from './kubernetes-workloads.ts';

export interface PodState {
  /** `k8s/<namespace>/pod/<name>` */
  readonly id: string;
  readonly ref: KubeName;
  readonly uid: string;
  readonly owner: OwnerReference | undefined;
  /** The API server's image of a static pod: only its file on the node says whether it runs. */
  readonly mirror: boolean;
  readonly terminating: boolean;
  readonly ready: boolean;
  readonly annotations: Readonly<Record<string, string>>;
}

const MIRROR = 'kubernetes.io/config.mirror';
const PAGE_SIZE = 500;
/** The pods of one workload are read so far. */
const PAGES_MAX = 10;
const OWNERS: Readonly<Record<string, WorkloadKind>> = {
  ReplicaSet: 'replicaset',
  StatefulSet: 'statefulset',
  DaemonSet: 'daemonset',
};

/** @returns undefined when there is none of that name. */
export async function readPod(api: KubeApi, ref: KubeName): Promise<PodState | undefined> {
  const options = await callOptions(api.signal);
  try {
    return podOf(await api.core.readNamespacedPod({ ...ref }, options));
  } catch (error) {
    if (apiStatus(error) === 404) return undefined;
    throw explainKubernetes(error, rightOnPods('get', ref));
  }
}

/**
 * The workload that brings the pod back: of a Deployment's pod the Deployment, not its ReplicaSet.
 * @throws ActionError `conflict` where nothing would.
 */
export async function workloadOf(api: KubeApi, pod: PodState): Promise<WorkloadState> {
  if (pod.mirror || pod.owner?.kind === 'Node')
    refuse(`${pod.id} is a static pod: its node runs it from a file, and deleting it does nothing`);
  if (pod.owner === undefined)
    refuse(`${pod.id} has no controller: nothing would bring it back, so it is not deleted`);
  const { name } = pod.owner;
  const kind = OWNERS[pod.owner.kind];
  if (kind === undefined)
    refuse(
      `${pod.id} belongs to ${pod.owner.kind}/${name}; only pods of a Deployment, ReplicaSet, StatefulSet or DaemonSet are deleted`,
    );
  const { namespace } = pod.ref;
  const found = await readWorkload(api, { namespace, kind, name });
  if (found.owner?.kind !== 'Deployment') return found;
  return await readWorkload(api, { namespace, kind: 'deployment', name: found.owner.name });
}

/** Those that its selector names, without the ones that are going. */
export async function podsOf(
  api: KubeApi,
  { ref, selector }: WorkloadState,
): Promise<readonly PodState[]> {
  const pods: PodState[] = [];
  let from: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const found = await listPage(api, ref, selector, from);
    pods.push(...found.items.map(podOf));
    const { _continue: next = '' } = found.metadata ?? {};
    if (next === '') break;
    from = next;
  }
  return pods.filter((pod) => !pod.terminating);
}

async function listPage(
  api: KubeApi,
  { namespace }: KubeName,
  labelSelector: string,
  from: string | undefined,
): Promise<V1PodList> {
  const options = await callOptions(api.signal);
  const more = from === undefined ? {} : { _continue: from };
  try {
    return await api.core.listNamespacedPod(
      { namespace, labelSelector, limit: PAGE_SIZE, ...more },
      options,
    );
  } catch (error) {
    throw explainKubernetes(error, rightOnPods('list', { namespace }));
  }
}

export interface PodDeletion {
  readonly uid: string;
  readonly grace_seconds: number | undefined;
  readonly dry_run?: boolean;
}

/** @returns `gone` when the pod of that uid is not there any more; another of its name is left alone. */
export async function deletePod(
  api: KubeApi,
  ref: KubeName,
  { uid, grace_seconds, dry_run = false }: PodDeletion,
): Promise<'deleted' | 'gone'> {
  const options = await callOptions(api.signal);
  const body = {
    preconditions: { uid },
    ...(grace_seconds === undefined ? {} : { gracePeriodSeconds: grace_seconds }),
    ...(dry_run ? { dryRun: ['All'] } : {}),
  };
  try {
    await api.core.deleteNamespacedPod({ name: ref.name, namespace: ref.namespace, body }, options);
    return 'deleted';
  } catch (error) {
    if (apiStatus(error) === 404) return 'gone';
    // The precondition failed, or something else stands in the way.
    if (apiStatus(error) === 409 && (await readPod(api, ref))?.uid !== uid) return 'gone';
    throw explainKubernetes(error, rightOnPods('delete', ref));
  }
}

function rightOnPods(verb: Right['verb'], { namespace }: Pick<KubeName, 'namespace'>): Right {
  return { verb, resource: 'pods', group: '', namespace };
}

function podOf({ metadata = {}, status }: V1Pod): PodState {
  const { namespace = '', name = '', uid = '', annotations = {} } = metadata;
  return {
    id: `k8s/${namespace}/pod/${name}`,
    ref: { namespace, name },
    uid,
    owner: metadata.ownerReferences?.find((one) => one.controller === true),
    mirror: MIRROR in annotations,
    terminating: metadata.deletionTimestamp !== undefined,
    ready:
      status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false,
    annotations,
  };
}
