import { afterEach, beforeEach, expect, test } from 'vitest';
import scale from '../../actions/scale-workers.ts';
import type { Target } from '../../src/core/healing/remediation.ts';
import { type FakeKube, startKubeApi } from '../fakes/kube-api.ts';
import { changed } from '../fakes/kube-workloads.ts';
import { contextOf, type ContextParts, failureOf, one } from './context.ts';

let kube: FakeKube;
beforeEach(async () => {
  kube = await startKubeApi();
});
afterEach(() => kube.close());

function ctx(parts: ContextParts = {}) {
  return contextOf({ kubeconfig: kube.kubeconfig, ...parts });
}
const plusTwo = { workload: 'k8s/prod/deployment/worker', by: 2, min: 1, max: 8 };
async function resolve(params = plusTwo, parts?: ContextParts): Promise<Target> {
  return one(await scale.resolve(params, ctx(parts)));
}
function undoOf(target: Target) {
  return { params: {}, original: target.observed, value: target.desired };
}
function writes() {
  return kube.requests.filter((request) => request.method !== 'GET');
}

test.each(['deployment', 'statefulset', 'replicaset'] as const)(
  'scales a %s and back',
  async (kind) => {
    const worker = kube.add({ resource: `${kind}s`, name: 'worker' });
    const params = { ...plusTwo, workload: `k8s/prod/${kind}/worker` };
    const target = await resolve(params);
    expect(target).toMatchObject({
      id: `k8s/prod/${kind}/worker`,
      name: 'worker',
      opted_in: true,
      observed: { replicas: 2 },
      desired: { replicas: 4 },
      cmd: `kubectl -n prod scale ${kind}/worker --replicas=4`,
    });
    const evidence = await scale.execute(params, target, ctx());
    expect(evidence).toEqual({
      changed: true,
      replicas_before: 2,
      replicas: 4,
      resource_version: String(worker.resource_version),
    });
    expect(worker.replicas).toBe(4);
    expect(await scale.execute(params, target, ctx())).toMatchObject({ changed: false });
    const undone = await scale.revert?.(target, undoOf(target), ctx());
    expect(undone?.result).toBe('reverted');
    expect(worker.replicas).toBe(2);
  },
);

test('the preview is a dry run on the server: asked for, and nothing changes', async () => {
  const worker = kube.add({ resource: 'deployments', name: 'worker' });
  const target = await resolve();
  expect(await scale.preview(plusTwo, target, ctx())).toContain('2 -> 4 replicas: the API server');
  expect(writes().map((request) => request.query.get('dryRun'))).toEqual(['All']);
  expect(worker).toMatchObject({ replicas: 2, resource_version: 100 });
});

test('from nought: the API leaves the count out when it is 0', async () => {
  const worker = kube.add({ resource: 'deployments', name: 'worker', replicas: 0 });
  const target = await resolve();
  expect(target.observed).toEqual({ replicas: 0 });
  await scale.execute(plusTwo, target, ctx());
  expect(worker.replicas).toBe(2);
  await scale.revert?.(target, undoOf(target), ctx());
  expect(worker.replicas).toBe(0);
});

test('a conflict with the same count is tried again within the call', async () => {
  const worker = kube.add({ resource: 'deployments', name: 'worker' });
  const target = await resolve();
  let others = 2;
  kube.before(/^PUT/, () => {
    if (others-- > 0) changed(worker);
  });
  expect(await scale.execute(plusTwo, target, ctx())).toMatchObject({ changed: true });
  expect(worker.replicas).toBe(4);
  expect(writes()).toHaveLength(3);
});

test('a conflict with another count is somebody else’s change: left alone', async () => {
  const worker = kube.add({ resource: 'deployments', name: 'worker' });
  const target = await resolve();
  kube.before(/^PUT/, () => changed(worker, { replicas: 3 }));
  const failure = await failureOf(scale.execute(plusTwo, target, ctx({ attempt: 2 })));
  expect(failure).toMatchObject({ code: 'conflict', retryable: false });
  expect(failure.message).toContain('changed elsewhere');
  expect(worker.replicas).toBe(3);
  expect(await scale.revert?.(target, undoOf(target), ctx())).toMatchObject({
    result: 'changed_elsewhere',
    evidence: { replicas: 3, expected: 4, original: 2 },
  });
  expect(worker.replicas).toBe(3);
});

test('conflicts without end are given up, and may be tried again later', async () => {
  const worker = kube.add({ resource: 'deployments', name: 'worker' });
  const target = await resolve();
  kube.before(/^PUT/, () => changed(worker));
  const failure = await failureOf(scale.execute(plusTwo, target, ctx()));
  expect(failure).toMatchObject({ code: 'conflict', retryable: true });
  expect(writes()).toHaveLength(5);
  expect(worker.replicas).toBe(2);
});

test.each([
  ['update', 'deployments/scale', 'verb update on deployments/scale'],
  ['get', 'deployments/scale', 'verb get on deployments/scale'],
  ['get', 'deployments', 'verb get on deployments '],
] as const)(
  'without the right to %s %s the missing right is named',
  async (verb, resource, named) => {
    kube.add({ resource: 'deployments', name: 'worker' });
    const target: Target = {
      id: plusTwo.workload,
      parents: [],
      name: 'worker',
      opted_in: true,
      opt_in_hint: '',
      observed: { replicas: 2 },
      desired: { replicas: 4 },
      cmd: '',
    };
    kube.forbid(verb, resource);
    const call = verb === 'update' ? scale.execute(plusTwo, target, ctx()) : resolve();
    const failure = await failureOf(call);
    expect(failure).toMatchObject({ code: 'forbidden', retryable: false });
    expect(failure.message).toContain(named);
    expect(failure.message).toContain('in namespace prod');
  },
);

test('a workload that is not there, and credentials that are not valid', async () => {
  expect(await failureOf(resolve())).toMatchObject({ code: 'not_found', retryable: false });
  kube.revokeToken();
  const failure = await failureOf(resolve());
  expect(failure).toMatchObject({ code: 'forbidden', retryable: false });
  expect(failure.message).toContain('does not accept these credentials');
  expect(failure.message).not.toContain('fake-token');
});

test('an API server that is ill, gone or silent', async () => {
  kube.add({ resource: 'deployments', name: 'worker' });
  kube.fail(/scale$/, { status: 503, body: 'upstream down' });
  expect(await failureOf(resolve())).toMatchObject({ code: 'unavailable', retryable: true });
  kube.fail(/scale$/, 'reset');
  expect(await failureOf(resolve())).toMatchObject({ code: 'unavailable', retryable: true });
  kube.fail(/scale$/, 'hang');
  const stop = new AbortController();
  kube.before(/scale$/, () => void setImmediate(() => stop.abort()));
  const failure = await failureOf(resolve(plusTwo, { signal: stop.signal }));
  expect(failure).toMatchObject({ code: 'timeout', retryable: true });
});

test('opt-in: by annotation or by the policy', async () => {
  const worker = kube.add({ resource: 'deployments', name: 'worker', annotations: {} });
  const stranger = await resolve();
  expect(stranger.opted_in).toBe(false);
  expect(stranger.opt_in_hint).toContain(
    'kubectl -n prod annotate deployment/worker autoheal=true',
  );
  expect(await resolve(plusTwo, { allowed: [plusTwo.workload] })).toMatchObject({ opted_in: true });
  worker.annotations['autoheal'] = 'true';
  expect(await resolve()).toMatchObject({ opted_in: true });
});

test('limits: max lets the ladder go on; a count above max is not brought down by a step up', async () => {
  const worker = kube.add({ resource: 'deployments', name: 'worker', replicas: 8 });
  expect(await failureOf(resolve())).toMatchObject({ code: 'limit_reached', retryable: false });
  worker.replicas = 12;
  expect(await failureOf(resolve())).toMatchObject({ code: 'limit_reached', retryable: false });
  worker.replicas = 7;
  expect((await resolve()).desired).toEqual({ replicas: 8 });
});

test('health: observed, ready, or stuck', async () => {
  const worker = kube.add({ resource: 'deployments', name: 'worker' });
  const target = await resolve();
  await scale.execute(plusTwo, target, ctx());
  async function verify() {
    return await scale.verify?.(plusTwo, target, {}, ctx());
  }
  expect(await verify()).toBe('pending');
  worker.observed_generation = worker.generation;
  expect(await verify()).toBe('pending');
  worker.conditions = [
    { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' },
  ];
  expect(await verify()).toBe('failed');
  worker.ready = 4;
  expect(await verify()).toBe('healthy');
  worker.replicas = 3;
  expect(await verify()).toBe('failed');
});

test('without a cluster it is not configured', async () => {
  const failure = await failureOf(scale.resolve(plusTwo, contextOf()));
  expect(failure).toMatchObject({ code: 'not_configured', retryable: false });
});
