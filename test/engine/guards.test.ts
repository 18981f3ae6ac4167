import { expect, test } from 'vitest';
import { newWorld } from '../fakes/world.ts';
import { startRig, useRig } from './rig.ts';

const start = useRig();

function poke(guard = ''): string {
  return `
name: thing-down
summary: Pokes a thing that is down.
matchers: ['alertname="ThingDown"', 'thing=~".+"']
steps:
  - action: poke
    with: { thing: '{{ labels.thing }}' }
    verify: { within: 1m, resolved: true }
${guard}`;
}
const DOWN = { alertname: 'ThingDown', thing: 'a' };
const SLOW = 'guard: { max_age: 2h }\n';

test('paused: nothing begins, it says so once, and a resume lets it go on without a repeat', async () => {
  const world = newWorld({ a: 1 });
  const { post, engine, story, advance } = await start({
    rules: { 'thing-down': poke(SLOW) },
    world,
  });
  await engine.operator.pause({ actor: 'ann', reason: 'deploying', until: null });
  await post({ labels: DOWN });
  await advance(60_000);
  expect(world.acts).toEqual([]);
  expect(await story({ kind: ['decision_wait'] })).toEqual(['decision_wait:paused']);
  await engine.operator.resume({ actor: 'ann' });
  await advance(1_000);
  expect(world.acts).toEqual(['poke a']);
});

test('a pause with an end lifts by itself and is written down', async () => {
  const world = newWorld({ a: 1 });
  const { post, engine, audit, advance, clock } = await start({
    rules: { 'thing-down': poke(SLOW) },
    world,
  });
  await engine.operator.pause({ actor: 'ann', reason: 'deploying', until: clock.now() + 30_000 });
  await post({ labels: DOWN });
  await advance(35_000);
  expect(world.acts).toEqual(['poke a']);
  expect(await audit({ kind: ['resume'] })).toMatchObject([
    { reason: 'time_over', actor: 'autoheal' },
  ]);
});

test('a pause survives a restart; what the environment paused the API cannot lift', async () => {
  const world = newWorld({ a: 1 });
  const first = await startRig({ rules: { 'thing-down': poke() }, world });
  await first.engine.operator.pause({ actor: 'ann', reason: 'deploying', until: null });
  await first.abandon();
  const { dir, clock } = first;
  const second = await start({
    rules: { 'thing-down': poke() },
    world,
    dir,
    clock,
    mode: 'paused',
  });
  expect(second.engine.operator.paused()).toMatchObject({ actor: 'ann', reason: 'deploying' });
  await expect(second.engine.operator.resume({ actor: 'ann' })).rejects.toMatchObject({
    code: 'conflict',
  });
});

test('resolved while it waits: it ends quietly and never acts', async () => {
  const world = newWorld({ a: 1 });
  const { post, engine, story, sent } = await start({ rules: { 'thing-down': poke(SLOW) }, world });
  await engine.operator.pause({ actor: 'ann', reason: 'deploying', until: null });
  await post({ labels: DOWN });
  await engine.operator.resume({ actor: 'ann' });
  await post({ labels: DOWN, status: 'resolved' });
  const told = await story({ kind: ['action_start', 'decision_skip', 'remediation_done'] });
  expect([
    ['decision_skip:resolved', 'remediation_done:resolved'],
    ['action_start', 'remediation_done:verified'],
  ]).toContainEqual(told);
  expect(sent).toEqual([]);
});

test('stale: evidence older than max_age ends it; a repeat is fresh evidence and starts a new run', async () => {
  const world = newWorld({ a: 1 });
  const { post, engine, story, advance } = await start({
    rules: { 'thing-down': poke('guard: { max_age: 1m }\n') },
    world,
  });
  await engine.operator.pause({ actor: 'ann', reason: 'deploying', until: null });
  await post({ labels: DOWN });
  await advance(90_000);
  await engine.operator.resume({ actor: 'ann' });
  await advance(1_000);
  expect(world.acts).toEqual([]);
  expect(await story({ kind: ['remediation_done'] })).toEqual(['remediation_done:stale']);
  await post({ labels: DOWN });
  expect(world.acts).toEqual(['poke a']);
});

test('not opted in: refused, once and for all, with the way to opt in', async () => {
  const world = newWorld({ a: 1 });
  world.strangers.add('a');
  const { post, audit } = await start({ rules: { 'thing-down': poke() }, world });
  await post({ labels: DOWN });
  expect(world.acts).toEqual([]);
  expect((await audit({ kind: ['decision_skip'] }))[0]).toMatchObject({
    reason: 'not_opted_in',
    detail: { why: 'a (thing/a): label it autoheal=true' },
  });
});

test('busy: one remediation at a time on a target, the other waits and goes on after the verdict', async () => {
  const world = newWorld({ a: 1 });
  const rules = { 'thing-down': poke('guard: { cooldown: 0s }\n') };
  const { post, story, advance } = await start({ rules, world });
  const other = { ...DOWN, region: 'eu' };
  await post({ labels: DOWN });
  await post({ labels: other });
  expect(world.acts).toEqual(['poke a']);
  expect(await story({ kind: ['decision_wait'] })).toEqual(['decision_wait:busy']);
  await post({ labels: DOWN, status: 'resolved' });
  await advance(1_000);
  expect(world.acts).toEqual(['poke a', 'poke a']);
});

test('a child and its parent lock each other out; two children do not', async () => {
  const world = newWorld({ svc: 1, 'svc.1': 1, 'svc.2': 1 });
  const { post, story } = await start({ rules: { 'thing-down': poke() }, world });
  await post({ labels: { ...DOWN, thing: 'svc.1' } });
  await post({ labels: { ...DOWN, thing: 'svc.2' } });
  await post({ labels: { ...DOWN, thing: 'svc' } });
  expect(world.acts).toEqual(['poke svc.1', 'poke svc.2']);
  expect(await story({ kind: ['decision_wait'] })).toEqual(['decision_wait:busy']);
});

test('cooldown counts from the end of a remediation, whoever caused it; a refusal never stamps one', async () => {
  const world = newWorld({ a: 1 });
  const { post, story, advance, engine } = await start({
    rules: { 'thing-down': poke('guard: { cooldown: 5m, max_age: 1h }\n') },
    world,
  });
  world.strangers.add('a');
  await post({ labels: { ...DOWN, n: '0' } });
  world.strangers.clear();
  await post({ labels: { ...DOWN, n: '1' } });
  expect(world.acts).toEqual(['poke a']);
  await post({ labels: { ...DOWN, n: '1' }, status: 'resolved' });
  await post({ labels: { ...DOWN, n: '2' } });
  expect(await story({ kind: ['decision_wait'] })).toEqual(['decision_wait:cooldown']);
  await advance(299_000);
  expect(world.acts).toHaveLength(1);
  await advance(2_000);
  expect(world.acts).toHaveLength(2);
  expect(engine.operator.mode()).toBe('auto');
});

test('limit: not more runs than allowed in any window, and the waiting one goes on when it may', async () => {
  const world = newWorld({ a: 1 });
  const rules = { 'thing-down': poke("guard: { cooldown: 0s, limit: ['2/10m'], max_age: 1h }\n") };
  const { post, story, advance } = await start({ rules, world });
  for (const n of ['1', '2', '3']) {
    await post({ labels: { ...DOWN, n } });
    await post({ labels: { ...DOWN, n }, status: n === '3' ? 'firing' : 'resolved' });
  }
  expect(world.acts).toHaveLength(2);
  expect(await story({ kind: ['decision_wait'] })).toEqual(['decision_wait:limit']);
  await advance(9 * 60_000);
  expect(world.acts).toHaveLength(2);
  await advance(61_000);
  expect(world.acts).toHaveLength(3);
});

test.each(['service', 'rule'])(
  'dry run of the %s: it says what it would do, and does nothing',
  async (whose) => {
    const world = newWorld({ a: 1 });
    const rules = { 'thing-down': poke(whose === 'rule' ? 'mode: dry-run\n' : '') };
    const { post, audit } = await start({
      rules,
      world,
      mode: whose === 'service' ? 'dry-run' : 'auto',
    });
    await post({ labels: DOWN });
    expect(world.acts).toEqual([]);
    expect(await audit({ kind: ['action_dry_run'] })).toMatchObject([
      { dry_run: true, target: 'thing/a', cmd: 'poke a', detail: { preview: 'would poke a' } },
    ]);
    expect(await audit({ kind: ['remediation_done'] })).toMatchObject([
      { result: 'dry_run', dry_run: true },
    ]);
  },
);

test('no action begins after the resolve is known, even between two attempts', async () => {
  const world = newWorld({ a: 1 });
  const { post, audit, machine, advance } = await start({ rules: { 'thing-down': poke() }, world });
  const { ActionError } = await import('../../src/action.ts');
  world.failures.push(new ActionError('unavailable', 'away', { retryable: true }));
  await post({ labels: DOWN });
  await post({ labels: DOWN, status: 'resolved' });
  await advance(20_000);
  expect(world.acts).toEqual([]);
  expect(await audit({ kind: ['remediation_done'] })).toMatchObject([
    { result: 'refused', reason: 'resolved' },
  ]);
  expect(machine.worker.active()).toBe(0);
});

test('a late duplicate of an ended firing opens nothing', async () => {
  const world = newWorld({ a: 1 });
  const { post, story, clock, advance } = await start({ rules: { 'thing-down': poke() }, world });
  const startsAt = clock.now();
  await post({ labels: DOWN, startsAt });
  await advance(10_000);
  await post({ labels: DOWN, startsAt, status: 'resolved' });
  await post({ labels: DOWN, startsAt });
  expect(world.acts).toEqual(['poke a']);
  expect(await story({ kind: ['decision_skip'] })).toEqual(['decision_skip:late_duplicate']);
});
