import { isDeepStrictEqual } from 'node:util';
import type { Reply, Seen } from './http.ts';
import { invalid, status } from './kube-replies.ts';

type Object_ = Record<string, unknown>;
export interface FakeOwner {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}
export interface FakeTemplate {
  readonly metadata: {
    readonly labels: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly spec: Object_;
}
export interface FakeWorkload {
  readonly resource: 'deployments' | 'statefulsets' | 'daemonsets' | 'replicasets';
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  replicas: number;
  ready: number;
  /** Pods of the newest template. */
  updated: number;
  annotations: Record<string, string>;
  template: FakeTemplate;
  /** What else the spec says: paused, updateStrategy. */
  spec: Object_;
  /** What else the status says, over what is made of the counts. */
  status: Object_;
  readonly owner: FakeOwner | undefined;
  generation: number;
  observed_generation: number;
  resource_version: number;
  conditions: { type: string; status: string; reason: string }[];
}
export type GivenWorkload = Partial<FakeWorkload> & Pick<FakeWorkload, 'name' | 'resource'>;

/** Somebody else's change: a new count, and with it a new resourceVersion. */
export function changed(workload: FakeWorkload, change: Partial<FakeWorkload> = {}): void {
  Object.assign(workload, change);
  workload.resource_version += 1;
}

/** The controller's work: it has seen the newest spec, and all its pods are there. */
export function rolledOut(workload: FakeWorkload): void {
  const { generation, replicas } = workload;
  changed(workload, {
    observed_generation: generation,
    updated: replicas,
    ready: replicas,
    status: {},
  });
}

export function workloadOf(given: GivenWorkload): FakeWorkload {
  const { name, replicas = 2 } = given;
  return {
    namespace: 'prod',
    uid: `uid-of-${name}`,
    replicas,
    ready: replicas,
    updated: replicas,
    annotations: { autoheal: 'true' },
    template: templateOf(name, 'v1'),
    spec: {},
    status: {},
    owner: undefined,
    generation: 1,
    observed_generation: 1,
    resource_version: 100,
    conditions: [],
    ...given,
  };
}

/** With a field that a client's library may not know, so that one that drops it is seen. */
export function templateOf(app: string, tag: string, hash?: string): FakeTemplate {
  const labels = { app, ...(hash === undefined ? {} : { 'pod-template-hash': hash }) };
  return {
    metadata: { labels },
    spec: { containers: [{ name: 'main', image: `app:${tag}` }], fieldOfTheFuture: { on: true } },
  };
}

const KINDS = {
  deployments: 'Deployment',
  statefulsets: 'StatefulSet',
  daemonsets: 'DaemonSet',
  replicasets: 'ReplicaSet',
} as const;

export function objectOf(one: FakeWorkload): Object_ {
  const daemon = one.resource === 'daemonsets';
  return {
    apiVersion: 'apps/v1',
    kind: KINDS[one.resource],
    metadata: {
      name: one.name,
      namespace: one.namespace,
      uid: one.uid,
      resourceVersion: String(one.resource_version),
      generation: one.generation,
      annotations: one.annotations,
      ...(one.owner === undefined ? {} : { ownerReferences: [ownerReference(one.owner)] }),
    },
    spec: {
      ...(daemon ? {} : { replicas: one.replicas }),
      selector: { matchLabels: { app: one.template.metadata.labels['app'] } },
      template: one.template,
      ...one.spec,
    },
    status: {
      observedGeneration: one.observed_generation,
      ...(daemon ? scheduled(one) : counted(one)),
      conditions: one.conditions,
      ...one.status,
    },
  };
}

export function ownerReference(owner: FakeOwner): Object_ {
  return { apiVersion: 'apps/v1', ...owner, controller: true, blockOwnerDeletion: true };
}

/** Counts of 0 are left out, as Go's `omitempty` does. */
function counted({ ready, updated }: FakeWorkload): Object_ {
  return {
    ...(ready === 0 ? {} : { replicas: ready, readyReplicas: ready, availableReplicas: ready }),
    ...(updated === 0 ? {} : { updatedReplicas: updated }),
  };
}

function scheduled({ replicas, ready, updated }: FakeWorkload): Object_ {
  return {
    desiredNumberScheduled: replicas,
    currentNumberScheduled: replicas,
    numberReady: ready,
    ...(updated === 0 ? {} : { updatedNumberScheduled: updated }),
    ...(ready === 0 ? {} : { numberAvailable: ready }),
  };
}

interface Patched {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly annotations: Record<string, string>;
  };
  readonly spec: Object_ & { readonly template: FakeTemplate };
}

/** PATCH of the object: merge patch, JSON patch. */
export function patchWorkload(seen: Seen, found: FakeWorkload): Reply {
  const before = structuredClone(objectOf(found)) as unknown as Patched;
  const after = patchOf(seen, structuredClone(before));
  if ('status' in after && !('spec' in after)) return after as unknown as Reply;
  const patched = after as unknown as Patched;
  const refused = refusedPatch(seen, patched, found);
  if (refused !== undefined) return refused;
  const { replicas: _replicas, selector: _selector, template, ...spec } = patched.spec;
  const moved = !isDeepStrictEqual(patched.spec, before.spec);
  const next: FakeWorkload = {
    ...found,
    template,
    spec,
    annotations: patched.metadata.annotations,
    generation: found.generation + (moved ? 1 : 0),
    resource_version: found.resource_version + 1,
  };
  if (!seen.query.has('dryRun')) Object.assign(found, next);
  return { status: 200, body: objectOf(next) };
}

/** In the order in which the API server refuses. */
function refusedPatch(
  seen: Seen,
  { metadata, spec }: Patched,
  found: FakeWorkload,
): Reply | undefined {
  // The API server takes a patch without one as "apply it to whatever is there"; here that is a mistake.
  if (!seen.body.includes('resourceVersion'))
    return invalid('metadata.resourceVersion: must be specified for a patch');
  if (metadata.resourceVersion !== String(found.resource_version))
    return status(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${found.resource}.apps "${found.name}": the object has been modified; please apply your changes to the latest version and try again`,
    );
  const { labels } = spec.template.metadata;
  if (labels['app'] !== found.template.metadata.labels['app'])
    return invalid('spec.template.metadata.labels: `selector` does not match template `labels`');
  // The API server takes it, and every later ReplicaSet has the hash of another one; here it is a mistake.
  if ('pod-template-hash' in labels)
    return invalid('spec.template.metadata.labels: pod-template-hash is the controller’s');
  return undefined;
}

function patchOf(seen: Seen, before: Patched): Object_ {
  const type = seen.headers['content-type'] ?? '';
  const body = JSON.parse(seen.body) as unknown;
  if (type.startsWith('application/merge-patch+json')) return merged(before, body) as Object_;
  if (type.startsWith('application/json-patch+json'))
    return jsonPatched(before as unknown as Object_, body as readonly Operation[]);
  const message = `the body of the request was in an unknown format: ${type}`;
  return { ...status(415, 'UnsupportedMediaType', message) };
}

/** RFC 7396. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const into: Object_ = typeof target === 'object' && target !== null ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete into[key];
    else into[key] = merged(into[key], value);
  }
  return into;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** RFC 6902, as far as it is used: add and replace of members. */
function jsonPatched(target: Object_, operations: readonly Operation[]): Object_ {
  if (!Array.isArray(operations)) return { ...status(400, 'BadRequest', 'not a JSON patch') };
  for (const { op, path, value } of operations) {
    const keys = path.split('/').slice(1);
    const last = keys.pop() ?? '';
    let at: Object_ | undefined = target;
    for (const key of keys) at = at?.[key] as Object_ | undefined;
    if (at === undefined || !['add', 'replace'].includes(op) || (op === 'replace' && !(last in at)))
      return { ...invalid(`the server rejected our request: ${op} ${path}`) };
    at[last] = value;
  }
  return target;
}
