import { array, assert, asyncProperty, integer, record } from 'fast-check';
import { expect, test } from 'vitest';
import { newWorld } from '../fakes/world.ts';
import { ANN, DOWN, EASY, leap, newest, pokeRule } from './moves.ts';
import { type Rig, startRig, useRig } from './rig.ts';

/** Guards that look at more than the targets of one plan: windows, siblings, shares, one cause. */
const start = useRig();

const MINUTE = 60_000;
const easy = (more: string) => EASY.replace(' }', `, ${more} }`);

/** Things `t0`, `t1`, ... and an alert about each. */
function many(count: number, prefix = 't'): string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}${at}`);
}
function worldOf(names: readonly string[]) {
  return newWorld(Object.fromEntries(names.map((name) => [name, 1])));
}
function down(thing: string) {
  return { labels: { ...DOWN, thing } };
}
/** All wait for the same resume, so all are looked at in one instant. */
async function releaseAtOnce(it: Rig, names: readonly string[]): Promise<void> {
  await it.engine.operator.pause({ ...ANN, until: null });
  await it.post(...names.map(down));
  await it.engine.operator.resume(ANN);
  await it.settle();
}

test.each<[string, string, string]>([
  ['the rule', easy("limit_rule: ['7/10m']"), ''],
  ['the service', EASY, "limits: ['7/10m']\n"],
  ['a total of targets', EASY, 'blast_radius: { total: 7, window: 10m }\n'],
])(
  'a window over %s: of 64 released in one instant exactly as many begin as fit',
  async (_, guard, policy) => {
    const names = many(64);
    const it = await start({
      rules: { 'thing-down': pokeRule(guard) },
      policy,
      world: worldOf(names),
    });
    await releaseAtOnce(it, names);
    await leap(it, 30_000);
    expect(it.world.acts).toHaveLength(7);
    await leap(it, 9 * MINUTE);
    expect(it.world.acts).toHaveLength(7);
    await leap(it, 2 * MINUTE);
    expect(it.world.acts).toHaveLength(14);
    expect(new Set(it.world.acts).size).toBe(14);
  },
);

test('in bursts of any size at any time, no window ever has more starts than it allows', async () => {
  const bursts = array(
    record({ size: integer({ min: 1, max: 9 }), pause_s: integer({ min: 0, max: 90 }) }),
    { minLength: 1, maxLength: 6 },
  );
  await assert(
    asyncProperty(integer({ min: 1, max: 4 }), bursts, async (count, list) => {
      const names = many(list.reduce((sum, { size }) => sum + size, 0));
      const policy = `limits: ['${count}/1m', '${count + 2}/3m']\n`;
      const it = await startRig({
        rules: { 'thing-down': pokeRule() },
        policy,
        world: worldOf(names),
      });
      try {
        let from = 0;
        for (const { size, pause_s } of list) {
          await it.post(...names.slice(from, from + size).map(down));
          from += size;
          await leap(it, pause_s * 1_000);
        }
        await leap(it, 4 * MINUTE);
        const starts = (await it.audit({ kind: ['action_start'] })).map(({ ts }) => ts);
        expect(starts.length).toBeGreaterThanOrEqual(Math.min(count, names.length));
        for (const [most, window_ms] of [
          [count, MINUTE],
          [count + 2, 3 * MINUTE],
        ] as const)
          for (const end of starts) {
            const inside = starts.filter((at) => at <= end && at > end - window_ms);
            expect(inside.length).toBeLessThanOrEqual(most);
          }
      } finally {
        await it.stop();
      }
    }),
    { numRuns: 8 },
  );
});

test('a share of one group: of ten members no more than a third at once, others are not counted', async () => {
  const names = [...many(10, 'svc.'), ...many(4, 'x')];
  const policy = "blast_radius: { share: '34%', window: 10m }\n";
  const it = await start({ rules: { 'thing-down': pokeRule() }, policy, world: worldOf(names) });
  await releaseAtOnce(it, names);
  const touched = it.world.acts.filter((act) => act.includes('svc'));
  expect(touched).toHaveLength(3);
  expect(it.world.acts).toHaveLength(7);
  await leap(it, 11 * MINUTE);
  expect(it.world.acts.filter((act) => act.includes('svc'))).toHaveLength(6);
});

test('one member of a small group is always allowed, a second is not', async () => {
  const names = many(2, 'svc.');
  const policy = "blast_radius: { share: '10%', window: 10m }\n";
  const it = await start({ rules: { 'thing-down': pokeRule() }, policy, world: worldOf(names) });
  await releaseAtOnce(it, names);
  expect(it.world.acts).toHaveLength(1);
  expect((await it.audit({ reason: ['blast_radius'] })).length).toBe(1);
});

const TWO_STEPS = `
name: thing-down
summary: Pokes one thing, then another.
matchers: ['alertname="ThingDown"']
steps:
  - { action: poke, with: { thing: a }, verify: { within: 1m, resolved: true } }
  - { action: poke, with: { thing: b }, verify: { within: 1m, resolved: true } }
`;

test('what earlier steps of the same remediation touched counts to the blast radius as well', async () => {
  const policy = 'blast_radius: { total: 1, window: 10m }\n';
  const world = newWorld({ a: 1, b: 1 });
  const it = await start({ rules: { 'thing-down': `${TWO_STEPS}${EASY}` }, policy, world });
  await it.post({ labels: DOWN });
  await leap(it, 9 * MINUTE);
  expect(world.acts).toEqual(['poke a']);
  expect(await newest(it)).toMatchObject({ state: 'waiting', reason: 'blast_radius' });
  await leap(it, 2 * MINUTE);
  expect(world.acts).toEqual(['poke a', 'poke b']);
});

const POKE_ALL = `
name: thing-down
summary: Pokes everything.
matchers: ['alertname="ThingDown"']
steps: [{ action: poke_all, verify: { within: 1m, resolved: true } }]
`;

test.each<[string, string, string]>([
  ['blast_radius', EASY, 'blast_radius: { total: 2, window: 10m }\n'],
  ['blast_radius', EASY, "blast_radius: { share: '50%', window: 10m }\n"],
  ['min_healthy', easy('min_healthy: 1'), ''],
])('one step that alone takes too much waits: %s', async (word, guard, policy) => {
  const world = worldOf(many(3, 'svc.'));
  const it = await start({ rules: { 'thing-down': `${POKE_ALL}${guard}` }, policy, world });
  await it.post({ labels: DOWN });
  await leap(it, 2 * MINUTE);
  expect(world.acts).toEqual([]);
  expect(await newest(it)).toMatchObject({ state: 'waiting', reason: word });
});

test('min_healthy: of two serving siblings released in one instant only one begins; then the other', async () => {
  const names = many(2, 'svc.');
  const rules = { 'thing-down': pokeRule(easy('min_healthy: 1')) };
  const it = await start({ rules, world: worldOf(names) });
  await releaseAtOnce(it, names);
  expect(it.world.acts).toHaveLength(1);
  expect((await it.audit({ kind: ['decision_wait'], reason: ['min_healthy'] })).length).toBe(1);
  await it.post({ ...down(it.world.acts[0]?.slice(5) ?? ''), status: 'resolved' });
  await leap(it, 20_000);
  expect(it.world.acts.toSorted()).toEqual(['poke svc.0', 'poke svc.1']);
});

test('min_healthy: a member that is down is poked however few siblings are left, one that serves is not', async () => {
  const world = newWorld({ 'svc.0': 0, 'svc.1': 1 });
  const it = await start({ rules: { 'thing-down': pokeRule(easy('min_healthy: 1')) }, world });
  await it.post(down('svc.1'));
  expect(world.acts).toEqual([]);
  await it.post(down('svc.0'));
  expect(world.acts).toEqual(['poke svc.0']);
});

test('min_healthy: all members that another remediation works on are left out of the count', async () => {
  const world = worldOf(many(4, 'svc.'));
  const two = POKE_ALL.replace('ThingDown', 'AllDown').replace('thing-down', 'all');
  const one = pokeRule(easy('min_healthy: 1'));
  const it = await start({ rules: { all: `${two}${EASY}`, 'thing-down': one }, world });
  const sub = world.values.get('svc.3');
  world.values.delete('svc.3');
  await it.post({ labels: { alertname: 'AllDown' } });
  expect(world.acts).toHaveLength(3);
  world.values.set('svc.3', sub ?? 1);
  await it.post(down('svc.3'));
  expect(world.acts).toHaveLength(3);
  expect((await newest(it)).reason).toBe('min_healthy');
});

test('not_during: it waits while the interval is now, and goes on at its end', async () => {
  const policy =
    "time_intervals: [{ name: freeze, time_intervals: [{ times: [{ start_time: '00:00', end_time: '00:30' }] }] }]\n";
  const rules = { 'thing-down': pokeRule(`when: [{ not_during: freeze }]\n${EASY}`) };
  const it = await start({ rules, policy });
  await it.post({ labels: DOWN });
  expect(await newest(it)).toMatchObject({ state: 'waiting', reason: 'not_during' });
  await leap(it, 29 * MINUTE + 50_000, 10_000);
  expect(it.world.acts).toEqual([]);
  await leap(it, 12_000, 1_000);
  expect(it.world.acts).toEqual(['poke a']);
});

test.each<[string, boolean | undefined, string]>([
  ['does not hold', false, 'does not hold'],
  ['cannot be read', undefined, 'cannot be read'],
])('a precondition that %s waits until it holds', async (_, holds, why) => {
  const rules = { 'thing-down': pokeRule(`when: [{ promql: 'up > 0' }]\n${EASY}`) };
  const it = await start({ rules });
  if (holds !== undefined) it.promql.set('up > 0', holds);
  await it.post({ labels: DOWN });
  await leap(it, MINUTE);
  expect(it.world.acts).toEqual([]);
  expect((await newest(it)).detail).toContain(why);
  expect(await it.story({ kind: ['decision_wait'] })).toEqual(['decision_wait:precondition']);
  it.promql.set('up > 0', true);
  await leap(it, 16_000);
  expect(it.world.acts).toEqual(['poke a']);
});

test.each([true, false])('many alerts in a short time, enforce %s', async (enforce) => {
  const names = many(12);
  const policy = `common_cause: { targets: 5, within: 2m, enforce: ${enforce} }\n`;
  const it = await start({ rules: { 'thing-down': pokeRule() }, policy, world: worldOf(names) });
  await releaseAtOnce(it, names);
  expect(it.world.acts).toHaveLength(enforce ? 0 : 12);
  const { guards } = await newest(it);
  const verdict = enforce ? 'wait' : 'allow';
  expect(guards?.values).toMatchObject([{ guard: 'common_cause', verdict }]);
});
