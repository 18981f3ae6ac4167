import { expect, test } from 'vitest';
import { ActionError } from '../../src/action.ts';
import type { Change } from '../../src/store.ts';
import { newWorld } from '../fakes/world.ts';
import { type Rig, useRig } from './rig.ts';

/** What happens between two steps: other workers, resolves, faults of our own. */
const start = useRig();

const POKE = `
name: poke
summary: Pokes a thing that is down.
matchers: ['alertname="ThingDown"']
steps:
  - { action: poke, with: { thing: a }, verify: { within: 5m, resolved: true } }
`;
const DOWN = { labels: { alertname: 'ThingDown' } };
const AWAY = () => new ActionError('unavailable', 'away', { retryable: true });

/** Closes the open episode of the alert, as a drain on another replica would. */
async function closeEpisode({ store, clock }: Rig): Promise<void> {
  const [open] = (await store.listEpisodes({ limit: 1, state: 'open' })).items;
  if (open === undefined) throw new Error('no episode is open');
  const now = clock.now();
  const episode = {
    ...open,
    state: 'closed' as const,
    closed_at: now,
    ended_at: now,
    close_reason: 'resolved',
  };
  const changes: Change[] = [{ kind: 'episode_put', episode }];
  await store.commit(changes);
}

test('resolved after the guards looked and before the intent is on disk: nothing begins', async () => {
  const it = await start({ rules: { poke: POKE } });
  it.hooks.set('runStarts', async () => {
    it.hooks.clear();
    await closeEpisode(it);
  });
  await it.post(DOWN);
  expect(it.world.acts).toEqual([]);
  expect(await it.story({ kind: ['action_start', 'remediation_done'] })).toEqual([
    'remediation_done:resolved',
  ]);
});

test('paused while it was being planned: it waits', async () => {
  const it = await start({ rules: { poke: POKE } });
  it.world.onResolve = async () => {
    it.world.onResolve = undefined;
    await it.engine.operator.pause({ actor: 'ann', reason: 'hands off', until: null });
  };
  await it.post(DOWN);
  expect(it.world.acts).toEqual([]);
  expect(await it.story({ kind: ['decision_wait'] })).toEqual(['decision_wait:paused']);
});

test('a worker that lost its claim between two attempts does not try again', async () => {
  const it = await start({ rules: { poke: POKE } });
  it.world.failures.push(AWAY());
  it.world.onExecute = async () => {
    it.world.onExecute = undefined;
    // Another worker, whose clock says that the claim has run out.
    const later = it.clock.now() + 3_600_000;
    const claim = { worker: 'other', now: later, until: later + 60_000, limit: 10 };
    expect(await it.store.claimRemediations(claim)).toHaveLength(1);
  };
  await it.post(DOWN);
  await it.advance(20_000);
  expect(it.world.acts).toEqual([]);
  const [row] = (await it.store.listRemediations({ limit: 1 })).items;
  expect(row).toMatchObject({ state: 'acting', claimed_by: 'other' });
});

test('two repeats in one batch after a stale end start one run, not two', async () => {
  const rule = `${POKE}guard: { max_age: 1m }\n`;
  const it = await start({ rules: { poke: rule }, mode: 'auto' });
  await it.engine.operator.pause({ actor: 'ann', reason: 'hands off', until: null });
  await it.post(DOWN);
  await it.advance(90_000);
  await it.engine.operator.resume({ actor: 'ann' });
  await it.advance(1_000);
  await Promise.all([it.post(DOWN), it.post(DOWN)]);
  expect(await it.story({ kind: ['decision_run'] })).toHaveLength(2);
  expect(it.world.acts).toEqual(['poke a']);
});

test('a delivery that cannot be drained is parked after three tries and blocks nothing', async () => {
  const it = await start({ rules: { poke: POKE } });
  await it.post(DOWN);
  it.hooks.set('remediationsOf', () => {
    throw new Error('a fault of ours');
  });
  await it.post(DOWN);
  await it.advance(5_000);
  it.hooks.clear();
  await it.post({ ...DOWN, status: 'resolved' });
  expect(await it.audit({ kind: ['webhook_received'], result: ['parked'] })).toMatchObject([
    { reason: 'drain_failed', detail: { failures: 3, why: 'a fault of ours' } },
  ]);
  expect((await it.store.listDeliveries({ limit: 10 })).items.map((row) => row.state)).toEqual([
    'drained',
    'parked',
    'drained',
  ]);
  expect(await it.story({ kind: ['remediation_done'] })).toEqual(['remediation_done:verified']);
});

test('an error of ours that comes back each time ends at a human, not in a loop', async () => {
  const it = await start({ rules: { poke: POKE } });
  it.hooks.set('runsOf', () => {
    throw new Error('a fault of ours');
  });
  await it.post(DOWN);
  await it.advance(10 * 60_000);
  expect(await it.audit({ kind: ['remediation_done'] })).toMatchObject([
    { result: 'escalated', reason: 'internal' },
  ]);
  expect((await it.store.countRemediations()).done).toBe(1);
});

test('of several targets, the first failure stops the rest, and each run says what became of it', async () => {
  const rule = POKE.replace('action: poke, with: { thing: a }', 'action: poke_all, with: {}');
  const world = newWorld({ a: 1, b: 1, c: 1 });
  const it = await start({ rules: { poke: rule }, world });
  let calls = 0;
  world.onExecute = () => {
    calls += 1;
    if (calls === 2) throw new ActionError('rejected', 'no', { retryable: false });
  };
  await it.post(DOWN);
  expect(world.acts).toEqual(['poke a']);
  const ends = await it.audit({ kind: ['action_ok', 'action_fail'] });
  expect(ends.map((entry) => [entry.target, entry.reason])).toEqual([
    ['thing/a', null],
    ['thing/b', 'rejected'],
    ['thing/c', 'not_begun'],
  ]);
});

test('a human who cannot be reached is tried again, and in the end it is said loudly', async () => {
  const policy = 'notifiers: { page: { url: "http://127.0.0.1:1/" } }\n';
  const it = await start({ rules: { poke: `${POKE}otherwise: page\n` }, policy });
  it.world.failures.push(new ActionError('forbidden', 'no', { retryable: false }));
  it.notifier_failures.push(AWAY(), AWAY(), AWAY(), AWAY());
  await it.post(DOWN);
  await it.advance(120_000);
  expect(it.sent).toHaveLength(1);
  const told = await it.audit({ kind: ['escalated'] });
  expect(told.map((entry) => entry.result)).toEqual([
    ...told.slice(1).map(() => 'not_sent'),
    'sent',
  ]);

  for (let n = 0; n < 100; n += 1)
    it.notifier_failures.push(new ActionError('rejected', 'gone', { retryable: false }));
  it.world.failures.push(new ActionError('forbidden', 'no', { retryable: false }));
  await it.post({ labels: { alertname: 'ThingDown', n: '2' } });
  await it.advance(10 * 60_000);
  const done = await it.audit({ kind: ['remediation_done'] });
  expect(done).toHaveLength(2);
  expect(done[1]?.detail['why']).toContain('page could not be told: rejected: gone');
});
