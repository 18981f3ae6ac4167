import { afterEach, beforeEach, expect, test } from 'vitest';
import scale from '../../actions/scale-workers.ts';
import type { Target } from '../../src/core/healing/remediation.ts';
import { type FakeDocker, startDockerEngine } from '../fakes/docker-engine.ts';
import { written } from '../fakes/swarm.ts';
import { contextOf, type ContextParts, failureOf, one } from './context.ts';

let docker: FakeDocker;
beforeEach(async () => {
  docker = await startDockerEngine();
});
afterEach(() => docker.close());

function ctx(parts: ContextParts = {}) {
  return contextOf({ docker_host: docker.host, ...parts });
}
const plusTwo = { workload: 'swarm/shop_worker', by: 2, min: 1, max: 8 };
async function resolve(parts?: ContextParts): Promise<Target> {
  return one(await scale.resolve(plusTwo, ctx(parts)));
}
function undoOf(target: Target) {
  return { params: {}, original: target.observed, value: target.desired };
}

test('plans from what the service says, and touches nothing', async () => {
  docker.swarm.add({ name: 'shop_worker', replicas: 2 });
  const target = await resolve();
  expect(target).toMatchObject({
    id: 'swarm/shop_worker',
    name: 'shop_worker',
    opted_in: true,
    observed: { replicas: 2 },
    desired: { replicas: 4 },
    cmd: 'docker service scale shop_worker=4',
  });
  expect(await scale.preview(plusTwo, target, ctx())).toBe('swarm/shop_worker: 2 -> 4 replicas');
  expect(docker.changes).toEqual([]);
});

test('writes the whole spec back with the version it read; doing it twice writes once; undone the same way', async () => {
  const service = docker.swarm.add({ name: 'shop_worker', replicas: 2 });
  const target = await resolve();
  expect(await scale.execute(plusTwo, target, ctx())).toEqual({
    changed: true,
    replicas_before: 2,
    replicas: 4,
    version: 10,
  });
  expect(await scale.execute(plusTwo, target, ctx())).toMatchObject({ changed: false });
  expect(await scale.revert?.(target, undoOf(target), ctx())).toMatchObject({
    result: 'reverted',
    cmd: 'docker service scale shop_worker=2',
  });
  expect(service.replicas).toBe(2);
  expect(docker.changes).toEqual([
    'POST /services/shop_worker/update?version=10 replicas=4',
    'POST /services/shop_worker/update?version=11 replicas=2',
  ]);
});

test('a stale version is read again and written, while the count is the one of the plan', async () => {
  const service = docker.swarm.add({ name: 'shop_worker', replicas: 2 });
  const target = await resolve();
  let others = 2;
  docker.before(/update$/, () => {
    if (others > 0) written(service);
    others -= 1;
  });
  expect(await scale.execute(plusTwo, target, ctx())).toMatchObject({ replicas: 4, version: 12 });
  expect(docker.requests.filter(({ path }) => path.endsWith('/update'))).toHaveLength(3);
});

test('a stale version because somebody scaled it: left alone', async () => {
  const service = docker.swarm.add({ name: 'shop_worker', replicas: 2 });
  const target = await resolve();
  docker.before(/update$/, () => written(service, { replicas: 7 }));
  const failure = await failureOf(scale.execute(plusTwo, target, ctx()));
  expect(failure).toMatchObject({ code: 'conflict', retryable: false });
  expect(failure.message).toContain('has 7 replicas now');
  expect(service.replicas).toBe(7);
});

test('a service that changes under every write is a conflict worth another attempt', async () => {
  const service = docker.swarm.add({ name: 'shop_worker', replicas: 2 });
  const target = await resolve();
  docker.before(/update$/, () => written(service));
  const failure = await failureOf(scale.execute(plusTwo, target, ctx()));
  expect(failure).toMatchObject({ code: 'conflict', retryable: true });
  expect(docker.requests.filter(({ path }) => path.endsWith('/update'))).toHaveLength(5);
});

test('another error 500 is the engine being ill, not a stale version', async () => {
  docker.swarm.add({ name: 'shop_worker', replicas: 2 });
  const target = await resolve();
  docker.fail(/update$/, { status: 500, body: { message: 'rpc error: no leader' } });
  expect(await failureOf(scale.execute(plusTwo, target, ctx()))).toMatchObject({
    code: 'unavailable',
    retryable: true,
  });
});

test('health: as many tasks run as the service wants, no fewer and no more', async () => {
  const service = docker.swarm.add({ name: 'shop_worker', replicas: 2, lazy: true });
  const target = await resolve();
  const evidence = await scale.execute(plusTwo, target, ctx());
  const health = () => scale.verify?.(plusTwo, target, evidence, ctx());
  expect(await health()).toBe('pending');
  service.running = 4;
  expect(await health()).toBe('healthy');
  written(service, { replicas: 1, running: 1 });
  expect(await health()).toBe('failed');
});

test('opt-in is the label of the service, or the policy', async () => {
  docker.swarm.add({ name: 'shop_worker', labels: {} });
  const stranger = await resolve();
  expect(stranger.opted_in).toBe(false);
  expect(stranger.opt_in_hint).toContain('docker service update --label-add autoheal=true');
  expect((await resolve({ allowed: ['swarm/shop_worker'] })).opted_in).toBe(true);
});

test('a global service, an unknown one, an id, and an engine outside a Swarm are refused with words', async () => {
  const service = docker.swarm.add({ name: 'shop_worker', replicas: undefined });
  const global = await failureOf(resolve());
  expect(global).toMatchObject({ code: 'invalid_params', retryable: false });
  expect(global.message).toContain('not replicated (Global)');
  for (const name of ['nobody', service.id, service.id.slice(0, 4)]) {
    const failure = await failureOf(
      scale.resolve({ ...plusTwo, workload: `swarm/${name}` }, ctx()),
    );
    expect(failure.code).toBe('not_found');
  }
  docker.swarm.leave();
  const outside = await failureOf(resolve());
  expect(outside).toMatchObject({ code: 'not_configured', retryable: false });
  expect(outside.message).toContain('AUTOHEAL_DOCKER_HOST must lead to a manager');
});
