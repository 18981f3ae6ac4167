import { afterEach, beforeEach, expect, test } from 'vitest';
import restart from '../../actions/restart-container.ts';
import type { Target } from '../../src/core/healing/remediation.ts';
import { type FakeDocker, startDockerEngine, started } from '../fakes/docker-engine.ts';
import { contextOf, type ContextParts, failureOf, one } from './context.ts';

let docker: FakeDocker;
beforeEach(async () => {
  docker = await startDockerEngine();
});
afterEach(() => docker.close());

function ctx(parts: ContextParts = {}) {
  return contextOf({ docker_host: docker.host, ...parts });
}
async function resolve(container: string, parts: ContextParts = {}): Promise<Target> {
  return one(await restart.resolve({ ...params, container }, ctx(parts)));
}
// oxlint-disable-next-line unicorn/no-thenable
const params = { container: 'crm-api', then: [] as string[], stop_seconds: 10, wait_seconds: 45 };

test('finds a container by name, by id, by a prefix of the id and by a label', async () => {
  const api = docker.add({ name: 'crm-api', labels: { autoheal: 'true', app: 'crm' } });
  docker.add({ name: 'crm-api-2', labels: { app: 'other' } });
  for (const ref of ['crm-api', '/crm-api', api.id, api.id.slice(0, 12), 'app=crm']) {
    const target = await resolve(ref);
    expect(target.id).toBe(`docker/${api.id}`);
    expect(target.cmd).toBe('docker restart crm-api');
    expect(target.observed).toEqual({
      started_at: api.started_at,
      running: true,
      restart_count: 0,
      health: null,
    });
  }
  expect(docker.changes).toEqual([]);
});

test('a name that is the beginning of a stranger’s id is not that stranger', async () => {
  const stranger = docker.add({ name: 'stranger' });
  const failure = await failureOf(resolve(stranger.id.slice(0, 4)));
  expect(failure.code).toBe('not_found');
});

test('a label that many carry is ambiguous, and five of them are named', async () => {
  for (let n = 1; n <= 7; n += 1) docker.add({ name: `api-${n}`, labels: { app: 'api' } });
  const failure = await failureOf(resolve('app=api'));
  expect(failure).toMatchObject({ code: 'ambiguous', retryable: false });
  expect(failure.message).toContain('api-1, api-2, api-3, api-4, api-5, and 2 more');
});

test('what docker compose run left behind does not make a label ambiguous', async () => {
  docker.addService('shop', 'api', ['running']);
  const oneoff = { 'com.docker.compose.service': 'api', 'com.docker.compose.oneoff': 'True' };
  docker.add({ name: 'shop-api-run-1', status: 'exited', labels: oneoff });
  expect((await resolve('com.docker.compose.service=api')).name).toBe('shop-api-1');
});

test('text that is no reference never reaches the engine', async () => {
  for (const ref of ['../images/json', 'a b', '=x', 'ü'])
    expect((await failureOf(resolve(ref))).code).toBe('invalid_params');
  expect(docker.requests).toEqual([]);
});

test('opt-in: by label, by the policy, or with a hint how', async () => {
  docker.add({ name: 'labelled', labels: { autoheal: 'true' } });
  docker.add({ name: 'plain', labels: { autoheal: 'no' } });
  expect(await resolve('labelled')).toMatchObject({ opted_in: true });
  const plain = await resolve('plain');
  expect(plain.opted_in).toBe(false);
  expect(plain.opt_in_hint).toContain('docker/plain under targets');
  expect(await resolve('plain', { allowed: ['plain'] })).toMatchObject({ opted_in: true });
});

test('a Compose replica locks with its service', async () => {
  docker.addService('shop', 'api', ['running']);
  expect((await resolve('shop-api-1')).parents).toEqual(['compose/shop/api']);
});

test('restarts with the stop time it was given, and says what it saw', async () => {
  const api = docker.add({ name: 'crm-api', status: 'exited', exit_code: 137 });
  const before = api.started_at;
  const [target] = await restart.resolve({ ...params, stop_seconds: 3 }, ctx());
  expect(target?.cmd).toBe('docker restart -t 3 crm-api');
  const evidence = await restart.execute({ ...params, stop_seconds: 3 }, target as Target, ctx());
  expect(docker.changes).toEqual(['POST /containers/crm-api/restart?t=3']);
  expect(evidence).toMatchObject({
    restarted: true,
    started_before: before,
    started_after: api.started_at,
    running: true,
  });
  expect(evidence['started_after']).not.toBe(before);
});

test('a container that somebody restarted since the plan is not restarted again', async () => {
  const api = docker.add({ name: 'crm-api' });
  const target = await resolve('crm-api');
  started(api);
  const evidence = await restart.execute(params, target, ctx());
  expect(evidence).toMatchObject({ restarted: false, restarted_elsewhere: true });
  expect(docker.changes).toEqual([]);
});

test('a lost answer: the second attempt finds the first one’s restart and leaves it at that', async () => {
  docker.add({ name: 'crm-api' });
  const target = await resolve('crm-api');
  docker.fail(/restart$/, 'reset');
  const failure = await failureOf(restart.execute(params, target, ctx()));
  expect(failure).toMatchObject({ code: 'unavailable', retryable: true });
  await restart.execute(params, target, ctx({ attempt: 2 }));
  const third = await restart.execute(params, target, ctx({ attempt: 3 }));
  expect(third).toMatchObject({ restarted: true, restarted_elsewhere: false });
  expect(docker.changes).toHaveLength(1);
});

test.each(['paused', 'removing', 'dead'] as const)(
  'a %s container is left alone',
  async (status) => {
    docker.add({ name: 'crm-api', status });
    const target = await resolve('crm-api');
    for (const call of [restart.execute, restart.preview]) {
      const failure = await failureOf(call(params, target, ctx()));
      expect(failure).toMatchObject({ code: 'conflict', retryable: false });
      expect(failure.message).toContain(status);
    }
    expect(docker.changes).toEqual([]);
  },
);

test('a container that is gone is not found', async () => {
  docker.add({ name: 'crm-api' });
  const target = await resolve('crm-api');
  docker.remove('crm-api');
  expect(await failureOf(restart.execute(params, target, ctx()))).toMatchObject({
    code: 'not_found',
    retryable: false,
  });
  expect(await restart.verify?.(params, target, {}, ctx())).toBe('failed');
});

test('a preview changes nothing', async () => {
  docker.add({ name: 'crm-api' });
  const target = await resolve('crm-api');
  expect(await restart.preview(params, target, ctx())).toContain('restart container crm-api');
  expect(docker.changes).toEqual([]);
});

test('a restart that hangs stops with its signal', async () => {
  docker.add({ name: 'crm-api' });
  const target = await resolve('crm-api');
  docker.fail(/restart$/, 'hang');
  const stop = new AbortController();
  docker.before(/restart$/, () => void setImmediate(() => stop.abort()));
  const failure = await failureOf(restart.execute(params, target, ctx({ signal: stop.signal })));
  expect(failure.code).toBe('timeout');
});

test('health: starting is pending, healthy is healthy, unhealthy for long has failed', async () => {
  const api = docker.add({ name: 'crm-api', health: 'unhealthy' });
  const target = await resolve('crm-api');
  const evidence = await restart.execute(params, target, ctx());
  async function verify() {
    return await restart.verify?.(params, target, evidence, ctx());
  }
  expect(api.health).toBe('starting');
  expect(await verify()).toBe('pending');
  Object.assign(api, { health: 'unhealthy', failing_streak: 3 });
  expect(await verify()).toBe('pending');
  api.health = 'healthy';
  expect(await verify()).toBe('healthy');
  Object.assign(api, { health: 'unhealthy', failing_streak: 6 });
  expect(await verify()).toBe('failed');
});

test('health without a check: up for a moment, and longer after it fell over once', async () => {
  const api = docker.add({ name: 'crm-api' });
  const target = await resolve('crm-api');
  const evidence = await restart.execute(params, target, ctx());
  async function verifyAfter(ms: number) {
    const at = Date.parse(api.started_at) + ms;
    return await restart.verify?.(params, target, evidence, ctx({ now: () => at }));
  }
  expect(await verifyAfter(999)).toBe('pending');
  expect(await verifyAfter(1_000)).toBe('healthy');
  api.restart_count = 1;
  expect(await verifyAfter(9_999)).toBe('pending');
  expect(await verifyAfter(10_000)).toBe('healthy');
  api.status = 'restarting';
  expect(await verifyAfter(10_000)).toBe('pending');
  api.restart_count = 3;
  expect(await verifyAfter(10_000)).toBe('failed');
  Object.assign(api, { restart_count: 0, status: 'exited' });
  expect(await verifyAfter(10_000)).toBe('failed');
});

test('health: a restart that never happened has failed', async () => {
  docker.add({ name: 'crm-api' });
  const target = await resolve('crm-api');
  expect(await restart.verify?.(params, target, {}, ctx())).toBe('failed');
});

test('probe: started since the intent is done; not started once it must have been is not', async () => {
  const api = docker.add({ name: 'crm-api' });
  const target = await resolve('crm-api');
  const intent_at = Date.UTC(2026, 0, 2);
  const later = ctx({ intent_at, now: () => intent_at + 60_000 });
  expect(await restart.probe?.(params, target, later)).toBe('not_done');
  started(api, new Date(intent_at + 3_000));
  expect(await restart.probe?.(params, target, later)).toBe('done');
  started(api, new Date(intent_at - 60_000));
  expect(await restart.probe?.(params, target, later)).toBe('unknown');
  docker.remove('crm-api');
  expect(await restart.probe?.(params, target, later)).toBe('unknown');
});

test('probe: while the engine may still be stopping the container it waits', async () => {
  const api = docker.add({ name: 'crm-api' });
  const target = await resolve('crm-api');
  const intent_at = Date.UTC(2026, 0, 2);
  let now = intent_at + 100;
  const waiting = ctx({
    intent_at,
    now: () => now,
    async sleep(ms) {
      now += ms;
      if (now > intent_at + 8_000) started(api, new Date(now));
    },
  });
  expect(await restart.probe?.(params, target, waiting)).toBe('done');
  const slow = { ...params, stop_seconds: 300 };
  const hour = await resolve('crm-api');
  const patient = ctx({ intent_at: now, now: () => now, sleep: async (ms) => void (now += ms) });
  expect(await restart.probe?.(slow, hour, patient)).toBe('unknown');
});
