import { expect, test } from 'vitest';
import { ActionError } from '../../src/action.ts';
import { fingerprintOf } from '../../src/core/alerts/fingerprint.ts';
import { newWorld } from '../fakes/world.ts';
import { ANN, answer, DOWN, EASY, leap, newest, pokeRule, raiseRule } from './moves.ts';
import { type Rig, startRig, useRig } from './rig.ts';

/** What operators do to single remediations: run, cancel, undo. None of them goes around a guard. */
const start = useRig();

const FINGERPRINT = fingerprintOf(DOWN);
/** Matches nothing by itself. */
const BY_HAND = pokeRule(EASY, 'by-hand').replace('ThingDown', 'NeverFires');
const TWO_STEPS = `
name: thing-down
summary: Pokes a thing, then another.
matchers: ['alertname="ThingDown"']
steps:
  - { action: poke, with: { thing: a }, verify: { within: 1m, resolved: true } }
  - { action: poke, with: { thing: b }, verify: { within: 1m, resolved: true } }
${EASY}`;

function runByHand(it: Rig, rule = 'by-hand') {
  return it.machine.operations.run({ rule, fingerprint: FINGERPRINT, ...ANN });
}

test('run by hand: a rule that does not match acts on the alert, in the operator’s name', async () => {
  const it = await start({ rules: { 'by-hand': BY_HAND } });
  await it.post({ labels: DOWN });
  expect(it.world.acts).toEqual([]);
  const made = await runByHand(it);
  await it.settle();
  expect(it.world.acts).toEqual(['poke a']);
  expect(await newest(it)).toMatchObject({ id: made.id, started_by: 'ann', rule: 'by-hand' });
  expect(await it.audit({ kind: ['decision_run'] })).toMatchObject([
    { ...ANN, result: 'by_hand', remediation: made.id },
  ]);
  await it.post({ labels: DOWN, status: 'resolved' });
  expect(await newest(it)).toMatchObject({ outcome: 'healed', started_by: 'ann' });
});

test.each<[string, string, (it: Rig) => unknown]>([
  ['paused', 'paused', (it) => it.engine.operator.pause({ ...ANN, until: null })],
  ['not opted in', 'not_opted_in', (it) => it.world.strangers.add('a')],
  [
    'silenced',
    'silenced',
    (it) => {
      it.watch.configured = true;
      it.watch.sights.set(FINGERPRINT, { state: 'suppressed', silenced_by: ['s'] });
    },
  ],
])('run by hand, but %s: the guards ask as ever', async (_, reason, prepare) => {
  const it = await start({ rules: { 'by-hand': BY_HAND } });
  await it.post({ labels: DOWN });
  await prepare(it);
  await runByHand(it);
  await it.settle();
  expect(it.world.acts).toEqual([]);
  expect((await newest(it)).reason).toBe(reason);
});

test('a second run by hand is refused while one is under way, also of two at one instant', async () => {
  const it = await start({ rules: { 'by-hand': BY_HAND } });
  await it.post({ labels: DOWN });
  const both = await Promise.allSettled([runByHand(it), runByHand(it)]);
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  await it.settle();
  await expect(runByHand(it)).rejects.toMatchObject({ code: 'conflict' });
  expect(it.world.acts).toEqual(['poke a']);
  await leap(it, 65_000);
  expect((await newest(it)).state).toBe('done');
  await runByHand(it);
  await it.settle();
  expect(it.world.acts).toEqual(['poke a', 'poke a']);
});

test('what cannot be run by hand', async () => {
  const it = await start({ rules: { 'by-hand': BY_HAND } });
  await expect(runByHand(it)).rejects.toMatchObject({ code: 'conflict' });
  await expect(runByHand(it, 'none')).rejects.toMatchObject({ code: 'not_found' });
  await it.post({ labels: DOWN });
  await it.post({ labels: DOWN, status: 'resolved' });
  await expect(runByHand(it)).rejects.toMatchObject({ code: 'conflict' });
  expect(await it.store.listRemediations({ limit: 1 })).toMatchObject({ items: [] });
});

test('cancelled while it waits: it ends, nothing is done, and the log says who', async () => {
  const it = await start({ rules: { 'thing-down': pokeRule(`mode: approve\n${EASY}`) } });
  await it.post({ labels: DOWN });
  const { id } = await newest(it);
  await it.machine.operations.cancel(id, ANN);
  await it.settle();
  expect(await newest(it)).toMatchObject({ outcome: 'cancelled', reason: 'operator' });
  expect(await it.audit({ result: ['cancel_requested'] })).toMatchObject([ANN]);
  await expect(answer(it, 'grant')).rejects.toMatchObject({ code: 'conflict' });
  await it.post({ labels: DOWN });
  expect(it.world.acts).toEqual([]);
  await expect(it.machine.operations.cancel(id, ANN)).rejects.toMatchObject({ code: 'conflict' });
});

test.each<[string, boolean, object]>([
  ['it heals', true, { outcome: 'healed' }],
  ['it does not: no next step, and nobody is paged', false, { outcome: 'cancelled' }],
])('cancelled while it verifies, and %s', async (_, heals, end) => {
  const it = await start({ rules: { 'thing-down': TWO_STEPS }, world: newWorld({ a: 1, b: 1 }) });
  await it.post({ labels: DOWN });
  const { id } = await newest(it);
  await it.machine.operations.cancel(id, ANN);
  await leap(it, 10_000);
  expect((await newest(it)).state).toBe('verifying');
  if (heals) await it.post({ labels: DOWN, status: 'resolved' });
  await leap(it, 65_000);
  expect(it.world.acts).toEqual(['poke a']);
  expect(await newest(it)).toMatchObject(end);
  expect(await it.audit({ kind: ['verify_ok', 'verify_fail'] })).toHaveLength(1);
});

test('cancelled while a worker is planning it: its write does not lose the wish', async () => {
  const it = await start({ rules: { 'thing-down': TWO_STEPS }, world: newWorld({ a: 1, b: 1 }) });
  it.world.onResolve = async () => {
    it.world.onResolve = undefined;
    await it.machine.operations.cancel((await newest(it)).id, ANN);
  };
  await it.post({ labels: DOWN });
  await leap(it, 70_000);
  expect(it.world.acts).not.toContain('poke b');
  expect(await newest(it)).toMatchObject({ outcome: 'cancelled', cancel: ANN });
});

test('cancelled after a crash in the middle of an action: it is not begun again', async () => {
  const world = newWorld({ a: 2 });
  const options = { rules: { raise: raiseRule() }, world };
  const labels = { alertname: 'Backlog' };
  const first = await startRig(options);
  world.failures.push('hang');
  await first.post({ labels });
  await first.abandon();
  world.onResolve = undefined;
  const it = await startRig({ ...options, dir: first.dir, clock: first.clock, mode: 'paused' });
  await it.machine.operations.cancel((await newest(it)).id, ANN);
  await it.abandon();
  const last = await start({ ...options, dir: first.dir, clock: first.clock });
  await leap(last, 90_000);
  expect(world.acts).toEqual([]);
  expect(await newest(last)).toMatchObject({ outcome: 'cancelled' });
  expect(await last.store.activeLeases()).toEqual([]);
});

const BACKLOG = { alertname: 'Backlog' };
const SLOW = { alertname: 'SlowWorkers' };
const TWO_RULES = {
  first: raiseRule(EASY, 4, 'first', 'Backlog'),
  second: raiseRule(EASY, 4, 'second', 'SlowWorkers'),
};

test('undo: the lease is reverted now although both of its alerts fire', async () => {
  const world = newWorld({ a: 2 });
  const it = await start({ rules: TWO_RULES, world });
  await it.post({ labels: BACKLOG });
  const { id } = await newest(it);
  await leap(it, 305_000);
  await it.post({ labels: SLOW });
  await leap(it, 305_000);
  const [lease] = await it.store.activeLeases();
  expect(lease?.holders).toHaveLength(2);
  expect(world.values.get('a')).toBe(4);
  const undone = await it.machine.operations.undo(id, ANN);
  expect(undone.map((each) => each.id)).toEqual([lease?.id]);
  await it.settle();
  expect(world.acts).toEqual(['set a=4', 'revert a=2']);
  expect(await it.audit({ kind: ['lease_expired', 'revert_ok'] })).toMatchObject([
    { kind: 'lease_expired', ...ANN, result: 'undo_requested', remediation: id },
    { kind: 'revert_ok', reason: 'operator' },
  ]);
  await expect(it.machine.operations.undo(id, ANN)).rejects.toMatchObject({ code: 'conflict' });
  await leap(it, 60_000);
  expect(world.values.get('a')).toBe(2);
});

test('who comes while an undo waits does not join the lease that ends', async () => {
  const world = newWorld({ a: 2 });
  const it = await start({ rules: TWO_RULES, world });
  await it.post({ labels: BACKLOG });
  const { id } = await newest(it);
  await leap(it, 305_000);
  await it.engine.operator.pause({ ...ANN, until: null });
  await it.machine.operations.undo(id, ANN);
  await it.post({ labels: SLOW });
  await it.engine.operator.resume(ANN);
  await leap(it, 40_000);
  expect(world.acts).toEqual(['set a=4', 'revert a=2', 'set a=4']);
  const [lease] = await it.store.activeLeases();
  expect(lease?.holders).toMatchObject([{ remediation_id: (await newest(it)).id }]);
});

test('what could not be reverted and was given up is tried again when an operator says so', async () => {
  const world = newWorld({ a: 2 });
  const it = await start({ rules: { raise: raiseRule() }, world });
  await it.post({ labels: BACKLOG });
  world.onExecute = () => {
    throw new ActionError('rejected', 'no', { retryable: false });
  };
  await it.post({ labels: BACKLOG, status: 'resolved' });
  await leap(it, 40 * 60_000, 15_000);
  expect(await it.audit({ kind: ['escalated'] })).toMatchObject([{ reason: 'revert_failed' }]);
  expect(await it.store.activeLeases()).toEqual([]);
  world.onExecute = undefined;
  await leap(it, 10 * 60_000, 15_000);
  expect(world.values.get('a')).toBe(4);
  await it.machine.operations.undo((await newest(it)).id, ANN);
  await it.settle();
  expect(world.values.get('a')).toBe(2);
  expect((await it.store.lastLease('thing/a'))?.state).toBe('reverted');
});

test('an undo waits for the verdict of what is verified on the target', async () => {
  const world = newWorld({ a: 2 });
  const it = await start({ rules: { raise: raiseRule() }, world });
  await it.post({ labels: BACKLOG });
  await it.machine.operations.undo((await newest(it)).id, ANN);
  await leap(it, 60_000);
  expect(world.values.get('a')).toBe(4);
  await leap(it, 245_000);
  expect(world.values.get('a')).toBe(2);
});
