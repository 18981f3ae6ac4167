import { afterEach, beforeEach, expect, test } from 'vitest';
import undo from '../../actions/rollout-undo.ts';
import type { Target } from '../../src/core/healing/remediation.ts';
import { type FakeKube, startKubeApi } from '../fakes/kube-api.ts';
import { changed, type FakeWorkload, rolledOut, templateOf } from '../fakes/kube-workloads.ts';
import { contextOf, type ContextParts, failureOf, one } from './context.ts';

let kube: FakeKube;
let api: FakeWorkload;
const REVISION = 'deployment.kubernetes.io/revision';
const CAUSE = 'kubernetes.io/change-cause';
const params = { workload: 'k8s/prod/deployment/api' };

/** Revisions 2, 3 and 5, of which 5 is the current one. */
beforeEach(async () => {
  kube = await startKubeApi();
  api = kube.add({
    resource: 'deployments',
    name: 'api',
    template: templateOf('api', 'v5'),
    annotations: { autoheal: 'true', owner: 'crm', [REVISION]: '5', [CAUSE]: 'image v5' },
  });
  for (const number of [2, 3, 5]) addSet(number, { [CAUSE]: `image v${number}` });
  // Somebody else's, with the same labels.
  kube.add({
    resource: 'replicasets',
    name: 'stranger',
    template: templateOf('api', 'evil', 'h4'),
    annotations: { [REVISION]: '4' },
  });
});
afterEach(() => kube.close());

function addSet(number: number, annotations: Record<string, string>): FakeWorkload {
  return kube.add({
    resource: 'replicasets',
    name: `api-h${number}`,
    template: templateOf('api', `v${number}`, `h${number}`),
    annotations: { ...annotations, [REVISION]: String(number) },
    owner: { kind: 'Deployment', name: 'api', uid: api.uid },
  });
}
function ctx(parts: ContextParts = {}) {
  return contextOf({ kubeconfig: kube.kubeconfig, ...parts });
}
async function resolve(to_revision?: number): Promise<Target> {
  const given = to_revision === undefined ? params : { ...params, to_revision };
  return one(await undo.resolve(given, ctx()));
}
function patches() {
  return kube.requests.filter((request) => request.method === 'PATCH');
}

test('brings the revision before back, whole, and says which', async () => {
  const target = await resolve();
  expect(target).toMatchObject({
    id: 'k8s/prod/deployment/api',
    opted_in: true,
    observed: { generation: 1, revision: 5 },
    desired: { revision: 3, replica_set: 'api-h3' },
    cmd: 'kubectl -n prod rollout undo deployment/api --to-revision=3',
  });
  const evidence = await undo.execute(params, target, ctx());
  expect(evidence).toEqual({
    changed: true,
    generation: 2,
    revision: 3,
    revision_before: 5,
    replica_set: 'api-h3',
  });
  // With the field that the client's library does not know, without the ReplicaSet's label.
  expect(api.template).toEqual(templateOf('api', 'v3'));
  expect(api.annotations).toEqual({
    autoheal: 'true',
    owner: 'crm',
    [REVISION]: '5',
    [CAUSE]: 'image v3',
    'autoheal/undone-replicasets': 'api-h5',
  });
  expect(await undo.verify?.(params, target, evidence, ctx())).toBe('pending');
  rolledOut(api);
  expect(await undo.verify?.(params, target, evidence, ctx())).toBe('healthy');
});

test('a second undo does not bring the bad revision back', async () => {
  await undo.execute(params, await resolve(), ctx());
  rolledOut(api);
  // The controller gives the template that came back a new number.
  kube.removeWorkload(addSet(3, {}));
  kube.add({
    resource: 'replicasets',
    name: 'api-h3',
    template: templateOf('api', 'v3', 'h3'),
    annotations: { [REVISION]: '6' },
    owner: { kind: 'Deployment', name: 'api', uid: api.uid },
  });
  api.annotations[REVISION] = '6';
  expect((await resolve()).desired).toEqual({ revision: 2, replica_set: 'api-h2' });
  expect((await resolve(5)).desired).toEqual({ revision: 5, replica_set: 'api-h5' });
});

test('to a revision by number; a change cause that it does not have is taken away', async () => {
  kube.removeWorkload(addSet(2, {}));
  addSet(2, {});
  const failure = await failureOf(resolve(4));
  expect(failure).toMatchObject({ code: 'not_found', retryable: false });
  expect(failure.message).toContain('no revision 4; there are 5, 3, 2');
  const target = await resolve(2);
  expect(target.cmd).toContain('--to-revision=2');
  await undo.execute(params, target, ctx());
  expect(api.template).toEqual(templateOf('api', 'v2'));
  expect(api.annotations).not.toHaveProperty([CAUSE]);
});

test('nothing to go back to: the ladder goes on', async () => {
  expect(await failureOf(resolve(5))).toMatchObject({ code: 'limit_reached', retryable: false });
  kube.add({ resource: 'deployments', name: 'new', annotations: { [REVISION]: '1' } });
  const failure = await failureOf(undo.resolve({ workload: 'k8s/prod/deployment/new' }, ctx()));
  expect(failure).toMatchObject({ code: 'limit_reached', retryable: false });
  expect(failure.message).toContain('no revision before 1');
});

test('while the newest revision has no number yet, none is chosen', async () => {
  changed(api, { generation: 2 });
  expect(await failureOf(resolve())).toMatchObject({ code: 'conflict', retryable: true });
});

test('the second attempt finds what the first one did, whose answer was lost', async () => {
  const target = await resolve();
  await undo.execute(params, target, ctx());
  const second = await undo.execute(params, target, ctx({ attempt: 2 }));
  expect(second).toMatchObject({ changed: false, revision: 3, revision_before: 5 });
  expect(patches()).toHaveLength(1);
});

test('a deployment that was changed since the plan, is paused, or lost the revision is left alone', async () => {
  const target = await resolve();
  api.spec = { paused: true };
  const paused = await failureOf(undo.execute(params, target, ctx()));
  expect(paused).toMatchObject({ code: 'conflict', retryable: false });
  expect(paused.message).toContain('rollout resume deployment/api');
  api.spec = {};
  changed(api, { generation: 2, template: templateOf('api', 'v6') });
  const moved = await failureOf(undo.execute(params, target, ctx()));
  expect(moved).toMatchObject({ code: 'conflict', retryable: false });
  expect(moved.message).toContain('changed elsewhere');
  kube.removeWorkload(addSet(3, {}));
  const lost = await failureOf(undo.execute(params, target, ctx()));
  expect(lost.message).toContain('ReplicaSet api-h3');
  expect(patches()).toEqual([]);
});

test('a status that moves under the write is no reason to give up', async () => {
  const target = await resolve();
  let others = 2;
  kube.before(/^PATCH/, () => {
    if (others-- > 0) changed(api);
  });
  expect(await undo.execute(params, target, ctx())).toMatchObject({ changed: true });
  expect(patches()).toHaveLength(3);
});

test('the preview is a dry run on the server: nothing changes', async () => {
  const target = await resolve();
  expect(await undo.preview(params, target, ctx())).toBe(
    "k8s/prod/deployment/api: revision 5 -> 3: the API server's dry run accepts it",
  );
  expect(patches().map((request) => request.query.get('dryRun'))).toEqual(['All']);
  expect(api.template).toEqual(templateOf('api', 'v5'));
});

test.each([
  ['get', 'deployments'],
  ['list', 'replicasets'],
  ['patch', 'deployments'],
] as const)('without the right to %s %s it is named', async (verb, resource) => {
  const target = await resolve();
  kube.forbid(verb, resource);
  const failure = await failureOf(undo.execute(params, target, ctx()));
  expect(failure.code).toBe('forbidden');
  expect(failure.message).toContain(`the verb ${verb} on ${resource} (apiGroups: [apps])`);
});

test('only a Deployment can be named, and the error says so', () => {
  const parsed = undo.params.safeParse({ workload: 'k8s/prod/statefulset/db' });
  expect(parsed.error?.issues[0]?.message).toContain('only a Deployment');
});
