import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import scale from '../../actions/scale-workers.ts';
import type { Target } from '../../src/core/healing/remediation.ts';
import { type FakeContainer, type FakeDocker, startDockerEngine } from '../fakes/docker-engine.ts';
import { contextOf, type ContextParts, failureOf, one } from './context.ts';

let docker: FakeDocker;
beforeEach(async () => {
  docker = await startDockerEngine();
});
afterEach(() => docker.close());

function ctx(parts: ContextParts = {}) {
  return contextOf({ docker_host: docker.host, ...parts });
}
const plusTwo = { workload: 'compose/worker', by: 2, min: 1, max: 8 };
async function resolve(
  params: Parameters<typeof scale.resolve>[0],
  parts?: ContextParts,
): Promise<Target> {
  return one(await scale.resolve(params, ctx(parts)));
}
function undoOf(target: Target) {
  return { params: {}, original: target.observed, value: target.desired };
}
function up(replicas: readonly FakeContainer[]): number {
  return replicas.filter((replica) => replica.status === 'running').length;
}

test('a relative change becomes absolute in the plan, and nothing is touched yet', async () => {
  docker.addService('shop', 'worker', ['running', 'running', 'created', 'exited']);
  const target = await resolve(plusTwo);
  expect(target).toMatchObject({
    id: 'compose/shop/worker',
    parents: [],
    name: 'worker',
    opted_in: true,
    observed: { replicas: 2 },
    desired: { replicas: 4 },
    cmd: 'docker compose -p shop scale worker=4',
  });
  expect(docker.changes).toEqual([]);
});

test('scales up by starting the lowest numbers, down by stopping the highest', async () => {
  const replicas = docker.addService('shop', 'worker', ['running', 'exited', 'created', 'exited']);
  const target = await resolve(plusTwo);
  expect(await scale.preview(plusTwo, target, ctx())).toBe(
    'compose/shop/worker: 1 -> 3 replicas: start shop-worker-2, shop-worker-3',
  );
  const evidence = await scale.execute(plusTwo, target, ctx());
  expect(evidence).toEqual({
    changed: true,
    replicas_before: 1,
    replicas: 3,
    started: ['shop-worker-2', 'shop-worker-3'],
    stopped: [],
  });
  expect(await scale.verify?.(plusTwo, target, evidence, ctx())).toBe('healthy');
  const undone = await scale.revert?.(target, undoOf(target), ctx());
  expect(undone).toMatchObject({
    result: 'reverted',
    evidence: { stopped: ['shop-worker-3', 'shop-worker-2'] },
  });
  expect(up(replicas)).toBe(1);
});

test('doing it twice changes nothing the second time, and the undo neither', async () => {
  docker.addService('shop', 'worker', ['running', 'exited', 'exited']);
  const target = await resolve(plusTwo);
  await scale.execute(plusTwo, target, ctx());
  expect(await scale.execute(plusTwo, target, ctx())).toMatchObject({
    changed: false,
    replicas: 3,
  });
  await scale.revert?.(target, undoOf(target), ctx());
  expect(await scale.revert?.(target, undoOf(target), ctx())).toMatchObject({
    result: 'reverted',
    evidence: { changed: false },
  });
  expect(docker.changes).toHaveLength(4);
});

test('never creates: what exists bounds the plan, and none left is a limit with the way out', async () => {
  const replicas = docker.addService('shop', 'worker', ['running', 'running', 'exited']);
  expect((await resolve({ ...plusTwo, by: 5 })).desired).toEqual({ replicas: 3 });
  for (const replica of replicas) replica.status = 'running';
  const failure = await failureOf(resolve(plusTwo));
  expect(failure).toMatchObject({ code: 'limit_reached', retryable: false });
  expect(failure.message).toContain('docker compose -p shop create --scale worker=N worker');
});

test('max and min are limits that let the ladder go on', async () => {
  docker.addService('shop', 'worker', ['running', 'running', 'exited']);
  const atMax = await failureOf(resolve({ ...plusTwo, max: 2 }));
  expect(atMax).toMatchObject({ code: 'limit_reached', retryable: false });
  expect(atMax.message).toContain('max is 2');
  expect((await failureOf(resolve({ ...plusTwo, by: -1, min: 2 }))).message).toContain('min is 2');
  expect((await resolve({ ...plusTwo, by: -5 })).desired).toEqual({ replicas: 1 });
});

test('property: a step up never scales down, a step down never up, and both stay within the limits', async () => {
  const replicas = docker.addService(
    'shop',
    'worker',
    Array.from({ length: 12 }, () => 'exited'),
  );
  const cases = fc.record({
    now: fc.integer({ min: 0, max: 12 }),
    by: fc.integer({ min: -6, max: 6 }).filter((by) => by !== 0),
    min: fc.integer({ min: 0, max: 6 }),
    more: fc.integer({ min: 0, max: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ now, by, min, more }) => {
      for (const [at, replica] of replicas.entries())
        replica.status = at < now ? 'running' : 'exited';
      const params = { workload: 'compose/worker', by, min, max: min + more };
      const found = await scale.resolve(params, ctx()).catch(() => undefined);
      if (found === undefined) return by > 0 ? now >= params.max || now === 12 : now <= min;
      const { replicas: wanted } = one(found).desired as { replicas: number };
      if (by < 0) return wanted < now && wanted >= min && now - wanted <= -by;
      return wanted > now && wanted <= Math.min(params.max, 12);
    }),
    { numRuns: 60 },
  );
});

test('to: a count, also the one that is there already', async () => {
  docker.addService('shop', 'worker', ['running', 'running', 'exited']);
  const params = { workload: 'compose/shop/worker', to: 2, min: 1, max: 8 };
  const target = await resolve(params);
  expect(target.desired).toEqual(target.observed);
  expect(await scale.preview(params, target, ctx())).toContain('nothing to do');
  expect(await scale.execute(params, target, ctx())).toMatchObject({ changed: false });
  expect((await resolve({ ...params, to: 3 })).desired).toEqual({ replicas: 3 });
  expect(docker.changes).toEqual([]);
});

test('changed elsewhere between plan and action: left alone', async () => {
  const replicas = docker.addService('shop', 'worker', ['running', 'exited', 'exited', 'exited']);
  const target = await resolve(plusTwo);
  for (const replica of replicas) replica.status = 'running';
  const failure = await failureOf(scale.execute(plusTwo, target, ctx()));
  expect(failure).toMatchObject({ code: 'conflict', retryable: false });
  expect(docker.changes).toEqual([]);
  const undone = await scale.revert?.(target, undoOf(target), ctx());
  expect(undone).toMatchObject({
    result: 'changed_elsewhere',
    evidence: { replicas: 4, expected: 3 },
  });
  expect(docker.changes).toEqual([]);
});

test('a second attempt goes on where the first one stopped; a first attempt does not', async () => {
  const replicas = docker.addService('shop', 'worker', ['running', 'exited', 'exited']);
  const target = await resolve(plusTwo);
  docker.fail(new RegExp(`${replicas[2]?.id}/start`), { status: 500, body: { message: 'ill' } });
  const failure = await failureOf(scale.execute(plusTwo, target, ctx()));
  expect(failure).toMatchObject({ code: 'unavailable', retryable: true });
  expect(failure.message).toBe('docker start shop-worker-3: Docker: ill');
  expect(up(replicas)).toBe(2);
  expect((await failureOf(scale.execute(plusTwo, target, ctx()))).code).toBe('conflict');
  const evidence = await scale.execute(plusTwo, target, ctx({ attempt: 2 }));
  expect(evidence).toMatchObject({ replicas_before: 2, replicas: 3, started: ['shop-worker-3'] });
});

test('a replica that is as it should be already is no failure', async () => {
  const replicas = docker.addService('shop', 'worker', ['running', 'exited', 'exited']);
  const target = await resolve(plusTwo);
  docker.before(/start$/, () => {
    for (const replica of replicas) replica.status = 'running';
  });
  expect(await scale.execute(plusTwo, target, ctx())).toMatchObject({ changed: true, replicas: 3 });
});

test('a service that two projects have is ambiguous until the project is named', async () => {
  docker.addService('shop', 'worker', ['running', 'exited']);
  docker.addService('blog', 'worker', ['running', 'exited']);
  const failure = await failureOf(resolve(plusTwo));
  expect(failure).toMatchObject({ code: 'ambiguous', retryable: false });
  expect(failure.message).toContain('compose/blog/worker or compose/shop/worker');
  const target = await resolve({ ...plusTwo, workload: 'compose/blog/worker' });
  expect(target.id).toBe('compose/blog/worker');
});

test('a one-off container is no replica; a service without replicas is not found', async () => {
  docker.add({
    name: 'shop-worker-run-1',
    labels: {
      'com.docker.compose.project': 'shop',
      'com.docker.compose.service': 'worker',
      'com.docker.compose.oneoff': 'True',
    },
  });
  expect((await failureOf(resolve(plusTwo))).code).toBe('not_found');
});

test('opt-in: every replica labelled, or the policy names the service', async () => {
  const [first] = docker.addService('shop', 'worker', ['running', 'exited']);
  if (first !== undefined) delete first.labels['autoheal'];
  const stranger = await resolve(plusTwo);
  expect(stranger.opted_in).toBe(false);
  expect(stranger.opt_in_hint).toContain('compose/worker under targets');
  expect(await resolve(plusTwo, { allowed: ['worker'] })).toMatchObject({ opted_in: true });
});

test('health: a starting replica is pending, one that fell over has failed', async () => {
  const replicas = docker.addService('shop', 'worker', ['running', 'exited', 'exited']);
  const target = await resolve(plusTwo);
  const evidence = await scale.execute(plusTwo, target, ctx());
  const [, second] = replicas;
  if (second === undefined) throw new Error('no second replica');
  second.health = 'starting';
  expect(await scale.verify?.(plusTwo, target, evidence, ctx())).toBe('pending');
  second.health = 'unhealthy';
  expect(await scale.verify?.(plusTwo, target, evidence, ctx())).toBe('pending');
  second.health = 'healthy';
  expect(await scale.verify?.(plusTwo, target, evidence, ctx())).toBe('healthy');
  second.status = 'exited';
  expect(await scale.verify?.(plusTwo, target, evidence, ctx())).toBe('failed');
});

test('no engine: unavailable, and worth another try', async () => {
  const failure = await failureOf(scale.resolve(plusTwo, contextOf()));
  expect(failure).toMatchObject({ code: 'unavailable', retryable: true });
});

test.each([
  [{ workload: 'compose/worker', max: 3 }, 'either by'],
  [{ workload: 'compose/worker', by: 1, to: 2, max: 3 }, 'either by'],
  [{ workload: 'compose/worker', by: 0, max: 3 }, 'changes nothing'],
  [{ workload: 'compose/worker', by: 1, min: 4, max: 3 }, 'below min'],
  [{ workload: 'compose/worker', to: 9, max: 3 }, 'outside'],
  [{ workload: 'compose/worker', by: 1.5, max: 3 }, 'int'],
  [{ workload: 'k8s/prod/daemonset/x', by: 1, max: 3 }, 'write compose/<service>'],
  [{ workload: 'k8s/prod/deployment/../x', by: 1, max: 3 }, 'write compose/<service>'],
  [{ workload: 'compose/worker', by: 1, max: 3, size: 1 }, 'size'],
])('parameters %j are refused: %s', (given, why) => {
  const parsed = scale.params.safeParse(given);
  expect(parsed.success).toBe(false);
  expect(JSON.stringify(parsed.error?.issues)).toContain(why);
});
