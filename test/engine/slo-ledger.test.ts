import { expect, test } from 'vitest';
import { MUTE_METRICS } from '../../src/engine/mute.ts';
import { createSloLedger } from '../../src/engine/slo-ledger.ts';
import { tallied } from '../../src/engine/slo-tally.ts';
import type { Store } from '../../src/store.ts';
import { useRig } from './rig.ts';
import { newWorld } from '../fakes/world.ts';

const MINUTE_MS = 60_000;
const start = useRig();

/** Counts into the store of a rig, with its clock. */
async function ledger(around: (store: Store) => Store = (store) => store) {
  const rig = await start({ rules: {}, world: newWorld() });
  const calls: string[] = [];
  const told = { ...MUTE_METRICS, heartbeat: () => void calls.push('heartbeat') };
  const { metrics, tally } = tallied(told, rig.clock);
  const made = createSloLedger({ store: around(rig.store), clock: rig.clock, tally });
  const figures = async (slo: string, window = '1h') =>
    (await made.standing())
      .find((one) => one.slo === slo)
      ?.figures.find((one) => one.window === window);
  return { rig, metrics, tally, made, figures, calls };
}

test('the same calls feed the metrics and the count; drills and what nobody did wrong are left out', async () => {
  const { metrics, figures, calls, made } = await ledger();
  metrics.heartbeat();
  metrics.webhook('accepted', 0.25, false);
  metrics.webhook('accepted', 0.26, false);
  metrics.webhook('error', 0.01, false);
  metrics.webhook('rejected_auth', 0.01, false);
  metrics.webhook('error', 0.01, true);
  metrics.remediation('x', 'success', false);
  metrics.remediation('x', 'timeout', false);
  metrics.remediation('x', 'skipped', false);
  metrics.auditWrite('ok', 0.2, 1);
  expect(calls).toEqual(['heartbeat']);
  for (const when of ['in memory', 'on disk']) {
    if (when === 'on disk') await made.flush();
    expect(await figures('webhook_latency', '5m')).toMatchObject({
      bad: 2,
      total: 3,
      error: 0.666667,
    });
    expect(await figures('action_success', '5m')).toMatchObject({ bad: 1, total: 2 });
    expect(await figures('audit_latency', '5m')).toMatchObject({ bad: 1, total: 1 });
  }
});

test('is written every ten seconds; what the store refused is written later, once', async () => {
  let away = false;
  const { rig, metrics, made, tally, figures } = await ledger((store) => ({
    ...store,
    commit: (changes) => (away ? Promise.reject(new Error('away')) : store.commit(changes)),
  }));
  metrics.remediation('x', 'success', false);
  metrics.heartbeat();
  await made.tick();
  expect(await rig.store.sloCounts(0)).toEqual([]);
  away = true;
  await rig.clock.advance(10_000);
  await expect(made.tick()).rejects.toThrow('away');
  metrics.remediation('x', 'failure', false);
  metrics.heartbeat();
  expect(await figures('action_success')).toMatchObject({ bad: 1, total: 2 });
  away = false;
  await rig.clock.advance(10_000);
  await made.tick();
  expect(tally.waiting()).toEqual({ counts: [], beats: [] });
  const kept = { slo: 'action_success', drill: false, good: 1, total: 2 };
  expect(await rig.store.sloCounts(0)).toEqual([kept]);
  expect((await rig.store.sloBeats(0)).beats).toHaveLength(1);
  expect(await figures('action_success')).toMatchObject({ bad: 1, total: 2 });
});

test('an hour in which the service was down is bad, and what it counted before is still there', async () => {
  const { rig, metrics, made } = await ledger();
  for (let beat = 0; beat < 120; beat += 1) {
    metrics.heartbeat();
    await rig.clock.advance(5_000);
  }
  metrics.webhook('accepted', 0.1, false);
  await made.flush();
  await rig.clock.advance(60 * MINUTE_MS);
  // A process of its own: nothing is in memory.
  const next = tallied(MUTE_METRICS, rig.clock);
  const after = createSloLedger({ store: rig.store, clock: rig.clock, tally: next.tally });
  next.metrics.heartbeat();
  const [availability, webhook] = await after.standing();
  // 60 minutes, less the two in which the last beat still counts.
  expect(availability?.figures[2]).toMatchObject({ window: '6h', bad: 116 });
  expect(availability?.figures[1]?.bad).toBe(116);
  expect(availability?.budget_left).toBeCloseTo(1 - 116 / 86.4, 3);
  expect(webhook?.figures[2]).toMatchObject({ total: 1, bad: 0 });
});
