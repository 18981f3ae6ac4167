import { afterEach, beforeEach, expect, test } from 'vitest';
import restart from '../../actions/rollout-restart.ts';
import type { Target } from '../../src/core/healing/remediation.ts';
import { type FakeKube, startKubeApi } from '../fakes/kube-api.ts';
import { changed, rolledOut } from '../fakes/kube-workloads.ts';
import { contextOf, type ContextParts, failureOf, one } from './context.ts';

let kube: FakeKube;
beforeEach(async () => {
  kube = await startKubeApi();
});
afterEach(() => kube.close());

const INTENT_AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const AT = '2026-01-02T03:04:05.678Z';
const ANNOTATION = 'kubectl.kubernetes.io/restartedAt';
const worker = { workload: 'k8s/prod/deployment/worker' };

function ctx(parts: ContextParts = {}) {
  return contextOf({ kubeconfig: kube.kubeconfig, intent_at: INTENT_AT, ...parts });
}
async function resolve(params = worker, parts: ContextParts = {}): Promise<Target> {
  return one(await restart.resolve(params, ctx({ intent_at: null, ...parts })));
}
function patches() {
  return kube.requests.filter((request) => request.method === 'PATCH');
}

test.each(['deployment', 'statefulset', 'daemonset'] as const)(
  'restarts a %s as kubectl does, and is healthy once all its pods are new and available',
  async (kind) => {
    const found = kube.add({ resource: `${kind}s`, name: 'worker', replicas: 3 });
    const params = { workload: `k8s/prod/${kind}/worker` };
    const target = await resolve(params);
    expect(target).toEqual({
      id: params.workload,
      parents: [],
      name: 'worker',
      opted_in: true,
      opt_in_hint: 'annotated autoheal=true',
      observed: { generation: 1, wanted: 3, available: 3, restarted_at: null },
      desired: null,
      cmd: `kubectl -n prod rollout restart ${kind}/worker`,
    });
    const evidence = await restart.execute(params, target, ctx());
    expect(evidence).toEqual({
      changed: true,
      restarted_at: AT,
      generation: 2,
      resource_version: '101',
    });
    expect(found.template.metadata.annotations).toEqual({ [ANNOTATION]: AT });
    expect(found.template.spec).toHaveProperty('fieldOfTheFuture');
    async function verify() {
      return await restart.verify?.(params, target, evidence, ctx());
    }
    expect(await verify()).toBe('pending');
    changed(found, { observed_generation: 2, updated: 2, ready: 3 });
    expect(await verify()).toBe('pending');
    changed(found, { updated: 3, ready: 2 });
    expect(await verify()).toBe('pending');
    rolledOut(found);
    expect(await verify()).toBe('healthy');
    kube.removeWorkload(found);
    expect(await verify()).toBe('failed');
  },
);

test('a deployment has failed once it says so itself, and pods of the old template are waited for', async () => {
  const found = kube.add({ resource: 'deployments', name: 'worker' });
  const target = await resolve();
  await restart.execute(worker, target, ctx());
  async function verify() {
    return await restart.verify?.(worker, target, {}, ctx());
  }
  rolledOut(found);
  found.status = { replicas: 3 };
  expect(await verify()).toBe('pending');
  const reason = 'ProgressDeadlineExceeded';
  found.conditions = [{ type: 'Progressing', status: 'False', reason }];
  expect(await verify()).toBe('failed');
  found.observed_generation = 1;
  expect(await verify()).toBe('pending');
});

test('a partition of a StatefulSet is respected', async () => {
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } };
  const spec = { updateStrategy };
  const found = kube.add({ resource: 'statefulsets', name: 'worker', replicas: 3, spec });
  const params = { workload: 'k8s/prod/statefulset/worker' };
  const target = await resolve(params);
  await restart.execute(params, target, ctx());
  changed(found, { observed_generation: 2, updated: 0 });
  expect(await restart.verify?.(params, target, {}, ctx())).toBe('pending');
  changed(found, { updated: 1 });
  expect(await restart.verify?.(params, target, {}, ctx())).toBe('healthy');
});

test('the second attempt finds what the first one did, whose answer was lost', async () => {
  const found = kube.add({ resource: 'deployments', name: 'worker' });
  const target = await resolve();
  await restart.execute(worker, target, ctx());
  const second = await restart.execute(worker, target, ctx({ attempt: 2 }));
  expect(second).toMatchObject({ changed: false, restarted_at: AT });
  expect(patches()).toHaveLength(1);
  expect(found.generation).toBe(2);
});

test('a status that moves under the write is no reason to give up, a spec that moves is', async () => {
  const found = kube.add({ resource: 'deployments', name: 'worker' });
  const target = await resolve();
  let others = 2;
  kube.before(/^PATCH/, () => {
    if (others-- > 0) changed(found);
  });
  await restart.execute(worker, target, ctx());
  expect(patches()).toHaveLength(3);
  expect(found.generation).toBe(2);

  rolledOut(found);
  const later = await resolve();
  others = 1;
  kube.before(/^PATCH/, () => {
    if (others === 0) changed(found, { generation: 3, observed_generation: 3 });
  });
  const failure = await failureOf(
    restart.execute(worker, later, ctx({ intent_at: INTENT_AT + 60_000 })),
  );
  expect(failure).toMatchObject({ code: 'conflict', retryable: false });
  expect(failure.message).toContain('generation 3 now, the plan saw 2');
});

test('conflicts without end are given up, and may be tried again later', async () => {
  const found = kube.add({ resource: 'deployments', name: 'worker' });
  const target = await resolve();
  kube.before(/^PATCH/, () => changed(found));
  const failure = await failureOf(restart.execute(worker, target, ctx()));
  expect(failure).toMatchObject({ code: 'conflict', retryable: true });
  expect(patches()).toHaveLength(5);
  expect(found.generation).toBe(1);
});

test.each([
  ['paused', { spec: { paused: true } }, 'rollout resume deployment/worker'],
  ['rolling out', { updated: 1 }, 'under way'],
  ['rolling out, with old pods left', { status: { replicas: 3 } }, 'under way'],
  ['not seen by its controller yet', { generation: 2 }, 'under way'],
  ['scaled to nought', { replicas: 0, ready: 0, updated: 0 }, 'no pod'],
] as const)('a deployment that is %s is left alone', async (_what, state, why) => {
  kube.add({ resource: 'deployments', name: 'worker', ...state });
  const target = await resolve();
  for (const call of [restart.execute, restart.preview]) {
    const failure = await failureOf(call(worker, target, ctx()));
    expect(failure).toMatchObject({ code: 'conflict', retryable: false });
    expect(failure.message).toContain(why);
  }
  expect(patches()).toEqual([]);
});

test('what a restart would not touch: OnDelete; and a rollout that has failed is not under way', async () => {
  const spec = { updateStrategy: { type: 'OnDelete' } };
  kube.add({ resource: 'daemonsets', name: 'agent', spec });
  const agent = { workload: 'k8s/prod/daemonset/agent' };
  const failure = await failureOf(restart.execute(agent, await resolve(agent), ctx()));
  expect(failure).toMatchObject({ code: 'conflict' });
  expect(failure.message).toContain('OnDelete');
  const reason = 'ProgressDeadlineExceeded';
  const conditions = [{ type: 'Progressing', status: 'False', reason }];
  kube.add({ resource: 'deployments', name: 'worker', updated: 1, conditions });
  expect(await restart.execute(worker, await resolve(), ctx())).toMatchObject({ changed: true });
});

test('the preview is a dry run on the server: nothing changes', async () => {
  const found = kube.add({ resource: 'deployments', name: 'worker' });
  const target = await resolve();
  const text = await restart.preview(worker, target, ctx({ intent_at: null }));
  expect(text).toContain('replace its 2 pods: the API server');
  expect(patches().map((request) => request.query.get('dryRun'))).toEqual(['All']);
  expect(found).toMatchObject({ generation: 1, resource_version: 100 });
  kube.fail(/^PATCH/, { status: 422, body: { message: 'a policy forbids it' } });
  expect(await failureOf(restart.preview(worker, target, ctx()))).toMatchObject({
    code: 'rejected',
  });
});

test('probe: the annotation tells, and a change of others hides it', async () => {
  const found = kube.add({ resource: 'deployments', name: 'worker' });
  const target = await resolve();
  async function probe() {
    return await restart.probe?.(worker, target, ctx());
  }
  expect(await probe()).toBe('not_done');
  await restart.execute(worker, target, ctx());
  expect(await probe()).toBe('done');
  changed(found, { template: { ...found.template, metadata: { labels: { app: 'worker' } } } });
  expect(await probe()).toBe('unknown');
  kube.removeWorkload(found);
  expect(await probe()).toBe('unknown');
});

test('rights are named, and opt-in is the owner’s word or the policy’s', async () => {
  kube.add({ resource: 'statefulsets', name: 'db', annotations: {} });
  const db = { workload: 'k8s/prod/statefulset/db' };
  const stranger = await resolve(db);
  expect(stranger.opted_in).toBe(false);
  expect(stranger.opt_in_hint).toContain('kubectl -n prod annotate statefulset/db autoheal=true');
  expect(await resolve(db, { allowed: [db.workload] })).toMatchObject({ opted_in: true });
  kube.forbid('patch', 'statefulsets');
  const failure = await failureOf(restart.execute(db, stranger, ctx()));
  expect(failure.code).toBe('forbidden');
  expect(failure.message).toContain('the verb patch on statefulsets (apiGroups: [apps])');
  expect(await failureOf(resolve())).toMatchObject({ code: 'not_found', retryable: false });
});

test('only workloads with a rollout can be named', () => {
  for (const workload of ['k8s/prod/replicaset/x', 'k8s/prod/pod/x', 'k8s/prod/deployment/', 'x'])
    expect(restart.params.safeParse({ workload }).success).toBe(false);
});
