import { expect, test } from 'vitest';
import { ActionError } from '../../src/action.ts';
import { newWorld } from '../fakes/world.ts';
import { useRig } from './rig.ts';

const start = useRig();

function raise(to: number | string, name = 'raise', alertname = 'Backlog'): string {
  return `
name: ${name}
summary: Raises a thing for a while.
matchers: ['alertname="${alertname}"']
steps:
  - action: set_thing
    with: { thing: a, ${typeof to === 'number' ? `to: ${to}` : to} }
    lease: 30m
    verify: { within: 5m, resolved: true }
guard: { cooldown: 0s }
`;
}
const BACKLOG = { alertname: 'Backlog' };

test('the change comes back when the alert resolves', async () => {
  const world = newWorld({ a: 2 });
  const { post, story, advance, store } = await start({ rules: { raise: raise('by: +2') }, world });
  await post({ labels: BACKLOG });
  expect(world.values.get('a')).toBe(4);
  await post({ labels: BACKLOG, status: 'resolved' });
  await advance(2_000);
  expect(world.acts).toEqual(['set a=4', 'revert a=2']);
  expect(await story()).toEqual([
    'alert_firing',
    'decision_run',
    'action_start',
    'action_ok',
    'alert_resolved:resolved',
    'verify_ok',
    'remediation_done:verified',
    'revert_ok:resolved',
  ]);
  expect(await store.activeLeases()).toEqual([]);
});

test('it comes back 30 m after the last evidence of firing, and a repeat is evidence', async () => {
  const world = newWorld({ a: 2 });
  const { post, story, advance } = await start({ rules: { raise: raise(4) }, world });
  await post({ labels: BACKLOG });
  await advance(20 * 60_000);
  await post({ labels: BACKLOG });
  await advance(29 * 60_000);
  expect(world.values.get('a')).toBe(4);
  await advance(62_000);
  expect(world.values.get('a')).toBe(2);
  expect(await story({ kind: ['lease_expired', 'revert_ok'] })).toEqual([
    'lease_expired:expired',
    'revert_ok:expired',
  ]);
});

test('who wants the same value joins; the last holder reverts, to the one original', async () => {
  const world = newWorld({ a: 2 });
  const rules = { first: raise(4, 'first', 'Backlog'), second: raise(4, 'second', 'SlowWorkers') };
  const { post, advance } = await start({ rules, world });
  await post({ labels: BACKLOG });
  await post({ labels: { alertname: 'SlowWorkers' } });
  await advance(301_000);
  await post({ labels: BACKLOG });
  await post({ labels: { alertname: 'SlowWorkers' } });
  await advance(20_000);
  await post({ labels: BACKLOG, status: 'resolved' });
  await advance(5_000);
  expect(world.values.get('a')).toBe(4);
  await post({ labels: { alertname: 'SlowWorkers' }, status: 'resolved' });
  await advance(5_000);
  expect(world.acts).toEqual(['set a=4', 'revert a=2']);
});

test('who wants another value waits for the lease to end', async () => {
  const world = newWorld({ a: 2 });
  const rules = { first: raise(4, 'first', 'Backlog'), second: raise(9, 'second', 'SlowWorkers') };
  const { post, advance, story } = await start({ rules, world });
  await post({ labels: BACKLOG });
  await advance(301_000);
  await post({ labels: BACKLOG });
  await post({ labels: { alertname: 'SlowWorkers' } });
  expect(await story({ kind: ['decision_wait'] })).toEqual(['decision_wait:leased']);
  await post({ labels: BACKLOG, status: 'resolved' });
  await post({ labels: { alertname: 'SlowWorkers' } });
  await advance(3_000);
  expect(world.acts).toEqual(['set a=4', 'revert a=2', 'set a=9']);
});

test('what somebody else changed since is left alone', async () => {
  const world = newWorld({ a: 2 });
  const { post, advance, audit } = await start({ rules: { raise: raise(4) }, world });
  await post({ labels: BACKLOG });
  world.values.set('a', 6);
  await post({ labels: BACKLOG, status: 'resolved' });
  await advance(2_000);
  expect(world.values.get('a')).toBe(6);
  expect(await audit({ kind: ['revert_ok'] })).toMatchObject([
    { result: 'left_alone', reason: 'changed_elsewhere' },
  ]);
});

test('a revert that fails is tried again, and goes to a human when it never works', async () => {
  const world = newWorld({ a: 2 });
  const { post, advance, audit, story } = await start({ rules: { raise: raise(4) }, world });
  await post({ labels: BACKLOG });
  world.failures.push(new ActionError('rejected', 'not now', { retryable: false }));
  await post({ labels: BACKLOG, status: 'resolved' });
  await advance(2_000);
  expect(await audit({ kind: ['revert_fail'] })).toMatchObject([
    { result: 'tried_again', reason: 'rejected' },
  ]);
  await advance(15_000);
  expect(world.values.get('a')).toBe(2);
  await post({ labels: { ...BACKLOG, n: '2' } });
  for (let n = 0; n < 20; n += 1)
    world.failures.push(new ActionError('rejected', 'never', { retryable: false }));
  await post({ labels: { ...BACKLOG, n: '2' }, status: 'resolved' });
  await advance(40 * 60_000);
  expect(await story({ kind: ['escalated'] })).toEqual(['escalated:revert_failed']);
});

test('a step that failed half-way lets its lease go: the value is restored if it was set', async () => {
  const world = newWorld({ a: 2 });
  const { post, advance, audit } = await start({ rules: { raise: raise(4) }, world });
  world.failures.push(new ActionError('rejected', 'no', { retryable: false }));
  await post({ labels: BACKLOG });
  await advance(2_000);
  expect(world.values.get('a')).toBe(2);
  expect(await audit({ kind: ['revert_ok'] })).toMatchObject([{ reason: 'failed' }]);
});

test('paused: reverts wait too', async () => {
  const world = newWorld({ a: 2 });
  const { post, advance, engine } = await start({ rules: { raise: raise(4) }, world });
  await post({ labels: BACKLOG });
  await engine.operator.pause({ actor: 'ann', reason: 'hands off', until: null });
  await post({ labels: BACKLOG, status: 'resolved' });
  await advance(60_000);
  expect(world.values.get('a')).toBe(4);
  await engine.operator.resume({ actor: 'ann' });
  await advance(16_000);
  expect(world.values.get('a')).toBe(2);
});
