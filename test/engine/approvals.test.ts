import { expect, test } from 'vitest';
import { ActionError } from '../../src/action.ts';
import { newWorld } from '../fakes/world.ts';
import { ANN, answer, DOWN, EASY, leap, newest, pokeRule, question } from './moves.ts';
import { type Rig, startRig, useRig } from './rig.ts';

/** Plans that a person has to grant. */
const start = useRig();

const ASKS = `mode: approve\n${EASY}`;
const PAGE = 'notifiers: { page: { url: "http://127.0.0.1:1/" } }\n';
const TELLS = `${PAGE}approvals: { notify: page }\n`;
const TWO_STEPS = `
name: thing-down
summary: Pokes a thing, then again.
matchers: ['alertname="ThingDown"']
mode: approve
steps:
  - { action: poke, with: { thing: a }, verify: { within: 1m, resolved: true } }
  - { action: poke, with: { thing: b }, verify: { within: 1m, resolved: true } }
${EASY}`;
const BY_TWO = `
name: thing-down
summary: Raises a thing.
matchers: ['alertname="ThingDown"']
mode: approve
steps:
  - { action: set_thing, with: { thing: a, by: 2 }, verify: { within: 1m, resolved: true } }
${EASY}`;

test.each<[string, Parameters<typeof start>[0]]>([
  ['the rule', { rules: { 'thing-down': pokeRule(ASKS) }, policy: TELLS }],
  ['the service', { rules: { 'thing-down': pokeRule() }, policy: TELLS, mode: 'approve' }],
])('%s asks: nothing is done until it is granted, then once', async (_whose, options) => {
  const it = await start(options);
  await it.post({ labels: DOWN });
  expect(it.world.acts).toEqual([]);
  const asked = await question(it);
  expect(asked).toMatchObject({ state: 'asked', role: 'operator', cmds: ['poke a'] });
  expect(await it.machine.approvals.open()).toEqual([asked]);
  expect(await it.audit({ kind: ['approval_requested'] })).toMatchObject([
    { reason: 'approval', target: null, detail: { plan_hash: asked.plan_hash, cmds: ['poke a'] } },
  ]);
  expect(it.sent).toMatchObject([{ name: 'page', message: { fields: { cmds: ['poke a'] } } }]);
  await answer(it, 'grant');
  expect(it.world.acts).toEqual(['poke a']);
  expect(await it.audit({ kind: ['approval_granted'] })).toMatchObject([ANN]);
  expect(await it.machine.approvals.open()).toEqual([]);
  await leap(it, 30_000);
  await it.post({ labels: DOWN, status: 'resolved' });
  expect(it.world.acts).toEqual(['poke a']);
  expect((await newest(it)).outcome).toBe('healed');
});

test('nobody is told where the policy names the log, and nothing fails for it', async () => {
  const it = await start({
    rules: { 'thing-down': pokeRule(ASKS) },
    policy: 'approvals: { notify: log }\n',
  });
  await it.post({ labels: DOWN });
  expect(it.sent).toEqual([]);
  expect(it.engine.breakers.state('notify')).toBe('closed');
  await answer(it, 'grant');
  expect(it.world.acts).toEqual(['poke a']);
});

async function spendBudget(it: Rig): Promise<void> {
  for (const thing of ['x', 'y', 'z']) {
    it.world.failures.push(new ActionError('rejected', 'no', { retryable: false }));
    await it.post({ labels: { ...DOWN, thing } });
  }
  await leap(it, 40_000);
}

test('a spent error budget makes every plan ask, where the policy enforces it', async () => {
  const world = newWorld({ a: 1, x: 1, y: 1, z: 1 });
  const more = EASY.replace(' }', ', approval: { within: 2h } }');
  const it = await start({
    rules: { 'thing-down': pokeRule(more) },
    policy: 'budget: { enforce: true }\n',
    world,
  });
  await spendBudget(it);
  await it.post({ labels: DOWN });
  expect(world.acts).toEqual([]);
  expect(await question(it)).toMatchObject({ state: 'asked', cmds: ['poke a'] });
  expect((await newest(it)).reason).toBe('budget');
  // Nobody answers; the failures leave the window, and then it need not ask any more.
  await leap(it, 3_650_000, 10_000);
  expect(world.acts).toEqual(['poke a']);
  expect(await it.machine.approvals.open()).toEqual([]);
});

test('a spent error budget is only reported where the policy does not enforce it', async () => {
  const world = newWorld({ a: 1, x: 1, y: 1, z: 1 });
  const it = await start({ rules: { 'thing-down': pokeRule() }, world });
  await spendBudget(it);
  await it.post({ labels: DOWN });
  expect(world.acts).toEqual(['poke a']);
  expect((await newest(it)).guards?.values).toMatchObject([{ guard: 'budget', verdict: 'allow' }]);
});

test('one grant starts one run: the next step asks again', async () => {
  const it = await start({
    rules: { 'thing-down': TWO_STEPS },
    world: newWorld({ a: 1, b: 1 }),
  });
  await it.post({ labels: DOWN });
  const first = await question(it);
  await answer(it, 'grant');
  expect(await question(it)).toMatchObject({ id: first.id, state: 'used' });
  await leap(it, 65_000);
  expect(it.world.acts).toEqual(['poke a']);
  expect(await question(it)).toMatchObject({ state: 'asked', cmds: ['poke b'] });
  await expect(answer(it, 'grant', { plan_hash: first.plan_hash })).rejects.toMatchObject({
    code: 'conflict',
  });
  await answer(it, 'grant');
  expect(it.world.acts).toEqual(['poke a', 'poke b']);
});

test('a crash between the grant and the intent keeps the grant, and acts once', async () => {
  const world = newWorld({ a: 1 });
  const options = { rules: { 'thing-down': pokeRule(ASKS) }, world };
  const first = await startRig(options);
  await first.post({ labels: DOWN });
  first.hooks.set('claimRemediations', () => Promise.reject(new Error('it dies')));
  await answer(first, 'grant');
  expect(world.acts).toEqual([]);
  await first.abandon();
  const it = await start({ ...options, dir: first.dir, clock: first.clock });
  await it.settle();
  expect(world.acts).toEqual(['poke a']);
  expect(await question(it)).toMatchObject({ state: 'used' });
  expect(await it.audit({ kind: ['approval_requested'] })).toHaveLength(1);
});

test('a restart keeps the question, and does not ask twice', async () => {
  const world = newWorld({ a: 1 });
  const options = { rules: { 'thing-down': pokeRule(ASKS) }, world };
  const first = await startRig(options);
  await first.post({ labels: DOWN });
  const asked = await question(first);
  await first.abandon();
  const it = await start({ ...options, dir: first.dir, clock: first.clock });
  await it.settle();
  expect(await it.machine.approvals.open()).toEqual([asked]);
  await answer(it, 'grant');
  expect(world.acts).toEqual(['poke a']);
});

test('what was granted is what runs: a plan that changed since asks anew', async () => {
  const world = newWorld({ a: 1 });
  const it = await start({ rules: { 'thing-down': BY_TWO }, world });
  await it.post({ labels: DOWN });
  const first = await question(it);
  expect(first.cmds).toEqual(['set a=3']);
  world.values.set('a', 5);
  await answer(it, 'grant');
  expect(world.acts).toEqual([]);
  const second = await question(it);
  expect(second).toMatchObject({ state: 'asked', cmds: ['set a=7'] });
  expect(await it.machine.approvals.open()).toEqual([second]);
  await expect(answer(it, 'grant', { plan_hash: first.plan_hash })).rejects.toMatchObject({
    code: 'conflict',
  });
  await answer(it, 'grant');
  expect(world.acts).toEqual(['set a=7']);
});

test('denied: it ends quietly, nothing is done, and a second answer comes too late', async () => {
  const it = await start({
    rules: { 'thing-down': `${pokeRule(ASKS)}otherwise: page\n` },
    policy: PAGE,
  });
  await it.post({ labels: DOWN });
  await answer(it, 'deny');
  expect(await newest(it)).toMatchObject({ outcome: 'refused', reason: 'approval' });
  await expect(answer(it, 'grant')).rejects.toMatchObject({ code: 'conflict' });
  await it.post({ labels: DOWN });
  expect(it.world.acts).toEqual([]);
  expect(it.sent).toEqual([]);
  expect(await it.audit({ kind: ['approval_denied'] })).toMatchObject([ANN]);
});

test('nobody answered in time: a human is told, and nothing is done', async () => {
  const it = await start({
    rules: { 'thing-down': `${pokeRule(ASKS)}otherwise: page\n` },
    policy: PAGE,
  });
  await it.post({ labels: DOWN });
  const { remediation_id, plan_hash } = await question(it);
  await leap(it, 31 * 60_000);
  expect(it.world.acts).toEqual([]);
  expect(await newest(it)).toMatchObject({ outcome: 'escalated', reason: 'approval' });
  expect(it.sent).toHaveLength(1);
  expect(await it.machine.approvals.open()).toEqual([]);
  const late = it.machine.approvals.grant(remediation_id, { ...ANN, plan_hash, role: 'operator' });
  await expect(late).rejects.toMatchObject({ code: 'conflict' });
});

test('the alert resolves while it is asked: it ends, and the question is nobody’s any more', async () => {
  const it = await start({ rules: { 'thing-down': pokeRule(ASKS) } });
  await it.post({ labels: DOWN });
  await it.post({ labels: DOWN, status: 'resolved' });
  expect(await newest(it)).toMatchObject({ outcome: 'refused', reason: 'resolved' });
  expect(await it.machine.approvals.open()).toEqual([]);
  await expect(answer(it, 'grant')).rejects.toMatchObject({ code: 'conflict' });
  expect(it.world.acts).toEqual([]);
});

test.each(['pause', 'hold'] as const)('a %s still stops what was granted', async (what) => {
  const it = await start({ rules: { 'thing-down': pokeRule(ASKS) } });
  await it.post({ labels: DOWN });
  if (what === 'pause') await it.engine.operator.pause({ ...ANN, until: null });
  const about = { alertname: null, fingerprint: null, episode: null, rule: null };
  const on_target = { ...about, target: 'thing/a', kind: 'hold' as const, until: null, ...ANN };
  const hold = what === 'hold' ? await it.machine.holds.place(on_target) : undefined;
  await answer(it, 'grant');
  await leap(it, 60_000);
  expect(it.world.acts).toEqual([]);
  expect((await newest(it)).reason).toBe(what === 'pause' ? 'paused' : 'held');
  if (hold === undefined) await it.engine.operator.resume(ANN);
  else await it.machine.holds.end(hold.id, ANN);
  await leap(it, 1_000);
  expect(it.world.acts).toEqual(['poke a']);
  expect(await it.audit({ kind: ['approval_requested'] })).toHaveLength(1);
});

test('where the rule wants an admin, an operator cannot answer', async () => {
  const more = `mode: approve\n${EASY.replace(' }', ', approval: { from: admin } }')}`;
  const it = await start({ rules: { 'thing-down': pokeRule(more) } });
  await it.post({ labels: DOWN });
  for (const how of ['grant', 'deny'] as const)
    await expect(answer(it, how)).rejects.toMatchObject({ code: 'forbidden' });
  expect(it.world.acts).toEqual([]);
  await answer(it, 'grant', { role: 'admin' });
  expect(it.world.acts).toEqual(['poke a']);
});

test('what never asked cannot be answered', async () => {
  const it = await start({ rules: { 'thing-down': pokeRule() } });
  await it.post({ labels: DOWN });
  const { id } = await newest(it);
  const by = { ...ANN, plan_hash: 'x', role: 'admin' as const };
  await expect(it.machine.approvals.grant(id, by)).rejects.toMatchObject({ code: 'conflict' });
  await expect(it.machine.approvals.deny('none', by)).rejects.toMatchObject({ code: 'not_found' });
});
