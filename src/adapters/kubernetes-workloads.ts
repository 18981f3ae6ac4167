import type { AppsV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { ActionError } from '../action.ts';
import { callOptions, explainKubernetes, type Right } from './kubernetes.ts';

export type WorkloadKind = 'deployment' | 'statefulset' | 'daemonset' | 'replicaset';
export interface KubeName {
  readonly namespace: string;
  readonly name: string;
}
export interface WorkloadName extends KubeName {
  readonly kind: WorkloadKind;
}

/** A workload as it is now, the same for all kinds. */
export interface WorkloadState {
  /** `k8s/<namespace>/<kind>/<name>` */
  readonly id: string;
  readonly ref: WorkloadName;
  readonly uid: string;
  readonly resource_version: string;
  /** Raised by each change of the spec. */
  readonly generation: number;
  /** The generation that the controller has seen. */
  readonly observed_generation: number;
  readonly annotations: Readonly<Record<string, string>>;
  readonly template_annotations: Readonly<Record<string, string>>;
  readonly selector: string;
  readonly paused: boolean;
  /** Its pods are replaced only when somebody deletes them. */
  readonly on_delete: boolean;
  /** Pods that it should have. */
  readonly wanted: number;
  /** Pods that a rollout replaces: fewer than `wanted` under a partition. */
  readonly replaced: number;
  readonly pods: number;
  readonly updated: number;
  readonly available: number;
  /** The deployment's own verdict: it did not get there in progressDeadlineSeconds. */
  readonly stuck: boolean;
  readonly owner: OwnerReference | undefined;
}
export interface OwnerReference {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface KubeApi {
  readonly apps: AppsV1Api;
  readonly core: CoreV1Api;
  readonly signal: AbortSignal;
}

const REF_LIMIT_CHARS = 400;
const NAMESPACE = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
const NAME = '[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?';
const ROLLOUT = new RegExp(`^k8s/(${NAMESPACE})/(deployment|statefulset|daemonset)/(${NAME})$`);
const POD = new RegExp(`^k8s/(${NAMESPACE})/pod/(${NAME})$`);

/** `k8s/<namespace>/deployment|statefulset|daemonset/<name>`; undefined for everything else. */
export function parseRollout(text: string): WorkloadName | undefined {
  const found = text.length > REF_LIMIT_CHARS ? null : ROLLOUT.exec(text);
  if (found === null) return undefined;
  const [, namespace = '', kind = '', name = ''] = found;
  return { namespace, kind: kind as WorkloadKind, name };
}

/** Of an id that a state gave. */
export function parseWorkloadId(id: string): WorkloadName {
  const [, namespace = '', kind = '', name = ''] = id.split('/');
  return { namespace, kind: kind as WorkloadKind, name };
}

/** `k8s/<namespace>/pod/<name>`; undefined for everything else. */
export function parsePod(text: string): KubeName | undefined {
  const found = text.length > REF_LIMIT_CHARS ? null : POD.exec(text);
  if (found === null) return undefined;
  const [, namespace = '', name = ''] = found;
  return { namespace, name };
}

export async function kubeApi(
  config: () => Promise<KubeConfig>,
  signal: AbortSignal,
): Promise<KubeApi> {
  const loaded = await config();
  const { AppsV1Api: Apps, CoreV1Api: Core } = await import('@kubernetes/client-node');
  return { apps: loaded.makeApiClient(Apps), core: loaded.makeApiClient(Core), signal };
}

/** @throws ActionError `not_found`, `forbidden` with the missing right, `unavailable`, `timeout`. */
export async function readWorkload(api: KubeApi, ref: WorkloadName): Promise<WorkloadState> {
  const which = { name: ref.name, namespace: ref.namespace };
  const options = await callOptions(api.signal);
  const calls: Record<WorkloadKind, () => Promise<WorkloadObject>> = {
    deployment: () => api.apps.readNamespacedDeployment(which, options),
    statefulset: () => api.apps.readNamespacedStatefulSet(which, options),
    daemonset: () => api.apps.readNamespacedDaemonSet(which, options),
    replicaset: () => api.apps.readNamespacedReplicaSet(which, options),
  };
  try {
    return stateOf(await calls[ref.kind](), ref);
  } catch (error) {
    throw explainKubernetes(error, rightOn(ref, 'get'));
  }
}

/** As `readWorkload`; undefined when there is none of that name. */
export async function readWorkloadIfAny(
  api: KubeApi,
  ref: WorkloadName,
): Promise<WorkloadState | undefined> {
  try {
    return await readWorkload(api, ref);
  } catch (error) {
    if (error instanceof ActionError && error.code === 'not_found') return undefined;
    throw error;
  }
}

export function rightOn(ref: WorkloadName, verb: Right['verb']): Right {
  return { verb, resource: `${ref.kind}s`, group: 'apps', namespace: ref.namespace };
}

/** What the kinds have in common and what only some have, as far as it is read here. */
export interface WorkloadObject {
  readonly metadata?: {
    readonly uid?: string;
    readonly generation?: number;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly (OwnerReference & { readonly controller?: boolean })[];
  };
  readonly spec?: {
    readonly replicas?: number;
    readonly paused?: boolean;
    readonly selector: Selector;
    readonly template?: {
      readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
    };
    readonly updateStrategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly partition?: number; readonly maxUnavailable?: unknown };
    };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly currentNumberScheduled?: number;
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
    readonly numberAvailable?: number;
    readonly conditions?: readonly { readonly type: string; readonly reason?: string }[];
  };
}
interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export function stateOf(found: WorkloadObject, ref: WorkloadName): WorkloadState {
  const { metadata = {}, status = {} } = found;
  return {
    id: idOf(ref),
    ref,
    uid: metadata.uid ?? '',
    resource_version: metadata.resourceVersion ?? '',
    generation: metadata.generation ?? 0,
    observed_generation: status.observedGeneration ?? 0,
    annotations: metadata.annotations ?? {},
    ...specOf(found),
    ...countsOf(found, ref.kind),
    stuck: (status.conditions ?? []).some(
      (one) => one.type === 'Progressing' && one.reason === 'ProgressDeadlineExceeded',
    ),
    owner: metadata.ownerReferences?.find((one) => one.controller === true),
  };
}

function specOf({
  spec,
}: WorkloadObject): Pick<
  WorkloadState,
  'template_annotations' | 'selector' | 'paused' | 'on_delete'
> {
  return {
    template_annotations: spec?.template?.metadata?.annotations ?? {},
    selector: selectorText(spec?.selector ?? {}),
    paused: spec?.paused === true,
    on_delete: spec?.updateStrategy?.type === 'OnDelete',
  };
}

type Counts = Pick<WorkloadState, 'wanted' | 'replaced' | 'pods' | 'updated' | 'available'>;

function countsOf({ spec, status = {} }: WorkloadObject, kind: WorkloadKind): Counts {
  if (kind === 'daemonset') return scheduledCounts(status);
  const wanted = orNought(spec?.replicas);
  const partition = orNought(spec?.updateStrategy?.rollingUpdate?.partition);
  // Before Kubernetes 1.22 a StatefulSet counts only ready ones.
  const ready = kind === 'statefulset' ? status.readyReplicas : undefined;
  return {
    wanted,
    replaced: Math.max(0, wanted - partition),
    pods: orNought(status.replicas),
    updated: orNought(status.updatedReplicas),
    available: orNought(status.availableReplicas ?? ready),
  };
}

/** A DaemonSet wants as many pods as there are nodes for it. */
function scheduledCounts(status: NonNullable<WorkloadObject['status']>): Counts {
  const wanted = orNought(status.desiredNumberScheduled);
  return {
    wanted,
    replaced: wanted,
    pods: orNought(status.currentNumberScheduled),
    updated: orNought(status.updatedNumberScheduled),
    available: orNought(status.numberAvailable),
  };
}

/** The API leaves a count out when it is 0. */
function orNought(count: number | undefined): number {
  return count ?? 0;
}

function selectorText({ matchLabels = {}, matchExpressions = [] }: Selector): string {
  const words: Readonly<Record<string, string>> = { In: 'in', NotIn: 'notin' };
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${words[operator] ?? operator} (${values.join(',')})`;
  });
  return [...labels, ...expressions].join(',');
}

function idOf(ref: WorkloadName): string {
  return `k8s/${ref.namespace}/${ref.kind}/${ref.name}`;
}

/** Annotation autoheal=true on any of these, or the policy's word. */
export function optIn(
  labelled: boolean,
  named: boolean,
  state: WorkloadState,
): { readonly opted_in: boolean; readonly opt_in_hint: string } {
  const { namespace, kind, name } = state.ref;
  if (labelled) return { opted_in: true, opt_in_hint: 'annotated autoheal=true' };
  if (named) return { opted_in: true, opt_in_hint: "named in the policy's targets" };
  return {
    opted_in: false,
    opt_in_hint: `kubectl -n ${namespace} annotate ${kind}/${name} autoheal=true, or name ${state.id} under targets in the policy`,
  };
}

/** @throws ActionError `conflict`: what the plan saw is not there any more, or forbids it. */
export function refuse(message: string): never {
  throw new ActionError('conflict', message, { retryable: false });
}
