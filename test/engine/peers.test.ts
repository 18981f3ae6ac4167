import { array, assert, asyncProperty, constantFrom, record } from 'fast-check';
import { expect, test } from 'vitest';
import { ActionError } from '../../src/action.ts';
import { firstFailing } from '../../src/core/rules/matcher.ts';
import { matchRules } from '../../src/core/rules/match.ts';
import { newWorld } from '../fakes/world.ts';
import { answer, DOWN, EASY, leap, newest, pokeRule } from './moves.ts';
import { startRig, useRig } from './rig.ts';

/**
 * Bugs that other remediation systems shipped, each once, named after what its test prevents. Shown elsewhere:
 *
 * | bug | shown by |
 * |---|---|
 * | only the first alert of a group is handled | `lifecycle.test.ts` |
 * | malformed JSON is answered with 200 | `test/http/webhook.test.ts` |
 * | a skip stamps the cooldown again | `guards.test.ts` |
 * | check, then increment: two take the last place | `windows.test.ts` |
 * | killed in the middle of an action, it runs for ever | `recovery.test.ts` |
 * | no evidence at all counts as success | `seen.test.ts` |
 * | what ends inconclusive is begun again without end | `holds.test.ts` |
 * | an IPv6 address is cut at its first colon | `test/core/healing/probe-address.test.ts` |
 * | a GET changes something | `test/http/api.test.ts` |
 * | a bad rule file takes the good rules with it | `rulebook.test.ts` |
 * | history without bounds makes queries time out | `test/adapters/store/statements.test.ts` |
 */
const start = useRig();

const RULES = { 'thing-down': pokeRule() };
const HOUR = 3_600_000;

test('a resolved alert never starts an action, also one that was never seen firing', async () => {
  const it = await start({ rules: RULES });
  await it.post({ labels: DOWN, status: 'resolved' });
  await it.post({ labels: DOWN, status: 'resolved' });
  await leap(it, 60_000);
  expect(it.world.acts).toEqual([]);
  expect((await it.store.listRemediations({ limit: 1 })).items).toEqual([]);
});

test('an action that failed is not carried out again because its delivery is sent again', async () => {
  const it = await start({ rules: RULES });
  let calls = 0;
  it.world.onExecute = () => {
    calls += 1;
    throw new ActionError('rejected', 'no', { retryable: false });
  };
  const startsAt = it.clock.now();
  for (let n = 0; n < 4; n += 1) await it.post({ labels: DOWN, startsAt });
  await leap(it, 60_000);
  expect(calls).toBe(1);
});

test('what could not be stored is not remembered as seen: sent again, it is healed', async () => {
  const it = await start({ rules: RULES });
  it.hooks.set('commit', () => {
    it.hooks.clear();
    throw new Error('the disk is full');
  });
  const startsAt = it.clock.now();
  await expect(it.post({ labels: DOWN, startsAt })).rejects.toMatchObject({ code: 'not_stored' });
  expect(it.world.acts).toEqual([]);
  await it.post({ labels: DOWN, startsAt });
  expect(it.world.acts).toEqual(['poke a']);
});

test('a limit that one rule has used up does not stop another', async () => {
  const one = "guard: { cooldown: 0s, limit: ['1/1h'] }\n";
  const other = pokeRule(one, 'thing-slow').replace('ThingDown', 'ThingSlow');
  const it = await start({ rules: { 'thing-down': pokeRule(one), 'thing-slow': other } });
  for (const alertname of ['ThingDown', 'ThingDown', 'ThingSlow', 'ThingSlow'])
    for (const status of ['firing', 'resolved'] as const) {
      await it.post({ labels: { ...DOWN, alertname }, status });
      await it.advance(500);
    }
  expect(await it.story({ kind: ['action_start'], rule: ['thing-down'] })).toHaveLength(1);
  expect(await it.story({ kind: ['action_start'], rule: ['thing-slow'] })).toHaveLength(1);
});

test('two copies of an alert do not block each other: one run, and it ends', async () => {
  const it = await start({ rules: RULES });
  const copy = { labels: DOWN, startsAt: it.clock.now() };
  await it.post(copy, copy);
  await Promise.all([it.post(copy), it.post(copy)]);
  expect(it.world.acts).toEqual(['poke a']);
  await it.post({ ...copy, status: 'resolved' }, { ...copy, status: 'resolved' });
  expect((await it.store.countRemediations()).done).toBe(1);
  expect((await newest(it)).outcome).toBe('healed');
});

test('one action that hangs does not hold up the others', async () => {
  const it = await start({ rules: RULES, world: newWorld({ a: 1, b: 1 }) });
  it.world.failures.push('hang');
  await it.post({ labels: DOWN });
  await it.post({ labels: { ...DOWN, thing: 'b' } });
  expect(it.world.acts).toEqual(['poke b']);
  await leap(it, 70_000);
  expect((await it.audit({ kind: ['action_fail'], target: ['thing/a'] }))[0]?.reason).toBe(
    'timeout',
  );
});

test('a backlog of days is recorded when it is read at last, and not carried out', async () => {
  const world = newWorld({ a: 1 });
  const first = await startRig({ rules: { 'thing-down': pokeRule('') }, world });
  first.hooks.set('inbox', () => Promise.reject(new Error('it dies')));
  await first.post({ labels: DOWN });
  await first.abandon();
  first.clock.jump(first.clock.now() + 72 * HOUR);
  const it = await start({
    rules: { 'thing-down': pokeRule('') },
    world,
    dir: first.dir,
    clock: first.clock,
  });
  await leap(it, 60_000);
  expect(world.acts).toEqual([]);
  expect(await newest(it)).toMatchObject({ outcome: 'refused', reason: 'stale' });
  expect(await it.story({ kind: ['alert_firing'] })).toHaveLength(1);
});

test('an alert that decays slowly after a good fix starts no second remediation', async () => {
  const healthy = RULES['thing-down'].replace('resolved: true', "promql: 'up == 1'");
  const it = await start({ rules: { 'thing-down': healthy } });
  it.promql.set('up == 1', true);
  await it.post({ labels: DOWN });
  expect((await newest(it)).outcome).toBe('healed');
  for (let n = 0; n < 5; n += 1) {
    await leap(it, 60_000);
    await it.post({ labels: DOWN });
  }
  expect(it.world.acts).toEqual(['poke a']);
});

test('no label names a target by itself: only what the rule says is touched', async () => {
  const world = newWorld({ a: 1, b: 1, 'kube-state-metrics': 1 });
  const it = await start({ rules: RULES, world });
  const misleading = { job: 'b', pod: 'kube-state-metrics', instance: 'b', container: 'b' };
  await it.post({ labels: { ...DOWN, ...misleading } });
  expect(world.acts).toEqual(['poke a']);
});

test('labels that differ in case only stay apart', async () => {
  const rule = RULES['thing-down']
    .replaceAll('thing=~', 'Thing=~')
    .replace('labels.thing', 'labels.Thing');
  const it = await start({ rules: { 'thing-down': rule }, world: newWorld({ a: 1, b: 1 }) });
  await it.post({ labels: { ...DOWN, thing: 'a', Thing: 'b' } });
  expect(it.world.acts).toEqual(['poke b']);
});

test('an alert without a name is recorded, and those beside it are healed', async () => {
  const it = await start({ rules: RULES });
  await it.post({ labels: { thing: 'a' } }, { labels: DOWN });
  expect(it.world.acts).toEqual(['poke a']);
  expect(await it.audit({ kind: ['decision_skip'], reason: ['unmapped'] })).toHaveLength(1);
});

test('a regular expression matches whole values: Down does not match NodeDownTest', async () => {
  const rule = RULES['thing-down'].replace('alertname="ThingDown"', 'alertname=~"Down"');
  const it = await start({ rules: { 'thing-down': rule } });
  for (const alertname of ['NodeDownTest', 'ThingDown'])
    await it.post({ labels: { ...DOWN, alertname } });
  expect(it.world.acts).toEqual([]);
  await it.post({ labels: { ...DOWN, alertname: 'Down' } });
  expect(it.world.acts).toEqual(['poke a']);
});

test('the lock of a holder that vanished is free once its verdict is made by the next process', async () => {
  const world = newWorld({ a: 1 });
  const first = await startRig({ rules: RULES, world });
  await first.post({ labels: DOWN });
  await first.abandon();
  const it = await start({ rules: RULES, world, dir: first.dir, clock: first.clock });
  await it.post({ labels: { ...DOWN, n: '2' } });
  expect((await newest(it)).reason).toBe('busy');
  await leap(it, 65_000);
  expect(world.acts).toEqual(['poke a', 'poke a']);
});

test('who waits holds no lock: another goes on meanwhile on the same target', async () => {
  const two = `
name: thing-down
summary: Pokes a thing, then asks.
matchers: ['alertname="ThingDown"', 'n=""']
mode: approve
steps:
  - { action: poke, with: { thing: a }, verify: { within: 1m, resolved: true } }
  - { action: poke, with: { thing: a }, verify: { within: 1m, resolved: true } }
${EASY}`;
  const it = await start({ rules: { 'thing-down': two, zother: pokeRule(EASY, 'zother') } });
  await it.post({ labels: DOWN });
  await answer(it, 'grant');
  await leap(it, 65_000);
  expect((await newest(it)).reason).toBe('approval');
  expect(it.world.acts).toEqual(['poke a']);
  await it.post({ labels: { ...DOWN, n: '2' } });
  expect(it.world.acts).toEqual(['poke a', 'poke a']);
});

test('a storm on one target: whoever frees the lock wakes some of those who wait, and all get their turn', async () => {
  const it = await start({ rules: RULES });
  const alerts = Array.from({ length: 60 }, (_, n) => ({ labels: { ...DOWN, n: String(n) } }));
  await it.post(...alerts);
  for (let n = 0; n < 60; n += 1) {
    const [verifying] = (await it.store.listRemediations({ limit: 1, state: 'verifying' })).items;
    const found = await it.store.episode(verifying?.episode_id ?? '');
    await it.post({ labels: found?.labels ?? {}, status: 'resolved' });
  }
  expect(it.world.acts).toHaveLength(60);
  expect((await it.store.countRemediations()).done).toBe(60);
});

test('what explains a match and what decides it never differ', async () => {
  const texts = {
    first: RULES['thing-down'].replace('thing-down', 'first').replace('"ThingDown"', '"A"'),
    second: RULES['thing-down'].replace('thing-down', 'second').replace('="ThingDown"', '=~"A|B"'),
  };
  const it = await start({ rules: texts });
  const rules = it.engine.rulebook.current()?.rules ?? [];
  const labels = record(
    { alertname: constantFrom('A', 'B', 'AB', ''), thing: constantFrom('', 'a') },
    { requiredKeys: [] },
  );
  await assert(
    asyncProperty(array(labels, { maxLength: 5 }), async (sets) => {
      for (const set of sets) {
        const { chosen } = matchRules(rules, set);
        const explained = rules.find((rule) => firstFailing(rule.matchers, set) === undefined);
        expect(chosen[0]?.name).toBe(explained?.name);
      }
    }),
  );
});
