import { expect, test } from 'vitest';
import { ActionError } from '../../src/action.ts';
import { CONCURRENCY_MAX } from '../../src/engine/worker.ts';
import { PRIORITY_DEFAULTS } from '../../src/core/rules/policy-guards.ts';
import { newWorld } from '../fakes/world.ts';
import { leap } from './moves.ts';
import { type Rig, useRig } from './rig.ts';

/** The burn of a service's error budget decides who gets a place first, and nothing else. */
const start = useRig();

const POKE = `
name: poke
summary: Pokes a thing that is down.
matchers: ['alertname="ThingDown"', 'thing=~".+"']
steps:
  - { action: poke, with: { thing: '{{ labels.thing }}' }, verify: { within: 5m, resolved: true } }
guard: { max_age: 3h, cooldown: 0s, limit: ['900/1h'] }
`;
const ON = 'priority: {}\n';
const { promql } = PRIORITY_DEFAULTS;
/** One more than there are places, then those that are looked at. */
const FILL = CONCURRENCY_MAX;

function down(thing: string, service = 'other') {
  return { labels: { alertname: 'ThingDown', thing, service } };
}

/** A burn rate that the keeper has read. */
async function burning(it: Rig, burns: Readonly<Record<string, number>>): Promise<void> {
  it.burns.set(promql, burns);
  await leap(it, PRIORITY_DEFAULTS.every_ms + 5_000);
}

async function startFilled(policy: string, things: readonly string[]) {
  const fill = Array.from({ length: FILL }, (_, n) => `fill-${n}`);
  const world = newWorld(Object.fromEntries([...fill, ...things].map((thing) => [thing, 1])));
  const it = await start({ rules: { poke: POKE }, policy, world });
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    it,
    /** All places are taken until it is opened. */
    async fill() {
      it.world.onExecute = () => promise;
      await it.post(...fill.map((thing) => down(thing)));
    },
    open: resolve,
    acted: () => it.world.acts.filter((act) => !act.includes('fill')),
  };
}

async function rowOf({ store }: Rig, thing: string) {
  const { items } = await store.listEpisodes({ limit: 200 });
  const episode = items.find(({ labels }) => labels['thing'] === thing);
  return (await store.remediationsOf(episode?.id ?? ''))[0];
}

test('of those that wait for a place, the one whose service burns most gets it first', async () => {
  const { it, fill, open, acted } = await startFilled(ON, ['a', 'b', 'c']);
  await burning(it, { checkout: 22, search: 3 });
  await fill();
  await it.post(down('a'));
  await it.post(down('b', 'search'));
  await it.post(down('c', 'checkout'));
  expect(acted()).toEqual([]);
  expect(await rowOf(it, 'c')).toMatchObject({ priority: 220, priority_of: 'service=checkout' });
  open();
  await it.settle();
  expect(acted()).toEqual(['poke c', 'poke b', 'poke a']);
  const decisions = await it.audit({ kind: ['decision_run'] });
  expect(decisions.at(-1)?.detail).toMatchObject({
    priority: 220,
    priority_why: 'checkout burns 22x',
  });
});

test('without the section nothing is asked, and the oldest is first', async () => {
  const { it, fill, open, acted } = await startFilled('', ['a', 'b']);
  await burning(it, { checkout: 22 });
  await fill();
  await it.post(down('a'));
  await it.post(down('b', 'checkout'));
  expect(await rowOf(it, 'b')).toMatchObject({ priority: 0, priority_of: null });
  open();
  await it.settle();
  expect(acted()).toEqual(['poke a', 'poke b']);
  const [decision] = await it.audit({ kind: ['decision_run'] });
  expect(decision?.detail).not.toHaveProperty('priority');
});

test('a burn rate that rises raises what waits, with an entry, and a lower one lowers nothing', async () => {
  const { it, fill, open, acted } = await startFilled(ON, ['a', 'b']);
  await burning(it, { checkout: 0.2 });
  await fill();
  await it.post(down('a'));
  await it.post(down('b', 'checkout'));
  expect(await rowOf(it, 'b')).toMatchObject({ priority: 0 });
  await burning(it, { checkout: 5.5 });
  const row = await rowOf(it, 'b');
  expect(row).toMatchObject({ priority: 55 });
  const [raised, ...more] = await it.audit({ kind: ['decision_run'], result: ['raised'] });
  expect(more).toEqual([]);
  expect(raised?.detail).toEqual({
    priority: 55,
    priority_why: 'checkout burns 5.5x',
    remediations: [row?.id],
    more: false,
  });
  // It trembles: nothing is written for that. Then it falls.
  await burning(it, { checkout: 6.3 });
  await burning(it, { checkout: 2 });
  expect(await rowOf(it, 'b')).toMatchObject({ priority: 55 });
  expect(await it.audit({ kind: ['decision_run'], result: ['raised'] })).toHaveLength(1);
  open();
  await it.settle();
  expect(acted()).toEqual(['poke b', 'poke a']);
});

test('a burn rate that cannot be read any more gives no priority', async () => {
  const it = await start({
    rules: { poke: POKE },
    policy: ON,
    world: newWorld({ a: 1, b: 1 }),
  });
  await burning(it, { checkout: 22 });
  const status = await it.machine.reporter.status();
  expect(status.priority).toMatchObject({ enabled: true, services: 1, problem: null });
  it.burns.clear();
  await leap(it, PRIORITY_DEFAULTS.every_ms);
  await it.post(down('a', 'checkout'));
  expect(await rowOf(it, 'a')).toMatchObject({ priority: 220 });
  await leap(it, 3 * PRIORITY_DEFAULTS.every_ms);
  await it.post(down('b', 'checkout'));
  expect(await rowOf(it, 'b')).toMatchObject({ priority: 0, priority_of: 'service=checkout' });
  const decisions = await it.audit({ kind: ['decision_run'] });
  expect(decisions.at(-1)?.detail).toMatchObject({
    priority: 0,
    priority_why: 'no burn rate of service=checkout',
  });
  const after = await it.machine.reporter.status();
  expect(after.priority).toMatchObject({ services: 0, problem: 'unavailable: no answer' });
});

test('it passes no guard: what is paused waits, whatever burns', async () => {
  const it = await start({
    rules: { poke: POKE },
    policy: ON,
    world: newWorld({ a: 1 }),
    mode: 'paused',
  });
  await burning(it, { checkout: 900 });
  await it.post(down('a', 'checkout'));
  expect(it.world.acts).toEqual([]);
  expect(await rowOf(it, 'a')).toMatchObject({
    state: 'waiting',
    reason: 'paused',
    priority: 9000,
  });
});

test('with fewer places than new remediations, the most urgent of a delivery get them', async () => {
  const { it, open, acted } = await startFilled(ON, ['a', 'b', 'c']);
  await burning(it, { checkout: 22 });
  const { promise, resolve } = Promise.withResolvers<void>();
  it.world.onExecute = () => promise;
  const fill = Array.from({ length: FILL - 1 }, (_, n) => down(`fill-${n}`));
  await it.post(...fill);
  // One place is left, and three want it.
  await it.post(down('a'), down('b'), down('c', 'checkout'));
  expect((await rowOf(it, 'c'))?.claimed_by).not.toBeNull();
  expect((await rowOf(it, 'a'))?.claimed_by).toBeNull();
  open();
  resolve();
  await it.settle();
  expect(acted()[0]).toBe('poke c');
});

test('a spent error budget of our own is seen on the status page and in the metrics', async () => {
  const it = await start({
    rules: { poke: POKE },
    policy: 'budget: { enforce: true }\n',
    world: newWorld({ a: 1, b: 1, c: 1 }),
  });
  const before = await it.machine.reporter.status();
  expect(before.budget).toMatchObject({ spent: false, enforced: true });
  const told: boolean[] = [];
  const { budgetSpent } = it.engine.metrics;
  Object.assign(it.engine.metrics, {
    budgetSpent(spent: boolean) {
      told.push(spent);
      budgetSpent(spent);
    },
  });
  for (const thing of ['a', 'b', 'c']) {
    it.world.failures.push(new ActionError('rejected', 'no', { retryable: false }));
    await it.post(down(thing));
  }
  await leap(it, 40_000);
  const after = await it.machine.reporter.status();
  expect(after.budget.spent).toBe(true);
  expect(after.budget.detail).toMatch(/^3 of 3 steps failed within the hour/);
  expect(told.at(-1)).toBe(true);
});
