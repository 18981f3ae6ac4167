import { afterEach, beforeEach, expect, test } from 'vitest';
import restart from '../../actions/restart-container.ts';
import type { Target } from '../../src/core/healing/remediation.ts';
import {
  type FakeContainer,
  type FakeDocker,
  startDockerEngine,
  started,
} from '../fakes/docker-engine.ts';
import { contextOf, type ContextParts, failureOf } from './context.ts';

let docker: FakeDocker;
beforeEach(async () => {
  docker = await startDockerEngine();
});
afterEach(() => docker.close());

/** db, then api, then web: all of one step. The clock moves while an action sleeps. */
function stack(onSleep: () => void = () => undefined) {
  const labels = { autoheal: 'true' };
  const [db, api, web] = ['db', 'api', 'web'].map((name) =>
    docker.add({ name, labels: { ...labels }, health: name === 'db' ? 'healthy' : null }),
  ) as [FakeContainer, FakeContainer, FakeContainer];
  // oxlint-disable-next-line unicorn/no-thenable
  const given = { container: 'db', then: ['api', 'web'], stop_seconds: 10, wait_seconds: 45 };
  const clock = { now: Date.now() };
  function context(parts: ContextParts = {}) {
    return contextOf({
      docker_host: docker.host,
      now: () => clock.now,
      async sleep(ms) {
        clock.now += ms;
        onSleep();
      },
      ...parts,
    });
  }
  return { db, api, web, given, clock, context };
}

test('dependents are targets of the same step, in order, each with its own opt-in', async () => {
  const { given, context, api } = stack();
  const targets = await restart.resolve(given, context());
  expect(targets.map((target) => target.cmd)).toEqual([
    'docker restart db',
    'docker restart api',
    'docker restart web',
  ]);
  expect(targets[0]?.observed).not.toHaveProperty('after');
  expect(targets[1]?.observed).toMatchObject({ after: { id: targets[0]?.id } });
  expect(targets[2]?.observed).toMatchObject({ after: { id: targets[1]?.id } });
  delete api.labels['autoheal'];
  const again = await restart.resolve(given, context());
  expect(again.map((target) => target.opted_in)).toEqual([true, false, true]);
});

test('a dependent that is not there, or named twice, stops the step before anything is touched', async () => {
  const { given, context, db } = stack();
  // oxlint-disable-next-line unicorn/no-thenable
  const gone = await failureOf(restart.resolve({ ...given, then: ['api', 'nobody'] }, context()));
  expect(gone.code).toBe('not_found');
  for (const twice of [['api', 'api'], [db.id.slice(0, 12)]]) {
    // oxlint-disable-next-line unicorn/no-thenable
    const failure = await failureOf(restart.resolve({ ...given, then: twice }, context()));
    expect(failure.code).toBe('invalid_params');
    expect(failure.message).toContain('name each once');
  }
  const many = Array.from({ length: 11 }, (_, n) => `c${n}`);
  // oxlint-disable-next-line unicorn/no-thenable
  expect(restart.params.safeParse({ container: 'db', then: many }).success).toBe(false);
  expect(docker.changes).toEqual([]);
});

test('a dependent waits until the one before it is healthy', async () => {
  let looks = 0;
  const world = stack(() => {
    looks += 1;
    if (looks === 3) world.db.health = 'healthy';
  });
  const { given, context, api } = world;
  const [first, second, third] = (await restart.resolve(given, context())) as Target[];
  await restart.execute(given, first as Target, context());
  expect(world.db.health).toBe('starting');
  await restart.execute(given, second as Target, context());
  expect(looks).toBe(3);
  // Without a health check: up for a second.
  world.clock.now = Date.parse(api.started_at);
  await restart.execute(given, third as Target, context());
  expect(looks).toBe(5);
  expect(docker.changes.map((line) => line.split('/')[2])).toEqual(['db', 'api', 'web']);
});

test('a dependent is left alone when the one before it fails, is gone, or takes too long', async () => {
  const { given, context, db } = stack();
  const [first, second] = (await restart.resolve(given, context())) as Target[];
  await restart.execute(given, first as Target, context());
  const late = await failureOf(restart.execute(given, second as Target, context()));
  expect(late).toMatchObject({ code: 'conflict', retryable: false });
  expect(late.message).toBe('db is not up after 45 s (wait_seconds), so api was not restarted');
  db.status = 'exited';
  const failed = await failureOf(restart.execute(given, second as Target, context()));
  expect(failed.message).toBe('db did not come up, so api was not restarted');
  docker.remove('db');
  const gone = await failureOf(restart.execute(given, second as Target, context()));
  expect(gone.message).toContain('is gone, so api was not restarted');
  expect(docker.changes).toHaveLength(1);
});

test('a dependent that fell over before the first was back is restarted; one started after it is not', async () => {
  const { given, context, db, api, clock } = stack();
  const [first, second] = (await restart.resolve(given, context())) as Target[];
  started(api, new Date(clock.now - 5_000));
  await restart.execute(given, first as Target, context());
  started(db, new Date(clock.now));
  db.health = 'healthy';
  await restart.execute(given, second as Target, context());
  expect(docker.changes).toHaveLength(2);
  const again = await restart.execute(given, second as Target, context({ attempt: 2 }));
  expect(again).toMatchObject({ restarted: true, restarted_elsewhere: false });
  expect(docker.changes).toHaveLength(2);
});

test('probe of a dependent: its turn never came, or its start after the first one’s tells', async () => {
  const { given, context, db, api, clock } = stack();
  const [, second] = (await restart.resolve(given, context())) as Target[];
  const intent_at = clock.now;
  clock.now += 60_000;
  async function probe(stop_seconds = 10) {
    const later = context({ intent_at });
    return await restart.probe?.({ ...given, stop_seconds }, second as Target, later);
  }
  started(api, new Date(intent_at + 1_000));
  expect(await probe()).toBe('not_done');
  started(db, new Date(intent_at + 5_000));
  // It may have been begun just before the crash: the stop time is waited for.
  const before = clock.now;
  expect(await probe()).toBe('not_done');
  expect(clock.now - before).toBe(12_000);
  expect(await probe(30)).toBe('unknown');
  started(api, new Date(intent_at + 9_000));
  expect(await probe(30)).toBe('done');
  docker.remove('db');
  expect(await probe()).toBe('unknown');
});
