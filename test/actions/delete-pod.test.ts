import { afterEach, beforeEach, expect, test } from 'vitest';
import deletePod from '../../actions/delete-pod.ts';
import type { Target } from '../../src/core/healing/remediation.ts';
import { type FakeKube, startKubeApi } from '../fakes/kube-api.ts';
import type { FakeOwner, FakeWorkload } from '../fakes/kube-workloads.ts';
import { contextOf, type ContextParts, failureOf, one } from './context.ts';

let kube: FakeKube;
let worker: FakeWorkload;
const params = { pod: 'k8s/prod/pod/worker-a' };
const SET: FakeOwner = { kind: 'ReplicaSet', name: 'worker-h1', uid: 'uid-of-worker-h1' };

beforeEach(async () => {
  kube = await startKubeApi();
  worker = kube.add({ resource: 'deployments', name: 'worker', replicas: 3 });
  const owner = { kind: 'Deployment', name: 'worker', uid: worker.uid };
  kube.add({ resource: 'replicasets', name: 'worker-h1', owner, annotations: {} });
  for (const name of ['worker-a', 'worker-b', 'worker-c']) addPod(name, name !== 'worker-a');
});
afterEach(() => kube.close());

function addPod(name: string, ready = true, uid = `uid-of-${name}`) {
  return kube.addPod({ name, uid, ready, labels: { app: 'worker' }, owner: SET });
}
function ctx(parts: ContextParts = {}) {
  return contextOf({ kubeconfig: kube.kubeconfig, ...parts });
}
async function resolve(parts: ContextParts = {}): Promise<Target> {
  return one(await deletePod.resolve(params, ctx(parts)));
}
function deletions() {
  return kube.requests.filter((request) => request.method === 'DELETE');
}

test('a pod of a Deployment: locks with it, and is healthy once the replacement is ready', async () => {
  const target = await resolve();
  expect(target).toEqual({
    id: 'k8s/prod/pod/worker-a',
    parents: ['k8s/prod/deployment/worker'],
    name: 'worker-a',
    opted_in: true,
    opt_in_hint: 'annotated autoheal=true',
    observed: {
      uid: 'uid-of-worker-a',
      ready: false,
      workload: 'k8s/prod/deployment/worker',
      ready_others: 2,
    },
    desired: null,
    cmd: 'kubectl -n prod delete pod worker-a',
    group: { id: 'k8s/prod/deployment/worker', total: 3, healthy: 2, serves: false },
  });
  const evidence = await deletePod.execute(params, target, ctx());
  expect(evidence).toEqual({
    deleted: true,
    gone_elsewhere: false,
    uid: 'uid-of-worker-a',
    workload: 'k8s/prod/deployment/worker',
  });
  async function verify() {
    return await deletePod.verify?.(params, target, evidence, ctx());
  }
  const next = addPod('worker-d');
  expect(await verify()).toBe('pending');
  kube.removePod('worker-a');
  next.ready = false;
  expect(await verify()).toBe('pending');
  next.ready = true;
  expect(await verify()).toBe('healthy');
});

test('verify: others that were ill before do not count, a terminating one neither; scaled down, none is due', async () => {
  const other = addPod('worker-b', false);
  const target = await resolve();
  await deletePod.execute(params, target, ctx());
  kube.removePod('worker-a');
  async function verify() {
    return await deletePod.verify?.(params, target, {}, ctx());
  }
  expect(await verify()).toBe('pending');
  const next = addPod('worker-d');
  expect(await verify()).toBe('healthy');
  next.terminating = true;
  expect(await verify()).toBe('pending');
  expect(other.ready).toBe(false);
  worker.replicas = 1;
  expect(await verify()).toBe('healthy');
  kube.removeWorkload(worker);
  expect(await verify()).toBe('failed');
});

test.each([
  ['StatefulSet', 'statefulsets'],
  ['DaemonSet', 'daemonsets'],
] as const)('a pod of a %s comes back under the workload’s care', async (kind, resource) => {
  const owner = kube.add({ resource, name: 'db', replicas: 1 });
  const given = { pod: 'k8s/prod/pod/db-0' };
  const labels = { app: 'db' };
  const of = { kind, name: 'db', uid: owner.uid };
  kube.addPod({ name: 'db-0', labels, owner: of });
  const target = one(await deletePod.resolve(given, ctx()));
  expect(target.parents).toEqual([`k8s/prod/${kind.toLowerCase()}/db`]);
  await deletePod.execute(given, target, ctx());
  // The replacement has the same name.
  kube.addPod({ name: 'db-0', uid: 'another', labels, owner: of, ready: false });
  expect(await deletePod.verify?.(given, target, {}, ctx())).toBe('pending');
  kube.addPod({ name: 'db-0', uid: 'another', labels, owner: of });
  expect(await deletePod.verify?.(given, target, {}, ctx())).toBe('healthy');
  expect(await deletePod.execute(given, target, ctx())).toMatchObject({ gone_elsewhere: true });
  expect(deletions()).toHaveLength(1);
});

test('a ReplicaSet of its own, or of another operator’s, is the workload itself', async () => {
  const owner = { kind: 'Rollout', name: 'worker', uid: 'x' };
  kube.add({ resource: 'replicasets', name: 'worker-h1', owner });
  expect(await resolve()).toMatchObject({ parents: ['k8s/prod/replicaset/worker-h1'] });
});

test('what nothing would bring back, and what is not there, is not deleted', async () => {
  kube.addPod({ name: 'bare' });
  kube.addPod({ name: 'job-x', owner: { kind: 'Job', name: 'job', uid: 'x' } });
  kube.addPod({ name: 'etcd-1', annotations: { 'kubernetes.io/config.mirror': 'hash' } });
  kube.addPod({ name: 'proxy-1', owner: { kind: 'Node', name: 'node-1', uid: 'x' } });
  for (const [name, why] of [
    ['bare', 'no controller'],
    ['job-x', 'belongs to Job/job'],
    ['etcd-1', 'static pod'],
    ['proxy-1', 'static pod'],
  ] as const) {
    const failure = await failureOf(deletePod.resolve({ pod: `k8s/prod/pod/${name}` }, ctx()));
    expect(failure).toMatchObject({ code: 'conflict', retryable: false });
    expect(failure.message).toContain(why);
  }
  const failure = await failureOf(deletePod.resolve({ pod: 'k8s/prod/pod/none' }, ctx()));
  expect(failure).toMatchObject({ code: 'not_found', retryable: false });
});

test('a pod that somebody is deleting is left alone; one that we are deleting is done', async () => {
  const target = await resolve();
  addPod('worker-a').terminating = true;
  for (const call of [deletePod.execute, deletePod.preview])
    expect(await failureOf(call(params, target, ctx()))).toMatchObject({
      code: 'conflict',
      retryable: false,
    });
  const second = await deletePod.execute(params, target, ctx({ attempt: 2 }));
  expect(second).toMatchObject({ deleted: true });
  expect(deletions()).toEqual([]);
});

test('another pod that took the name between the look and the deletion is left alone', async () => {
  const target = await resolve();
  kube.before(/^DELETE/, () => void addPod('worker-a', true, 'another'));
  expect(await deletePod.execute(params, target, ctx())).toMatchObject({
    deleted: false,
    gone_elsewhere: true,
  });
  expect(deletions()).toHaveLength(1);
  expect(JSON.parse(deletions()[0]?.body ?? '')).toEqual({
    preconditions: { uid: 'uid-of-worker-a' },
  });
});

test('a conflict that is not about the pod’s identity is one', async () => {
  const target = await resolve();
  kube.fail(/^DELETE/, { status: 409, body: { message: 'somebody is in the way' } });
  expect(await failureOf(deletePod.execute(params, target, ctx()))).toMatchObject({
    code: 'conflict',
  });
});

test('the grace that is asked for is sent; a forced deletion cannot be asked for', async () => {
  const given = { ...params, grace_seconds: 5 };
  const target = one(await deletePod.resolve(given, ctx()));
  expect(target.cmd).toBe('kubectl -n prod delete pod worker-a --grace-period=5');
  const pod = addPod('worker-a');
  await deletePod.execute(given, target, ctx());
  expect(pod.grace_seconds).toBe(5);
  expect(deletePod.params.safeParse({ ...params, grace_seconds: 0 }).success).toBe(false);
});

test('the preview is a dry run on the server: nothing changes', async () => {
  const target = await resolve();
  expect(await deletePod.preview(params, target, ctx())).toContain('dry run accepts it');
  expect(JSON.parse(deletions()[0]?.body ?? '')).toMatchObject({ dryRun: ['All'] });
  expect(await deletePod.probe?.(params, target, ctx())).toBe('not_done');
  kube.removePod('worker-a');
  expect(await deletePod.preview(params, target, ctx())).toContain('nothing to do');
});

test('probe: gone, going, or another one of that name is done', async () => {
  const target = await resolve();
  async function probe() {
    return await deletePod.probe?.(params, target, ctx());
  }
  expect(await probe()).toBe('not_done');
  addPod('worker-a').terminating = true;
  expect(await probe()).toBe('done');
  addPod('worker-a', true, 'another');
  expect(await probe()).toBe('done');
  kube.removePod('worker-a');
  expect(await probe()).toBe('done');
});

test('opt-in: the pod’s annotation, its workload’s, or the policy’s word for either', async () => {
  worker.annotations = {};
  const stranger = await resolve();
  expect(stranger.opted_in).toBe(false);
  expect(stranger.opt_in_hint).toContain('annotate deployment/worker autoheal=true');
  for (const allowed of [['k8s/prod/deployment/worker'], ['k8s/prod/pod/worker-a']])
    expect(await resolve({ allowed })).toMatchObject({ opted_in: true });
  addPod('worker-a').annotations = { autoheal: 'true' };
  expect(await resolve()).toMatchObject({ opted_in: true });
});

test('a workload of many pods is read page by page', async () => {
  worker.replicas = 1_003;
  for (let n = 0; n < 1_000; n += 1) addPod(`many-${n}`);
  expect((await resolve()).observed).toMatchObject({ ready_others: 1_002 });
  const lists = kube.requests.filter((request) => request.path.endsWith('/pods'));
  expect(lists.map((request) => request.query.get('limit'))).toEqual(['500', '500', '500']);
});

test('a selector of expressions is written as the API reads it', async () => {
  const selector = {
    matchLabels: { app: 'worker' },
    matchExpressions: [
      { key: 'tier', operator: 'In', values: ['a', 'b'] },
      { key: 'old', operator: 'DoesNotExist' },
      { key: 'app', operator: 'Exists' },
      { key: 'tier', operator: 'NotIn', values: ['c'] },
    ],
  };
  worker.spec = { selector };
  expect((await resolve()).observed).toMatchObject({ ready_others: 0 });
  kube.addPod({ name: 'worker-x', labels: { app: 'worker', tier: 'b' }, owner: SET });
  expect((await resolve()).observed).toMatchObject({ ready_others: 1 });
});

test.each([
  ['get', 'pods', ''],
  ['list', 'pods', ''],
  ['get', 'replicasets', 'apps'],
  ['get', 'deployments', 'apps'],
] as const)('without the right to %s %s it is named', async (verb, resource, group) => {
  kube.forbid(verb, resource);
  const failure = await failureOf(resolve());
  expect(failure.code).toBe('forbidden');
  const shown = group === '' ? '""' : group;
  expect(failure.message).toContain(`the verb ${verb} on ${resource} (apiGroups: [${shown}])`);
});

test('without the right to delete it is named, and a silent API server is a timeout', async () => {
  const target = await resolve();
  kube.fail(/^DELETE/, 'hang');
  const stop = new AbortController();
  kube.before(/^DELETE/, () => void setImmediate(() => stop.abort()));
  const late = await failureOf(deletePod.execute(params, target, ctx({ signal: stop.signal })));
  expect(late).toMatchObject({ code: 'timeout', retryable: true });
  kube.forbid('delete', 'pods');
  const failure = await failureOf(deletePod.execute(params, target, ctx()));
  expect(failure.message).toContain('the verb delete on pods');
});
