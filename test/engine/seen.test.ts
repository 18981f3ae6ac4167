import { expect, test } from 'vitest';
import type { Seen } from '../../src/core/alerts/seen.ts';
import { newWorld } from '../fakes/world.ts';
import { DOWN, EASY, leap, newest, pokeRule, show } from './moves.ts';
import { type Rig, useRig } from './rig.ts';

/** What Alertmanager's API shows, and blindness: before acting, and as evidence that it healed. */
const start = useRig();

const RULES = { 'thing-down': pokeRule() };

test.each<[string, Partial<Seen>, string, string]>([
  ['silenced', { state: 'suppressed', silenced_by: ['s1'] }, 'silenced', 'silence s1'],
  ['inhibited', { state: 'suppressed', inhibited_by: ['f1'] }, 'silenced', 'alert f1'],
  ['muted', { state: 'suppressed', muted_by: ['nights'] }, 'silenced', 'interval nights'],
  ['absent, where it was seen before', { state: 'absent' }, 'resolved', 'does not show'],
  ['nobody can say', { state: 'unknown' }, 'blind', 'none shows the alert'],
])('%s: it waits, and goes on when Alertmanager shows it as active', async (_, seen, word, why) => {
  const it = await start({ rules: RULES });
  show(it, DOWN, seen);
  await it.post({ labels: DOWN });
  await leap(it, 120_000);
  expect(it.world.acts).toEqual([]);
  expect(await it.story({ kind: ['decision_wait'] })).toEqual([`decision_wait:${word}`]);
  expect((await newest(it)).detail).toContain(why);
  show(it, DOWN, { state: 'active' });
  await leap(it, 16_000);
  expect(it.world.acts).toEqual(['poke a']);
});

test.each<[string, Partial<Seen>, string]>([
  ['active', { state: 'active' }, 'alertmanager'],
  [
    'absent from an Alertmanager that has just started',
    { state: 'absent', witnessed: false },
    'alertmanager',
  ],
  ['absent, but somebody else sent it', { state: 'absent' }, 'curl'],
])('%s: it acts', async (_, seen, source) => {
  const it = await start({ rules: RULES });
  show(it, DOWN, seen);
  const alerts = [{ status: 'firing', labels: DOWN, startsAt: new Date(it.clock.now()) }];
  await it.machine.intake.accept({
    body: Buffer.from(JSON.stringify({ version: '4', status: 'firing', alerts })),
    source,
    trace_id: null,
    parent_span_id: null,
  });
  await it.settle();
  expect(it.world.acts).toEqual(['poke a']);
});

test('absent, and then it is known to have resolved: it ends, and nothing was done', async () => {
  const it = await start({ rules: RULES });
  show(it, DOWN, { state: 'absent' });
  await it.post({ labels: DOWN });
  await leap(it, 30_000);
  await it.post({ labels: DOWN, status: 'resolved' });
  expect(await newest(it)).toMatchObject({ outcome: 'refused', reason: 'resolved' });
  expect(it.world.acts).toEqual([]);
});

test('silenced between planning and the second look: nothing begins', async () => {
  const it = await start({ rules: RULES });
  show(it, DOWN, { state: 'active' });
  it.world.onResolve = () => {
    it.world.onResolve = undefined;
    it.clock.jump(it.clock.now() + 6_000);
    show(it, DOWN, { state: 'suppressed', silenced_by: ['s1'] });
  };
  await it.post({ labels: DOWN });
  expect(it.world.acts).toEqual([]);
  expect((await newest(it)).reason).toBe('silenced');
});

test('blind: nothing begins, whatever fires, until it can see again', async () => {
  const it = await start({ rules: RULES });
  it.watch.reasons.push('Prometheus has not answered for 60s');
  await it.post({ labels: DOWN });
  await leap(it, 60_000);
  expect(it.world.acts).toEqual([]);
  expect(await newest(it)).toMatchObject({ reason: 'blind', detail: it.watch.reasons[0] });
  it.watch.reasons.length = 0;
  await leap(it, 16_000);
  expect(it.world.acts).toEqual(['poke a']);
});

test('a Watchdog that the policy expects and that stays away makes it blind', async () => {
  const it = await start({ rules: RULES, policy: 'watchdog: { within: 5m }\n' });
  await leap(it, 4 * 60_000);
  expect(it.engine.watchdog.missing()).toEqual([]);
  await leap(it, 2 * 60_000);
  expect(it.engine.watchdog.missing()).toHaveLength(1);
  await it.post({ labels: { alertname: 'Watchdog' } });
  expect(it.engine.watchdog.missing()).toEqual([]);
});

function verifying(verify: string): { 'thing-down': string } {
  return { 'thing-down': RULES['thing-down'].replace('within: 1m, resolved: true', verify) };
}

async function resolve(it: Rig): Promise<void> {
  await it.post({ labels: DOWN, status: 'resolved' });
}

test('a resolve while blind is no success: inconclusive, and a human is told', async () => {
  const policy = 'notifiers: { page: { url: "http://127.0.0.1:1/" } }\n';
  const it = await start({ rules: { 'thing-down': pokeRule(`${EASY}otherwise: page\n`) }, policy });
  await it.post({ labels: DOWN });
  it.watch.reasons.push('the Watchdog is missing');
  await resolve(it);
  await leap(it, 30_000);
  expect((await newest(it)).state).toBe('verifying');
  await leap(it, 35_000);
  expect(await newest(it)).toMatchObject({ outcome: 'escalated', reason: 'inconclusive' });
  expect(await it.story({ kind: ['verify_ok', 'verify_fail'] })).toEqual([
    'verify_fail:inconclusive',
  ]);
  expect(it.sent).toHaveLength(1);
});

test('a resolve while blind counts once it can see again in time', async () => {
  const it = await start({ rules: RULES });
  await it.post({ labels: DOWN });
  it.watch.reasons.push('the Watchdog is missing');
  await resolve(it);
  await leap(it, 30_000);
  it.watch.reasons.length = 0;
  await leap(it, 5_000);
  expect(await newest(it)).toMatchObject({ outcome: 'healed', reason: 'verified' });
});

test('it resolves and fires again within `for`: flapped, not healed', async () => {
  const it = await start({ rules: verifying('within: 5m, resolved: true, for: 1m') });
  await it.post({ labels: DOWN });
  await leap(it, 10_000);
  await resolve(it);
  await leap(it, 30_000);
  expect((await newest(it)).state).toBe('verifying');
  await it.post({ labels: DOWN });
  await leap(it, 35_000);
  expect(await it.story({ kind: ['verify_ok', 'verify_fail'] })).toEqual(['verify_fail:flapped']);
  expect(it.world.acts).toEqual(['poke a', 'poke a']);
});

test('it fires again and resolves again between two looks: flapped all the same', async () => {
  const it = await start({ rules: verifying('within: 5m, resolved: true, for: 1m') });
  await it.post({ labels: DOWN });
  await it.advance(500);
  await resolve(it);
  await it.advance(500);
  await it.post({ labels: DOWN });
  await it.advance(500);
  await resolve(it);
  await leap(it, 65_000);
  expect(await it.story({ kind: ['verify_ok', 'verify_fail'] })).toEqual(['verify_fail:flapped']);
});

test('it resolves and stays away for `for`: healed, and not sooner', async () => {
  const it = await start({ rules: verifying('within: 5m, resolved: true, for: 1m') });
  await it.post({ labels: DOWN });
  await resolve(it);
  await leap(it, 55_000, 1_000);
  expect((await newest(it)).state).toBe('verifying');
  await leap(it, 7_000, 1_000);
  expect((await newest(it)).outcome).toBe('healed');
});

/** What the expression says at each time; undefined: Prometheus does not answer. */
test.each<[string, readonly [number, boolean | undefined][], object]>([
  [
    'holds',
    [
      [0, false],
      [60_000, true],
    ],
    { outcome: 'healed' },
  ],
  [
    'held and broke again',
    [
      [0, true],
      [20_000, false],
    ],
    { outcome: 'escalated', reason: 'flapped' },
  ],
  [
    'held, broke, and holds again',
    [
      [0, true],
      [20_000, false],
      [60_000, true],
    ],
    { outcome: 'healed' },
  ],
  ['never held', [[0, false]], { outcome: 'escalated', reason: 'not_healed' }],
  ['nobody can say', [[0, undefined]], { outcome: 'escalated', reason: 'inconclusive' }],
  [
    'held, then nobody can say',
    [
      [0, true],
      [20_000, undefined],
    ],
    { outcome: 'escalated', reason: 'inconclusive' },
  ],
])('PromQL that %s', async (_, said, end) => {
  const it = await start({ rules: verifying("within: 3m, promql: 'up == 1', for: 1m") });
  const began_at = it.clock.now();
  for (const [at, holds] of said) {
    await leap(it, began_at + at - it.clock.now(), 1_000);
    if (holds === undefined) it.promql.delete('up == 1');
    else it.promql.set('up == 1', holds);
    if (at === 0) await it.post({ labels: DOWN });
  }
  await leap(it, began_at + 185_000 - it.clock.now(), 1_000);
  expect(await newest(it)).toMatchObject(end);
});

test('settle: nothing that is seen before it counts, neither health nor failure', async () => {
  const world = newWorld({ a: 1 });
  world.health = 'failed';
  const it = await start({ rules: verifying('within: 2m, health: true, settle: 30s'), world });
  await it.post({ labels: DOWN });
  await leap(it, 29_000, 1_000);
  expect((await newest(it)).verify).toMatchObject({ checks: 0 });
  world.health = 'healthy';
  await leap(it, 3_000, 1_000);
  expect(await newest(it)).toMatchObject({ outcome: 'healed' });
});

test('a resolve within settle is not yet evidence, and is afterwards', async () => {
  const it = await start({ rules: verifying('within: 2m, resolved: true, settle: 30s') });
  await it.post({ labels: DOWN });
  await resolve(it);
  await leap(it, 25_000, 1_000);
  expect((await newest(it)).state).toBe('verifying');
  await leap(it, 7_000, 1_000);
  expect((await newest(it)).outcome).toBe('healed');
});
