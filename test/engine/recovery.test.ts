import { afterEach, expect, test } from 'vitest';
import { newWorld, type World } from '../fakes/world.ts';
import { type Rig, startRig } from './rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

const RULES = {
  poke: `
name: poke
summary: Pokes a thing that is down.
matchers: ['alertname="ThingDown"']
steps:
  - { action: poke, with: { thing: a }, verify: { within: 5m, resolved: true } }
guard: { max_age: 10m }
`,
  raise: `
name: raise
summary: Raises a thing for a while.
matchers: ['alertname="Backlog"']
steps:
  - { action: set_thing, with: { thing: a, by: +2 }, lease: 30m, verify: { within: 5m, resolved: true } }
guard: { max_age: 10m }
`,
};
const DOWN = { labels: { alertname: 'ThingDown' } };
const BACKLOG = { labels: { alertname: 'Backlog' } };

/** The process dies inside the action: the intent is on disk, the outcome is not. `done`: it had acted. */
async function dieInside(world: World, alert: typeof DOWN, act: () => void): Promise<Rig> {
  const first = await startRig({ rules: RULES, world });
  world.failures.push('hang');
  await first.post(alert);
  expect((await first.store.listRemediations({ limit: 1 })).items[0]?.state).toBe('acting');
  act();
  await first.abandon();
  return first;
}

async function restart(before: Rig): Promise<Rig> {
  rig = await startRig({ rules: RULES, world: before.world, dir: before.dir, clock: before.clock });
  await rig.settle();
  return rig;
}

test('what the target says was done is not done again', async () => {
  const world = newWorld({ a: 1 });
  const before = await dieInside(world, DOWN, () => {
    world.probe = 'done';
  });
  const { post, story } = await restart(before);
  expect(world.acts).toEqual([]);
  await post({ ...DOWN, status: 'resolved' });
  expect((await story()).slice(-3)).toEqual([
    'alert_resolved:resolved',
    'verify_ok',
    'remediation_done:verified',
  ]);
  expect(await story({ kind: ['action_ok'] })).toHaveLength(1);
});

test('what the target says was not done is done', async () => {
  const world = newWorld({ a: 1 });
  const before = await dieInside(world, DOWN, () => {
    world.probe = 'not_done';
  });
  await restart(before);
  expect(world.acts).toEqual(['poke a']);
});

test('what nobody can tell goes to a human, and nothing is done', async () => {
  const world = newWorld({ a: 1 });
  const before = await dieInside(world, DOWN, () => {
    world.probe = 'unknown';
  });
  const { story } = await restart(before);
  expect(world.acts).toEqual([]);
  expect((await story()).slice(-3)).toEqual([
    'action_fail:lost_in_crash',
    'escalated:lost_in_crash',
    'remediation_done:lost_in_crash',
  ]);
});

test.each([
  ['before it acted', 2],
  ['after it acted', 4],
])('a relative change is not made twice: died %s', async (_when, value) => {
  const world = newWorld({ a: 2 });
  const before = await dieInside(world, BACKLOG, () => world.values.set('a', value));
  const { post, advance } = await restart(before);
  expect(world.values.get('a')).toBe(4);
  await post({ ...BACKLOG, status: 'resolved' });
  await advance(3_000);
  expect(world.values.get('a')).toBe(2);
});

test('the undo outlives the crash: resolved while nobody ran, it is undone at once', async () => {
  const world = newWorld({ a: 2 });
  const before = await startRig({ rules: RULES, world });
  await before.post(BACKLOG);
  expect(world.values.get('a')).toBe(4);
  await before.abandon();
  await before.clock.advance(31 * 60_000);
  const { advance, story } = await restart(before);
  await advance(2_000);
  expect(world.values.get('a')).toBe(2);
  expect(await story({ kind: ['lease_expired', 'revert_ok'] })).toEqual([
    'lease_expired:expired',
    'revert_ok:expired',
  ]);
});

test('grown stale or resolved in between, it is not begun again, and its lease lets go', async () => {
  const world = newWorld({ a: 2 });
  const before = await dieInside(world, BACKLOG, () => undefined);
  await before.clock.advance(11 * 60_000);
  const { advance, story } = await restart(before);
  await advance(3_000);
  expect(world.acts).toEqual([]);
  expect(await story({ kind: ['action_fail', 'remediation_done', 'revert_ok'] })).toEqual([
    'action_fail:stale',
    'remediation_done:stale',
    'revert_ok:failed',
  ]);
});

test('paused at the restart: it waits with its plan, and goes on with the same plan', async () => {
  const world = newWorld({ a: 2 });
  const before = await dieInside(world, BACKLOG, () => undefined);
  const second = await startRig({
    rules: RULES,
    world,
    dir: before.dir,
    clock: before.clock,
    mode: 'paused',
  });
  await second.advance(20_000);
  expect(world.acts).toEqual([]);
  await second.abandon();
  const { advance } = await restart(second);
  await advance(16_000);
  expect(world.acts).toEqual(['set a=4']);
});

test('a backlog that was accepted before the crash is drained after it, in order', async () => {
  const world = newWorld({ a: 1 });
  const before = await startRig({ rules: RULES, world });
  await before.machine.drain.stop();
  const posts = [
    before.post(DOWN),
    before.post({ ...DOWN, status: 'resolved' }),
    before.post(DOWN),
  ];
  await Promise.all(posts);
  expect((await before.store.inboxDepth()).pending).toBe(3);
  await before.abandon();
  const { store, story } = await restart(before);
  expect((await store.inboxDepth()).pending).toBe(0);
  const kinds = (await story()).map((entry) => entry.split(':')[0]);
  expect(kinds.filter((kind) => kind?.startsWith('alert_'))).toEqual([
    'alert_firing',
    'alert_resolved',
  ]);
});

test('the machine sleeps inside an action: what its own process is still at is not begun beside it', async () => {
  const world = newWorld({ a: 1 });
  rig = await startRig({ rules: RULES, world });
  const asleep = Promise.withResolvers<void>();
  world.onExecute = () => asleep.promise;
  world.probe = 'not_done';
  await rig.post(DOWN);
  // The claim ran out meanwhile, and the worker comes to before the action does.
  rig.clock.jump(rig.clock.now() + 90_000);
  await rig.settle();
  world.onExecute = undefined;
  world.probe = 'done';
  asleep.resolve();
  await rig.settle();
  expect(world.acts).toEqual(['poke a']);
});
