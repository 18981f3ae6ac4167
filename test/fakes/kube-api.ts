import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, type FakeServer, type Reply, type Seen, serve } from './http.ts';
import { type FakePod, fakePod, type GivenPod, listPods, onPod } from './kube-pods.ts';
import { invalid, refusedDryRun, selects, status } from './kube-replies.ts';
import {
  changed,
  type FakeWorkload,
  type GivenWorkload,
  objectOf,
  patchWorkload,
  workloadOf,
} from './kube-workloads.ts';

export interface FakeKube {
  readonly url: string;
  /** A file that KUBECONFIG can name. */
  readonly kubeconfig: string;
  readonly requests: readonly Seen[];
  add(workload: GivenWorkload): FakeWorkload;
  addPod(pod: GivenPod): FakePod;
  /** The node says that it has ended. */
  removePod(name: string): void;
  removeWorkload(workload: FakeWorkload): void;
  /** RBAC: this verb on `deployments/scale` (or another resource) answers 403. */
  forbid(verb: Verb, resource: string): void;
  /** From now on the token of the kubeconfig is not valid. */
  revokeToken(): void;
  fail(match: RegExp, answer: Answer, times?: number): void;
  /** Runs before a request that matches is handled: what others do at that very moment. */
  before(match: RegExp, act: () => void): void;
  close(): Promise<void>;
}

const TOKEN = 'fake-token';
type Verb = 'get' | 'list' | 'update' | 'patch' | 'delete';
const PATH =
  /^\/apis\/apps\/v1\/namespaces\/([^/]+)\/(deployments|statefulsets|daemonsets|replicasets)(?:\/([^/]+?)(\/scale)?)?$/;
const POD_PATH = /^\/api\/v1\/namespaces\/([^/]+)\/(pods)(?:\/([^/]+))?$/;
const VERBS: Readonly<Record<string, Verb>> = {
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};
const KNOWN_QUERIES = new Set(['dryRun', 'fieldManager', 'fieldValidation', 'pretty']);
const LIST_QUERIES = new Set(['labelSelector', 'limit', 'continue', 'pretty']);

/** The part of the Kubernetes API that the actions need, with the API server's own refusals. */
export async function startKubeApi(): Promise<FakeKube> {
  const workloads = new Map<string, FakeWorkload>();
  const pods = new Map<string, FakePod>();
  const forbidden = new Set<string>();
  const scripted: { match: RegExp; answer: Answer; times: number }[] = [];
  const hooks: { match: RegExp; act: () => void }[] = [];
  let token: string | undefined = TOKEN;

  function answer(seen: Seen): Answer {
    const line = `${seen.method} ${seen.path}`;
    for (const hook of hooks) if (hook.match.test(line)) hook.act();
    const script = scripted.find((one) => one.times > 0 && one.match.test(line));
    if (script !== undefined) {
      script.times -= 1;
      return script.answer;
    }
    if (token === undefined || seen.headers.authorization !== `Bearer ${token}`)
      return status(401, 'Unauthorized', 'Unauthorized');
    if (line === 'GET /version')
      return { status: 200, body: { major: '1', minor: '24', gitVersion: 'v1.24.0' } };
    return onObject(seen, { workloads, pods, forbidden });
  }

  const server: FakeServer = await serve(answer);
  const url = `http://127.0.0.1:${server.port}`;
  const dir = await mkdtemp(join(tmpdir(), 'autoheal-kube-'));
  const kubeconfig = join(dir, 'config');
  await writeFile(kubeconfig, configText(url));
  return {
    url,
    kubeconfig,
    requests: server.requests,
    add(given) {
      const workload = workloadOf(given);
      workloads.set(keyOf(workload), workload);
      return workload;
    },
    addPod(given) {
      const pod = fakePod(given);
      pods.set(`${pod.namespace}/${pod.name}`, pod);
      return pod;
    },
    removePod(name) {
      for (const [key, pod] of pods) if (pod.name === name) pods.delete(key);
    },
    removeWorkload: (workload) => void workloads.delete(keyOf(workload)),
    forbid: (verb, resource) => forbidden.add(`${verb} ${resource}`),
    revokeToken() {
      token = undefined;
    },
    fail: (match, failure, times = 1) => scripted.push({ match, answer: failure, times }),
    before: (match, act) => hooks.push({ match, act }),
    async close() {
      await server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function keyOf(one: { resource: string; namespace: string; name: string }): string {
  return `${one.namespace}/${one.resource}/${one.name}`;
}

interface Cluster {
  readonly workloads: ReadonlyMap<string, FakeWorkload>;
  readonly pods: ReadonlyMap<string, FakePod>;
  readonly forbidden: ReadonlySet<string>;
}
interface Addressed {
  readonly namespace: string;
  readonly resource: string;
  /** Empty for the list. */
  readonly name: string;
  readonly scale: string;
}

function onObject(seen: Seen, cluster: Cluster): Reply {
  const [, namespace = '', resource = '', name = '', scale = ''] =
    PATH.exec(seen.path) ?? POD_PATH.exec(seen.path) ?? [];
  const addressed = { namespace, resource, name, scale };
  const refused = refusedRequest(seen, addressed, cluster.forbidden);
  if (refused !== undefined) return refused;
  if (resource !== 'pods') return onWorkload(seen, addressed, cluster.workloads);
  if (name === '') return listPods(seen, namespace, [...cluster.pods.values()]);
  const pod = cluster.pods.get(`${namespace}/${name}`);
  return pod === undefined ? status(404, 'NotFound', `pods "${name}" not found`) : onPod(seen, pod);
}

function onWorkload(
  seen: Seen,
  { namespace, resource, name, scale }: Addressed,
  workloads: Cluster['workloads'],
): Reply {
  if (name === '') return listWorkloads(seen, namespace, resource, workloads);
  const found = workloads.get(keyOf({ namespace, resource, name }));
  if (found === undefined) return status(404, 'NotFound', `${resource}.apps "${name}" not found`);
  if (seen.method === 'GET')
    return { status: 200, body: scale === '' ? objectOf(found) : scaleOf(found) };
  const bad = refusedDryRun(seen.query.getAll('dryRun'));
  if (bad !== undefined) return bad;
  if (scale !== '') return refusedType(seen) ?? writeScale(seen, found);
  if (seen.method === 'PATCH') return patchWorkload(seen, found);
  return status(405, 'MethodNotAllowed', 'only the scale is replaced here');
}

function listWorkloads(
  seen: Seen,
  namespace: string,
  resource: string,
  workloads: Cluster['workloads'],
): Reply {
  const selector = seen.query.get('labelSelector') ?? '';
  if (selector === '' || !seen.query.has('limit'))
    return invalid('a list needs labelSelector and limit here');
  const items = [...workloads.values()]
    .filter((one) => one.namespace === namespace && one.resource === resource)
    .filter((one) => selects(selector, one.template.metadata.labels))
    .map(objectOf);
  return { status: 200, body: { apiVersion: 'apps/v1', kind: 'List', metadata: {}, items } };
}

function refusedRequest(
  seen: Seen,
  { namespace, resource, name, scale }: Addressed,
  forbidden: ReadonlySet<string>,
): Reply | undefined {
  if (namespace === '')
    return status(404, 'NotFound', 'the server could not find the requested resource');
  const known = name === '' ? LIST_QUERIES : KNOWN_QUERIES;
  const unknown = [...seen.query.keys()].find((key) => !known.has(key));
  if (unknown !== undefined) return status(400, 'BadRequest', `unknown query ${unknown}`);
  const verb = name === '' && seen.method === 'GET' ? 'list' : VERBS[seen.method];
  if (verb === undefined)
    return status(405, 'MethodNotAllowed', 'the server does not allow this method');
  const what = `${resource}${scale}`;
  if (!forbidden.has(`${verb} ${what}`)) return undefined;
  const group = resource === 'pods' ? '' : 'apps';
  return status(
    403,
    'Forbidden',
    `${resource} "${name}" is forbidden: User "system:serviceaccount:ops:autoheal" cannot ${verb} resource "${what}" in API group "${group}" in the namespace "${namespace}"`,
  );
}

interface WrittenScale {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly resourceVersion?: string };
  readonly spec?: { readonly replicas?: number };
}

/** PUT and merge PATCH of the scale. */
function writeScale(seen: Seen, found: FakeWorkload): Reply {
  const body = JSON.parse(seen.body) as WrittenScale;
  const replicas = body.spec?.replicas ?? 0;
  const refused = refusedScale(seen, body, found);
  if (refused !== undefined) return refused;
  if (seen.query.has('dryRun')) return { status: 200, body: scaleOf({ ...found, replicas }) };
  if (replicas !== found.replicas) changed(found, { replicas, generation: found.generation + 1 });
  return { status: 200, body: scaleOf(found) };
}

/** In the order in which the API server refuses. */
function refusedScale(seen: Seen, body: WrittenScale, found: FakeWorkload): Reply | undefined {
  const { name, resourceVersion } = body.metadata ?? {};
  if (seen.method === 'PUT' && (body.kind !== 'Scale' || name !== found.name))
    return status(400, 'BadRequest', 'the name of the object does not match the name on the URL');
  // The API server takes a PUT without one as "overwrite whatever is there"; here that is a mistake.
  if (resourceVersion === undefined)
    return invalid('metadata.resourceVersion: Invalid value: 0x0: must be specified for an update');
  if (resourceVersion !== String(found.resource_version))
    return status(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${found.resource}.apps "${found.name}": the object has been modified; please apply your changes to the latest version and try again`,
    );
  const replicas = body.spec?.replicas ?? 0;
  if (!Number.isInteger(replicas) || replicas < 0)
    return invalid(`spec.replicas: Invalid value: ${replicas}: must be greater than or equal to 0`);
  return undefined;
}

function refusedType(seen: Seen): Reply | undefined {
  const type = seen.headers['content-type'] ?? '';
  const wanted = seen.method === 'PUT' ? 'application/json' : 'application/merge-patch+json';
  if (!type.startsWith(wanted))
    return status(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format: ${type}`,
    );
  return undefined;
}

/** replicas is left out when it is 0, as Go's `omitempty` does. */
function scaleOf(one: FakeWorkload): object {
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: {
      name: one.name,
      namespace: one.namespace,
      resourceVersion: String(one.resource_version),
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: one.replicas === 0 ? {} : { replicas: one.replicas },
    status: { replicas: one.ready, selector: `app=${one.name}` },
  };
}

function configText(url: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'fake',
    // The library speaks plain HTTP only where this is said.
    clusters: [{ name: 'fake', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'fake', user: { token: TOKEN } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake' } }],
  });
}
