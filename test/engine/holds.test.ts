import { expect, test } from 'vitest';
import type { HoldSelector } from '../../src/core/healing/hold.ts';
import { ActionError } from '../../src/action.ts';
import { fingerprintOf } from '../../src/core/alerts/fingerprint.ts';
import { HOLDS_MAX } from '../../src/engine/holds.ts';
import * as values from '../fakes/values.ts';
import { newWorld } from '../fakes/world.ts';
import { ANN, DOWN, EASY, leap, newest, pokeRule } from './moves.ts';
import { type Rig, useRig } from './rig.ts';

/** Healing that an operator, or autoheal itself, stopped for a part of the world. */
const start = useRig();

const RULES = { 'thing-down': pokeRule() };
const CHILD = { ...DOWN, thing: 'svc.1' };
const EVERYTHING = { alertname: null, fingerprint: null, episode: null, rule: null, target: null };

function hold(it: Rig, about: Partial<HoldSelector>, until: number | null = null) {
  return it.machine.holds.place({ ...EVERYTHING, ...about, kind: 'hold', until, ...ANN });
}

test.each<[string, Partial<HoldSelector>]>([
  ['the alertname', { alertname: 'ThingDown' }],
  ['the fingerprint', { fingerprint: fingerprintOf(CHILD) }],
  ['the rule', { rule: 'thing-down' }],
  ['the target’s id', { target: 'thing/svc.1' }],
  ['the target’s name', { target: 'svc.1' }],
  ['the target’s parent', { target: 'thing/svc' }],
  ['rule and target together', { rule: 'thing-down', target: 'thing/svc' }],
])(
  'a hold on %s: it waits as held until the hold is ended, and goes on at once',
  async (_, about) => {
    const it = await start({ rules: RULES, world: newWorld({ 'svc.1': 1 }) });
    const placed = await hold(it, about);
    await it.post({ labels: CHILD });
    await leap(it, 120_000);
    expect(it.world.acts).toEqual([]);
    expect(await it.story({ kind: ['decision_wait'] })).toEqual(['decision_wait:held']);
    expect((await newest(it)).detail).toContain('ann holds');
    await it.machine.holds.end(placed.id, ANN);
    await it.settle();
    expect(it.world.acts).toEqual(['poke svc.1']);
    expect(await it.audit({ kind: ['hold', 'unhold'] })).toMatchObject([
      { kind: 'hold', ...ANN },
      { kind: 'unhold', ...ANN },
    ]);
  },
);

test.each<[string, Partial<HoldSelector>]>([
  ['another alertname', { alertname: 'Other' }],
  ['another rule', { rule: 'other' }],
  ['a sibling', { target: 'thing/svc.2' }],
  ['its alertname, but another rule', { alertname: 'ThingDown', rule: 'other' }],
])('a hold on %s is not about it', async (_, about) => {
  const it = await start({ rules: RULES, world: newWorld({ 'svc.1': 1 }) });
  await hold(it, about);
  await it.post({ labels: CHILD });
  expect(it.world.acts).toEqual(['poke svc.1']);
});

test('a hold on nothing is refused: that would be a pause', async () => {
  const it = await start({ rules: RULES });
  await expect(hold(it, {})).rejects.toMatchObject({ code: 'invalid_request' });
});

test('a hold ends by itself at its time, and no sooner', async () => {
  const it = await start({ rules: RULES });
  const placed = await hold(it, { rule: 'thing-down' }, it.clock.now() + 60_000);
  await it.post({ labels: DOWN });
  await leap(it, 59_000, 1_000);
  expect(it.world.acts).toEqual([]);
  await leap(it, 2_000, 1_000);
  expect(it.world.acts).toEqual(['poke a']);
  expect(await it.machine.holds.standing()).toEqual([]);
  await expect(it.machine.holds.end(placed.id, ANN)).rejects.toMatchObject({ code: 'conflict' });
});

test('an acknowledged episode is left to the person; the next one is not', async () => {
  const it = await start({ rules: { 'thing-down': pokeRule(`mode: approve\n${EASY}`) } });
  await it.post({ labels: DOWN });
  const { episode_id } = await newest(it);
  await it.machine.holds.acknowledge({ episode: episode_id, until: null, ...ANN });
  await it.post({ labels: DOWN });
  await leap(it, 31 * 60_000);
  expect(await newest(it)).toMatchObject({ state: 'waiting', reason: 'held' });
  expect(await it.audit({ kind: ['ack'] })).toMatchObject([{ episode: episode_id, ...ANN }]);
  await it.post({ labels: DOWN, status: 'resolved' });
  expect(await it.machine.holds.standing()).toEqual([]);
  const over = it.machine.holds.acknowledge({ episode: episode_id, until: null, ...ANN });
  await expect(over).rejects.toMatchObject({ code: 'conflict' });
  await it.advance(1_000);
  await it.post({ labels: DOWN });
  expect(await newest(it)).toMatchObject({ state: 'waiting', reason: 'approval' });
});

test('a hold that is placed while the plan is being made is seen before anything begins', async () => {
  const it = await start({ rules: RULES });
  it.world.onResolve = async () => {
    it.world.onResolve = undefined;
    await hold(it, { target: 'a' });
  };
  await it.post({ labels: DOWN });
  expect(it.world.acts).toEqual([]);
  expect(await it.story({ kind: ['decision_wait'] })).toEqual(['decision_wait:held']);
});

const PAGED = {
  rules: { 'thing-down': pokeRule(`${EASY}otherwise: page\n`) },
  policy: 'notifiers: { page: { url: "http://127.0.0.1:1/" } }\n',
};

/** One run that ends: `healed`, `not` (it does not help), `failed` (it cannot be done), `blind`. */
async function run(it: Rig, n: number, end: 'healed' | 'not' | 'failed' | 'blind', more = {}) {
  const labels = { ...DOWN, n: String(n), ...more };
  if (end === 'failed')
    it.world.failures.push(new ActionError('rejected', 'no', { retryable: false }));
  await it.post({ labels });
  if (end === 'blind') it.watch.reasons.push('nobody can look');
  if (end === 'healed' || end === 'blind') await it.post({ labels, status: 'resolved' });
  if (end === 'not' || end === 'blind') await leap(it, 65_000);
  it.watch.reasons.length = 0;
  await it.settle();
}

test('what healed in none of three runs is quarantined: refused, and a human is told once', async () => {
  const it = await start(PAGED);
  await run(it, 1, 'not');
  await run(it, 2, 'blind');
  expect(await it.machine.holds.standing()).toEqual([]);
  await run(it, 3, 'failed');
  const [quarantine] = await it.machine.holds.standing();
  expect(quarantine).toMatchObject({
    kind: 'quarantine',
    rule: 'thing-down',
    target: 'thing/a',
    actor: 'autoheal',
    reason: 'rule thing-down healed a in none of its last 3 runs',
  });
  const acts = it.world.acts.length;
  const told = it.sent.length;
  await it.post({ labels: DOWN });
  await it.post({ labels: DOWN });
  await leap(it, 60_000);
  expect(it.world.acts).toHaveLength(acts);
  expect(await newest(it)).toMatchObject({ outcome: 'escalated', reason: 'quarantined' });
  expect(it.sent).toHaveLength(told + 1);
  expect(await it.story({ kind: ['decision_run'] })).toHaveLength(4);
});

test.each(['released by an operator', 'over after its time'])(
  'a quarantine that is %s: the next repeat of an alert that it refused starts a run',
  async (how) => {
    const it = await start({ ...PAGED, policy: `${PAGED.policy}quarantine: { for: 10m }\n` });
    for (const n of [1, 2, 3]) await run(it, n, 'failed');
    await it.post({ labels: DOWN });
    expect((await newest(it)).reason).toBe('quarantined');
    const acts = it.world.acts.length;
    const [quarantine] = await it.machine.holds.standing();
    if (how === 'over after its time') await leap(it, 10 * 60_000);
    else await it.machine.holds.end(quarantine?.id ?? '', ANN);
    await leap(it, 5_000);
    expect(it.world.acts).toHaveLength(acts);
    await it.post({ labels: DOWN });
    await it.post({ labels: DOWN });
    expect(it.world.acts).toHaveLength(acts + 1);
  },
);

test.each<[string, readonly Parameters<typeof run>[2][], object]>([
  [
    'a run that healed starts the count again',
    ['failed', 'failed', 'healed', 'failed', 'failed'],
    {},
  ],
  ['drills do not count', ['failed', 'failed', 'failed', 'failed'], { drill: 'true' }],
])('%s', async (_, ends, more) => {
  const it = await start(PAGED);
  for (const [n, end] of ends.entries()) await run(it, n, end, more);
  expect(await it.machine.holds.standing()).toEqual([]);
  await run(it, 99, 'healed', more);
  expect((await newest(it)).outcome).toBe('healed');
});

test('drills before it do not count either', async () => {
  const it = await start(PAGED);
  await run(it, 1, 'failed', { drill: 'true' });
  await run(it, 2, 'failed', { drill: 'true' });
  await run(it, 3, 'failed');
  expect(await it.machine.holds.standing()).toEqual([]);
});

test('steps that failed on purpose do not count', async () => {
  const chaos = { rate_pct: 100, seed: 1, for_ms: 15 * 60_000 };
  const it = await start({ ...PAGED, chaos });
  for (const n of [1, 2, 3, 4]) await run(it, n, 'healed');
  expect((await it.audit({ chaos: true, kind: ['action_fail'] })).length).toBeGreaterThan(2);
  expect(await it.machine.holds.standing()).toEqual([]);
});

test('people can place a hold however much is quarantined, and not without end', async () => {
  const it = await start({ rules: RULES });
  const until = it.clock.now() + 60_000;
  const many = (kind: 'quarantine' | 'hold') =>
    it.store.commit(
      Array.from({ length: HOLDS_MAX }, (_, n) => ({
        kind: 'hold_put' as const,
        hold: values.hold({ id: `${kind}-${n}`, rule: 'x', kind, until }),
      })),
    );
  await many('quarantine');
  await hold(it, { rule: 'y' });
  await many('hold');
  await expect(hold(it, { rule: 'z' })).rejects.toMatchObject({ code: 'conflict' });
});

test('another target of the same rule goes on', async () => {
  const it = await start({ ...PAGED, world: newWorld({ a: 1, b: 1 }) });
  for (const n of [1, 2, 3]) await run(it, n, 'failed');
  await it.post({ labels: { ...DOWN, thing: 'b' } });
  expect(it.world.acts.at(-1)).toBe('poke b');
});
