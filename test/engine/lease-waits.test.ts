import { expect, test } from 'vitest';
import { ActionError } from '../../src/action.ts';
import type { Seen } from '../../src/core/alerts/seen.ts';
import { newWorld } from '../fakes/world.ts';
import { ANN, EASY, leap, newest, raiseRule, show } from './moves.ts';
import { type Rig, useRig } from './rig.ts';

/** When a lease is not undone although its last holder would let it go. */
const start = useRig();

const MINUTE = 60_000;
const BACKLOG = { alertname: 'Backlog' };
const PAGED = {
  rules: { raise: raiseRule(`${EASY}otherwise: page\n`) },
  policy: 'notifiers: { page: { url: "http://127.0.0.1:1/" } }\n',
};

async function leased(options: Parameters<typeof start>[0] = PAGED): Promise<Rig> {
  const it = await start({ world: newWorld({ a: 2 }), ...options });
  await fires(it);
  expect(it.world.values.get('a')).toBe(4);
  return it;
}
async function fires(it: Rig): Promise<void> {
  await it.post({ labels: BACKLOG });
}
/** A second later, so that the next firing is a new one. */
async function resolves(it: Rig): Promise<void> {
  await it.advance(500);
  await it.post({ labels: BACKLOG, status: 'resolved' });
  await it.advance(500);
}
function value(it: Rig): unknown {
  return it.world.values.get('a');
}

test.each(['resolved', 'expired'] as const)(
  'blind: what is %s is not undone, up to a cap',
  async (how) => {
    const it = await leased();
    await leap(it, 6 * MINUTE);
    it.watch.reasons.push('Prometheus has not answered for 60s');
    if (how === 'resolved') await resolves(it);
    else await leap(it, 24 * MINUTE, 10_000);
    await leap(it, 59 * MINUTE, 15_000);
    expect(value(it)).toBe(4);
    expect(await it.story({ kind: ['lease_expired', 'revert_ok'] })).toEqual([]);
    await leap(it, 2 * MINUTE);
    expect(value(it)).toBe(2);
  },
);

test('blind for a while: it is undone soon after autoheal can see again', async () => {
  const it = await leased();
  it.watch.reasons.push('the Watchdog is missing');
  await resolves(it);
  await leap(it, 10 * MINUTE);
  expect(value(it)).toBe(4);
  it.watch.reasons.length = 0;
  await leap(it, 16_000);
  expect(value(it)).toBe(2);
});

test.each<[Seen['state'], string, number]>([
  ['active', 'it goes on', 4],
  ['suppressed', 'also a silenced alert fires', 4],
  ['unknown', 'nobody can say: it waits', 4],
  ['absent', 'it is undone', 2],
])('its time is over and the API shows the alert as %s: %s', async (state, _, expected) => {
  const it = await leased();
  await leap(it, 29 * MINUTE, 10_000);
  show(it, BACKLOG, { state });
  await leap(it, 12 * MINUTE, 10_000);
  expect(value(it)).toBe(expected);
  show(it, BACKLOG, { state: 'absent' });
  await leap(it, 5 * MINUTE + 5_000, 10_000);
  expect(value(it)).toBe(2);
});

test('evidence that comes while an end waits renews the lease', async () => {
  const it = await leased();
  await leap(it, 29 * MINUTE, 10_000);
  await it.engine.operator.pause({ ...ANN, until: null });
  await leap(it, 2 * MINUTE);
  await fires(it);
  await it.engine.operator.resume(ANN);
  await leap(it, MINUTE);
  expect(value(it)).toBe(4);
  await leap(it, 27 * MINUTE, 10_000);
  expect(value(it)).toBe(4);
  await leap(it, 3 * MINUTE);
  expect(value(it)).toBe(2);
});

/** The alert comes back right after our revert, and goes again; how long until the next revert, seconds. */
async function relapse(it: Rig): Promise<number> {
  await fires(it);
  expect(value(it)).toBe(4);
  await resolves(it);
  const from = it.clock.now();
  while (value(it) === 4 && it.clock.now() - from < 60 * MINUTE) await leap(it, 5_000);
  return Math.round((it.clock.now() - from) / 1_000);
}

test('an alert that comes back after each revert: 5 minutes, 10 minutes, then it stands and a human is told once', async () => {
  const it = await leased();
  await resolves(it);
  expect(value(it)).toBe(2);
  expect(await relapse(it)).toBe(300);
  expect(await relapse(it)).toBe(600);
  expect(it.sent).toEqual([]);
  await relapse(it);
  await leap(it, 60 * MINUTE, 15_000);
  expect(value(it)).toBe(4);
  expect(it.sent).toHaveLength(1);
  expect(it.sent[0]?.message.text).toContain('the cure may hide the symptom');
  expect(await it.audit({ kind: ['escalated'] })).toMatchObject([
    { reason: 'revert_held', result: 'sent' },
  ]);
  await it.machine.operations.undo((await newest(it)).id, ANN);
  await it.settle();
  expect(value(it)).toBe(2);
  // An operator's end says nothing about the cure: the count begins anew.
  expect(await relapse(it)).toBeLessThan(10);
});

test('who could not be told that it stands is told later', async () => {
  const it = await leased();
  await resolves(it);
  await relapse(it);
  await relapse(it);
  for (let n = 0; n < 3; n += 1)
    it.notifier_failures.push(new ActionError('rejected', 'gone', { retryable: false }));
  await relapse(it);
  await leap(it, 10 * MINUTE);
  const results = (await it.audit({ kind: ['escalated'] })).map(({ result }) => result);
  expect(results).toEqual([...results.slice(1).map(() => 'not_sent'), 'sent']);
  expect(results.length).toBeGreaterThan(1);
  expect(it.sent).toHaveLength(1);
});

test('it comes back a quarter of an hour later: that is no relapse, the revert does not wait', async () => {
  const it = await leased();
  await resolves(it);
  await leap(it, 16 * MINUTE, 10_000);
  expect(await relapse(it)).toBeLessThan(10);
});

test('it comes back while the revert still waits: the lease is joined, and nothing is set again', async () => {
  const it = await leased();
  await resolves(it);
  await fires(it);
  await resolves(it);
  await leap(it, 2 * MINUTE);
  await fires(it);
  await leap(it, 10 * MINUTE);
  expect(value(it)).toBe(4);
  expect(it.world.acts).toEqual(['set a=4', 'revert a=2', 'set a=4']);
  const [lease] = await it.store.activeLeases();
  expect(lease).toMatchObject({ relapses: 1 });
  expect(lease?.holders).toHaveLength(2);
});

test('a step that failed is undone at once, blind or not', async () => {
  const it = await start({ ...PAGED, world: newWorld({ a: 2 }) });
  it.world.onExecute = () => {
    it.world.onExecute = undefined;
    it.world.values.set('a', 4);
    it.watch.reasons.push('blind');
    throw new ActionError('rejected', 'half-way', { retryable: false });
  };
  await fires(it);
  await leap(it, 5_000);
  expect(value(it)).toBe(2);
});

test('what somebody changed while the end waited is left alone', async () => {
  const it = await leased();
  it.watch.reasons.push('blind');
  await resolves(it);
  await leap(it, MINUTE);
  it.world.values.set('a', 7);
  it.watch.reasons.length = 0;
  await leap(it, 16_000);
  expect(value(it)).toBe(7);
  expect(await it.audit({ kind: ['revert_ok'] })).toMatchObject([{ result: 'left_alone' }]);
});

test('a holder whose step failed does not end the lease of one whose change worked', async () => {
  const rules = {
    raise: raiseRule(`continue: true\n${EASY}`),
    raise_too: raiseRule(EASY, 4, 'raise_too'),
  };
  const it = await start({ world: newWorld({ a: 2 }), rules });
  it.watch.configured = true;
  show(it, BACKLOG, { state: 'active' });
  await fires(it);
  expect(value(it)).toBe(4);
  it.world.failures.push(new ActionError('rejected', 'no', { retryable: false }));
  await leap(it, 6 * MINUTE);
  const [lease] = await it.store.activeLeases();
  expect(lease?.holders).toHaveLength(2);
  await leap(it, 40 * MINUTE, 10_000);
  expect(value(it)).toBe(4);
  show(it, BACKLOG, { state: 'absent' });
  await leap(it, 10 * MINUTE, 10_000);
  expect(value(it)).toBe(2);
});
