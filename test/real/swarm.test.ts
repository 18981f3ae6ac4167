import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import scale from '../../actions/scale-workers.ts';
import { contextOf, failureOf, one } from '../actions/context.ts';
import { BUSYBOX, busyboxImage } from './busybox.ts';
import { type Engine, startDocker } from './docker.ts';
import { haveParts } from './parts.ts';
import { freePort } from './ready.ts';
import { until } from './until.ts';

const LONG = { timeout_ms: 60_000 };
const params = { workload: 'swarm/shop_worker', by: 2, min: 1, max: 8 };

/** On an engine of its own: a Swarm changes the engine that it is made on. */
describe.skipIf(!haveParts('docker', 'busybox'))('scale_workers on a real Swarm', () => {
  let engine: Engine;
  let docker: Docker;
  beforeAll(async () => {
    engine = await startDocker();
    docker = new Docker({ socketPath: new URL(engine.host).pathname });
    await busyboxImage(docker);
    await docker.swarmInit({
      AdvertiseAddr: '127.0.0.1',
      ListenAddr: `127.0.0.1:${await freePort()}`,
      DataPathAddr: '127.0.0.1',
    });
  }, 60_000);
  afterAll(async () => {
    for (const { ID } of await docker.listServices()) await docker.getService(ID).remove();
    await until(
      'no task is left',
      async () => (await docker.listContainers({ all: true })).length === 0,
      LONG,
    );
    await docker.swarmLeave({ force: true });
    await engine.stop();
  }, 60_000);

  function ctx() {
    return contextOf({ docker_host: engine.host });
  }
  async function create(name: string, mode: Docker.ServiceMode): Promise<void> {
    await docker.createService({
      Name: name,
      Labels: { autoheal: 'true' },
      TaskTemplate: {
        ContainerSpec: { Image: BUSYBOX, Command: ['sleep', '100000'], StopGracePeriod: 1e9 },
      },
      Mode: mode,
      EndpointSpec: { Mode: 'dnsrr' },
    } as Docker.CreateServiceOptions);
  }

  test('scales up, is healthy when the tasks run, and goes back; the spec stays as it was', async () => {
    await create('shop_worker', { Replicated: { Replicas: 1 } });
    const before = (await docker.getService('shop_worker').inspect()) as {
      Spec: { TaskTemplate: object };
    };
    const target = one(await scale.resolve(params, ctx()));
    expect(target).toMatchObject({ opted_in: true, desired: { replicas: 3 } });
    const evidence = await scale.execute(params, target, ctx());
    expect(evidence).toMatchObject({ changed: true, replicas_before: 1, replicas: 3 });
    await until(
      'three tasks run',
      async () => (await scale.verify?.(params, target, evidence, ctx())) === 'healthy',
      LONG,
    );
    const running = await docker.listContainers();
    expect(running).toHaveLength(3);
    const undo = { params: {}, original: target.observed, value: target.desired };
    expect(await scale.revert?.(target, undo, ctx())).toMatchObject({ result: 'reverted' });
    await until('one is left', async () => (await docker.listContainers()).length === 1, LONG);
    const after = (await docker.getService('shop_worker').inspect()) as typeof before;
    expect(after.Spec.TaskTemplate).toEqual(before.Spec.TaskTemplate);
  });

  test('a version that is stale is an error 500 here, and a count of somebody else is left alone', async () => {
    const service = docker.getService('shop_worker');
    const { Version, Spec } = (await service.inspect()) as {
      Version: { Index: number };
      Spec: object;
    };
    const stale = { _query: { version: Version.Index - 1 }, _body: Spec };
    await expect(service.update(stale)).rejects.toMatchObject({
      statusCode: 500,
      message: expect.stringContaining('update out of sequence') as unknown,
    });
    const target = one(await scale.resolve(params, ctx()));
    const five = { ...Spec, Mode: { Replicated: { Replicas: 5 } } };
    await service.update({ _query: { version: Version.Index }, _body: five });
    const failure = await failureOf(scale.execute(params, target, ctx()));
    expect(failure).toMatchObject({ code: 'conflict', retryable: false });
  });

  test('a global service is refused', async () => {
    await create('everywhere', { Global: {} });
    const given = { ...params, workload: 'swarm/everywhere' };
    const failure = await failureOf(scale.resolve(given, ctx()));
    expect(failure.message).toContain('not replicated (Global)');
  });
});
