import type { Reply, Seen } from './http.ts';
import { invalid, refusedDryRun, selects, status } from './kube-replies.ts';
import { type FakeOwner, ownerReference } from './kube-workloads.ts';

export interface FakePod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Record<string, string>;
  annotations: Record<string, string>;
  readonly owner: FakeOwner | undefined;
  ready: boolean;
  /** Set by a deletion; the pod stays until its node says that it has ended. */
  terminating: boolean;
  /** What the deletion asked for. */
  grace_seconds: number | undefined;
}
export type GivenPod = Partial<FakePod> & Pick<FakePod, 'name'>;

export function fakePod(given: GivenPod): FakePod {
  return {
    namespace: 'prod',
    uid: `uid-of-${given.name}`,
    labels: {},
    annotations: {},
    owner: undefined,
    ready: true,
    terminating: false,
    grace_seconds: undefined,
    ...given,
  };
}

function podObject(pod: FakePod): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod.name,
      namespace: pod.namespace,
      uid: pod.uid,
      labels: pod.labels,
      annotations: pod.annotations,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(pod.terminating ? { deletionTimestamp: '2026-01-01T00:00:30Z' } : {}),
      ...(pod.owner === undefined ? {} : { ownerReferences: [ownerReference(pod.owner)] }),
    },
    spec: { containers: [{ name: 'main', image: 'app:v1' }] },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: pod.ready ? 'True' : 'False' }],
    },
  };
}

/** GET of the list, page by page. */
export function listPods(seen: Seen, namespace: string, all: readonly FakePod[]): Reply {
  const selector = seen.query.get('labelSelector') ?? '';
  const limit = Number(seen.query.get('limit') ?? 0);
  // Both are optional for the API server; without them a namespace of thousands would be read.
  if (selector === '' || limit === 0) return invalid('a list needs labelSelector and limit here');
  const here = all.filter((pod) => pod.namespace === namespace);
  if (here.some((pod) => selects(selector, pod.labels) === undefined))
    return status(400, 'BadRequest', `unable to parse requirement: ${selector}`);
  const found = here.filter((pod) => selects(selector, pod.labels));
  const from = Number(seen.query.get('continue') ?? 0);
  const rest = from + limit < found.length ? { continue: String(from + limit) } : {};
  const items = found.slice(from, from + limit).map(podObject);
  return { status: 200, body: { apiVersion: 'v1', kind: 'PodList', metadata: rest, items } };
}

interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string };
  readonly gracePeriodSeconds?: number;
  readonly dryRun?: readonly string[];
}

/** GET and DELETE of one. */
export function onPod(seen: Seen, found: FakePod): Reply {
  if (seen.method === 'GET') return { status: 200, body: podObject(found) };
  if (seen.method !== 'DELETE')
    return status(405, 'MethodNotAllowed', 'the server does not allow this method');
  const options = JSON.parse(seen.body === '' ? '{}' : seen.body) as DeleteOptions;
  const dry = options.dryRun ?? [];
  const refused = refusedDryRun(dry) ?? refusedDelete(options, found);
  if (refused !== undefined) return refused;
  if (dry.length === 0) {
    found.terminating = true;
    found.grace_seconds = options.gracePeriodSeconds;
  }
  return { status: 200, body: podObject(found) };
}

function refusedDelete(options: DeleteOptions, found: FakePod): Reply | undefined {
  const uid = options.preconditions?.uid;
  // The API server deletes whatever has the name then; here that is a mistake.
  if (uid === undefined) return invalid('preconditions.uid: must be specified');
  if (uid === found.uid) return undefined;
  return status(
    409,
    'Conflict',
    `Operation cannot be fulfilled on pods "${found.name}": Precondition failed: UID in precondition: ${uid}, UID in object meta: ${found.uid}`,
  );
}
