import { afterEach, beforeEach, expect, test } from 'vitest';
import restart from '../../actions/restart-container.ts';
import { PLAN_GUARDS, runGuards } from '../../src/core/healing/guards.ts';
import { type FakeContainer, type FakeDocker, startDockerEngine } from '../fakes/docker-engine.ts';
import { factsOn, planFacts } from '../fakes/values.ts';
import { contextOf } from './context.ts';

let docker: FakeDocker;
beforeEach(async () => {
  docker = await startDockerEngine();
});
afterEach(() => docker.close());

async function resolve(container: string, dependents: readonly string[] = []) {
  // oxlint-disable-next-line unicorn/no-thenable
  const params = { container, then: [...dependents], stop_seconds: 10, wait_seconds: 45 };
  return await restart.resolve(params, contextOf({ docker_host: docker.host }));
}
async function groupOf(container: string) {
  return (await resolve(container))[0]?.group;
}
function states(...said: readonly (FakeContainer['health'] | FakeContainer['status'])[]) {
  const replicas = docker.addService(
    'shop',
    'api',
    said.map(() => 'running'),
  );
  for (const [at, one] of replicas.entries()) {
    const state = said[at] ?? null;
    if (state === null || ['starting', 'healthy', 'unhealthy'].includes(state))
      one.health = state as FakeContainer['health'];
    else one.status = state as FakeContainer['status'];
  }
}

test('the group of a container is its Compose service, with the others that are healthy', async () => {
  states('healthy', 'healthy', null, 'unhealthy', 'starting', 'exited', 'paused', 'restarting');
  docker.addService('shop', 'web', ['running']);
  docker.addService('other', 'api', ['running']);
  expect(await groupOf('shop-api-1')).toEqual({
    id: 'compose/shop/api',
    total: 8,
    healthy: 2,
    serves: true,
  });
});

test.each<[FakeContainer['health'] | FakeContainer['status'], boolean, number]>([
  ['healthy', true, 1],
  ['starting', true, 1],
  [null, true, 1],
  ['unhealthy', false, 1],
  ['exited', false, 1],
  ['paused', false, 1],
  ['restarting', false, 1],
])('a target that is %s serves: %s', async (state, serves, healthy) => {
  states(state, 'healthy');
  expect(await groupOf('shop-api-1')).toMatchObject({ serves, healthy, total: 2 });
});

test('one without siblings is a group of one; one outside Compose is in none', async () => {
  states('healthy');
  docker.add({ name: 'alone', labels: { autoheal: 'true' } });
  expect(await groupOf('shop-api-1')).toMatchObject({ total: 1, healthy: 0 });
  expect(await groupOf('alone')).toBeUndefined();
  const lists = docker.requests.filter(({ path }) => path.endsWith('/containers/json'));
  // Each is looked up by its name; only the one of Compose is asked for its siblings.
  expect(lists.map(({ query }) => query.get('filters'))).toEqual([
    null,
    JSON.stringify({
      label: ['com.docker.compose.project=shop', 'com.docker.compose.service=api'],
    }),
    null,
  ]);
});

test('what docker compose run left behind is no sibling', async () => {
  states('healthy', 'healthy');
  const labels = {
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': 'api',
    'com.docker.compose.oneoff': 'True',
  };
  docker.add({ name: 'shop-api-run-1', labels });
  expect(await groupOf('shop-api-1')).toMatchObject({ total: 2, healthy: 1 });
});

test('min_healthy keeps the last replica that serves from being restarted', async () => {
  states('healthy', 'unhealthy');
  const guard = { ...planFacts().guard, min_healthy: 1 };
  async function verdict(container: string) {
    const targets = await resolve(container);
    return runGuards(PLAN_GUARDS, factsOn(targets, { guard }));
  }
  expect(await verdict('shop-api-1')).toMatchObject({ kind: 'wait', reason: 'min_healthy' });
  expect(await verdict('shop-api-2')).toMatchObject({ kind: 'allow' });
});

test('blast_radius.share counts a service’s containers together, dependents of it too', async () => {
  states('healthy', 'healthy', 'healthy', 'healthy');
  const policy = { share_pct: 25, total: null, window_ms: 600_000 };
  async function verdict(...names: readonly [string, ...string[]]) {
    const targets = await resolve(names[0], names.slice(1));
    return runGuards(PLAN_GUARDS, factsOn(targets, { blast: { policy, touched: [] } }));
  }
  expect(await verdict('shop-api-1')).toMatchObject({ kind: 'allow' });
  expect(await verdict('shop-api-1', 'shop-api-2')).toMatchObject({
    kind: 'wait',
    reason: 'blast_radius',
  });
});
