import { CALLS_PER_BACKEND_MAX } from '../../src/engine/places.ts';
import { expect, test } from 'vitest';
import { CONCURRENCY_MAX } from '../../src/engine/worker.ts';
import { newWorld } from '../fakes/world.ts';
import { type Rig, startRig, useRig } from './rig.ts';

/** Remediations that the drain's own commit claims for this process, instead of a claim afterwards. */
const start = useRig();

const POKE = `
name: poke
summary: Pokes a thing that is down.
matchers: ['alertname="ThingDown"', 'thing=~".+"']
steps:
  - { action: poke, with: { thing: '{{ labels.thing }}' }, verify: { within: 5m, resolved: true } }
`;

function down(thing: string) {
  return { labels: { alertname: 'ThingDown', thing } };
}

function worldOf(things: readonly string[]) {
  return newWorld(Object.fromEntries(things.map((thing) => [thing, 1])));
}

async function rows({ store }: Rig) {
  return (await store.listRemediations({ limit: 200 })).items;
}

/** Lets the world's executions wait until `open` is called. */
function gate(it: Rig) {
  const { promise, resolve } = Promise.withResolvers<void>();
  let inside = 0;
  it.world.onExecute = async () => {
    inside += 1;
    await promise;
  };
  return { open: resolve, inside: () => inside };
}

test('it is on disk as claimed before anything is asked, and no claim is made afterwards', async () => {
  const it = await start({ rules: { poke: POKE } });
  let claims = 0;
  it.hooks.set('claimRemediations', () => {
    claims += 1;
  });
  const seen: unknown[] = [];
  it.world.onResolve = async () => {
    seen.push(...(await rows(it)));
  };
  await it.post(down('a'));
  expect(seen).toMatchObject([{ state: 'ready', fence: 1, claimed_by: expect.any(String) }]);
  expect(it.world.acts).toEqual(['poke a']);
  expect(claims).toBe(0);
  expect(await rows(it)).toMatchObject([{ state: 'verifying', claimed_by: null, claim_until: 0 }]);
});

test('a stop while the commit of a hand-over is under way waits for it and finishes it', async () => {
  const it = await start({ rules: { poke: POKE } });
  let stopped: Promise<void> | undefined;
  let acts_at_stop: number | undefined;
  async function stop(): Promise<void> {
    await it.machine.worker.stop();
    acts_at_stop = it.world.acts.length;
  }
  // The second commit is the drain's: the worker is told to stop while it is being written.
  let commits = 0;
  it.hooks.set('commit', () => {
    commits += 1;
    if (commits !== 2) return;
    stopped = stop();
  });
  await it.post(down('a'));
  await stopped;
  expect(acts_at_stop).toBe(1);
  expect(it.machine.worker.active()).toBe(0);
  expect(await rows(it)).toMatchObject([{ state: 'verifying', claimed_by: null }]);
});

test('a worker that has stopped is handed nothing: the row is left for whoever claims it', async () => {
  const it = await start({ rules: { poke: POKE } });
  await it.machine.worker.stop();
  await it.post(down('a'));
  expect(it.world.acts).toEqual([]);
  expect(await rows(it)).toMatchObject([{ state: 'ready', fence: 0, claimed_by: null }]);
});

test('with more work than places, no more than the places are taken, and all is done', async () => {
  const things = Array.from({ length: CONCURRENCY_MAX + 20 }, (_, n) => `t${n}`);
  const it = await start({ rules: { poke: POKE }, world: worldOf(things) });
  const { open, inside } = gate(it);
  await it.post(...things.slice(0, 40).map(down));
  await it.post(...things.slice(40).map(down));
  // All of them call one backend, which has its own places.
  expect(inside()).toBe(CALLS_PER_BACKEND_MAX);
  expect(it.machine.worker.active()).toBe(CONCURRENCY_MAX);
  expect((await rows(it)).filter((row) => row.claimed_by === null)).toHaveLength(20);
  open();
  await it.settle();
  expect(it.world.acts.toSorted()).toEqual(things.map((thing) => `poke ${thing}`).toSorted());
});

test('what is new does not get in before what waits for a place', async () => {
  const things = Array.from({ length: CONCURRENCY_MAX + 1 }, (_, n) => `t${n}`);
  const it = await start({ rules: { poke: POKE }, world: worldOf([...things, 'late']) });
  const { open } = gate(it);
  await it.post(...things.map(down));
  // Places become free and an alert arrives in the same moment.
  open();
  await it.post(down('late'));
  expect(it.world.acts.indexOf(`poke t${CONCURRENCY_MAX}`)).toBeLessThan(
    it.world.acts.indexOf('poke late'),
  );
  expect(it.world.acts).toHaveLength(CONCURRENCY_MAX + 2);
});

test('a commit that failed gives its places back, and the next try acts once', async () => {
  const it = await start({ rules: { poke: POKE } });
  let commits = 0;
  it.hooks.set('commit', () => {
    commits += 1;
    if (commits === 2) throw new Error('disk full');
  });
  await it.post(down('a'));
  await it.advance(2_000);
  expect(it.world.acts).toEqual(['poke a']);
  expect(await rows(it)).toHaveLength(1);
  expect(it.machine.worker.active()).toBe(0);
});

test('fired and resolved in one batch: handed over, and refused', async () => {
  const it = await startRig({ rules: { poke: POKE }, world: newWorld({ a: 1 }) });
  await it.machine.drain.stop();
  await it.post(down('a'));
  await it.post({ ...down('a'), status: 'resolved' });
  const second = await restart(it);
  expect(second.world.acts).toEqual([]);
  expect(await second.story({ kind: ['action_start', 'remediation_done'] })).toEqual([
    'remediation_done:resolved',
  ]);
  await second.stop();
});

test('a crash after the hand-over leaves a claim that the next start releases', async () => {
  const it = await startRig({ rules: { poke: POKE }, world: newWorld({ a: 1 }) });
  const { promise, resolve } = Promise.withResolvers<void>();
  it.world.onResolve = () => promise;
  await it.post(down('a'));
  expect(await rows(it)).toMatchObject([{ state: 'ready', fence: 1 }]);
  it.world.onResolve = undefined;
  const second = await restart(it);
  expect(second.world.acts).toEqual(['poke a']);
  expect(await rows(second)).toMatchObject([{ state: 'verifying', fence: 2 }]);
  await second.stop();
  resolve();
});

/** The same database, with a drain that runs again. */
async function restart(it: Rig): Promise<Rig> {
  await it.abandon();
  const second = await startRig({
    rules: { poke: POKE },
    world: it.world,
    dir: it.dir,
    clock: it.clock,
  });
  await second.settle();
  return second;
}
