import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAlertmanagers } from '../../src/adapters/alertmanager.ts';
import type { Episode } from '../../src/core/alerts/episode.ts';
import { reconcileBodies } from '../../src/core/alerts/reconcile-body.ts';
import { createDrain } from '../../src/engine/drain.ts';
import type { Loop } from '../../src/engine/loop.ts';
import { createReconcile, POKED_EVERY_MS, RECONCILE_EVERY_MS } from '../../src/engine/reconcile.ts';
import { createWatch } from '../../src/engine/watch.ts';
import { type FakeAlert, type FakeAlertmanager, startAlertmanager } from '../fakes/alertmanager.ts';
import { fakeClock } from '../fakes/clock.ts';
import { newWorld } from '../fakes/world.ts';
import { until } from '../real/until.ts';
import { type Rig, useRig } from './rig.ts';

const start = useRig();
const SOON = { timeout_ms: 10_000 };
const MINUTE_MS = 60_000;

const RULE = `
name: raise
summary: Raises a thing for a while.
matchers: ['alertname="Backlog"']
steps:
  - action: set_thing
    with: { thing: a, to: 4 }
    lease: 30m
    verify: { within: 5m, resolved: true }
guard: { cooldown: 0s }
`;

let fake: FakeAlertmanager;
let reconcile: Loop | undefined;
beforeEach(async () => {
  fake = await startAlertmanager({ started_at: fakeClock().now() - MINUTE_MS });
});
afterEach(async () => {
  await reconcile?.stop();
  reconcile = undefined;
  await fake.close();
});

/** As Alertmanager computes it, so that a post without one means the same alert. */
const FINGERPRINTS = { Backlog: '8c66c4e3bb87d607', Watchdog: '003b0a0f7d3fa569' } as const;

function shown(rig: Rig, more: Partial<FakeAlert> = {}): FakeAlert {
  const starts_at = rig.clock.now() - MINUTE_MS;
  return {
    fingerprint: FINGERPRINTS.Backlog,
    labels: { alertname: 'Backlog' },
    starts_at,
    ...more,
  };
}

async function startBoth(rules: Readonly<Record<string, string>> = {}, policy = ''): Promise<Rig> {
  const rig = await start({ rules, policy, world: newWorld({ a: 2 }) });
  const watch = createWatch({
    ...rig.engine,
    prometheus: { configured: false, firing: async () => [] },
    peers: createAlertmanagers({ urls: [fake.url], timeout_ms: 5_000 }),
    receivers: () => ['autoheal'],
  });
  reconcile = createReconcile(rig.engine, { watch, stored: () => rig.machine.drain.stored() });
  reconcile.start();
  return rig;
}

/** The next round is through, with what it wrote. */
async function round(rig: Rig, ms = RECONCILE_EVERY_MS): Promise<void> {
  const before = reconcile?.lastRoundAt() ?? 0;
  const asked = fake.count('/alerts');
  await rig.advance(ms);
  await until('a poll', () => fake.count('/alerts') > asked, SOON);
  await until('the round is over', () => (reconcile?.lastRoundAt() ?? 0) > before, SOON);
  await rig.settle();
}
async function first(rig: Rig): Promise<void> {
  await until('the first poll', () => fake.count('/alerts') === 1, SOON);
  await until('the round is over', () => (reconcile?.lastRoundAt() ?? 0) > 0, SOON);
  await rig.settle();
}
async function episodes(rig: Rig): Promise<readonly Episode[]> {
  return (await rig.store.listEpisodes({ limit: 10 })).items;
}
async function deliveries(rig: Rig): Promise<readonly string[]> {
  return (await rig.store.listDeliveries({ limit: 100 })).items.map(({ source }) => source);
}

describe('what the API told', () => {
  test('opens an episode by the way of every delivery, and its rule runs', async () => {
    const rig = await startBoth({ raise: RULE });
    fake.show(shown(rig));
    await first(rig);
    await round(rig);
    expect(rig.world.values.get('a')).toBe(4);
    expect(await episodes(rig)).toMatchObject([{ state: 'open', source: 'alertmanager' }]);
    expect(await deliveries(rig)).toEqual(['reconcile']);
    const [received] = await rig.audit({ kind: ['webhook_received'] });
    expect(received).toMatchObject({
      actor: 'reconcile',
      detail: { reconcile: 'unseen', alerts: 1 },
    });
  });

  test('enters without what the policy redacts, and still as a finding of ours', async () => {
    const rig = await startBoth({ raise: RULE }, 'redact: { annotations: [summary] }\n');
    fake.show(shown(rig));
    await first(rig);
    await round(rig);
    const [episode] = await episodes(rig);
    expect(episode?.annotations).toEqual({ summary: '[redacted]' });
    const { deliveries: kept } = await rig.store.recorded({ after: 0, limit: 10 });
    const bodies = kept.map(({ body }) => new TextDecoder().decode(body));
    expect(bodies).toEqual([expect.stringContaining('"annotations":{"summary":"[redacted]"}')]);
    const [received] = await rig.audit({ kind: ['webhook_received'] });
    expect(received).toMatchObject({ actor: 'reconcile', detail: { reconcile: 'unseen' } });
  });

  test('closes what vanished, and the lease goes back', async () => {
    const rig = await startBoth({ raise: RULE });
    fake.show(shown(rig));
    await first(rig);
    await round(rig);
    fake.show();
    for (let n = 0; n < 7; n += 1) await round(rig);
    expect(await episodes(rig)).toMatchObject([{ state: 'open' }]);
    await round(rig);
    await rig.advance(2_000);
    expect(await episodes(rig)).toMatchObject([{ state: 'closed', close_reason: 'vanished' }]);
    expect(rig.world.values.get('a')).toBe(2);
  });

  test('is evidence while a lease stands, once in five minutes and no more', async () => {
    const rig = await startBoth({ raise: RULE });
    fake.show(shown(rig));
    await first(rig);
    for (let n = 0; n < 41; n += 1) await round(rig);
    expect(await deliveries(rig)).toEqual(['reconcile', 'reconcile', 'reconcile']);
    const [episode] = await episodes(rig);
    expect(rig.clock.now() - (episode?.last_firing_at ?? 0)).toBeLessThan(2 * RECONCILE_EVERY_MS);
  });

  test('is not written again while it waits to be drained', async () => {
    const rig = await startBoth();
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    rig.hooks.set('inbox', () => gate);
    fake.show(shown(rig));
    await first(rig);
    for (let n = 0; n < 3; n += 1) await round(rig);
    expect(await deliveries(rig)).toEqual(['reconcile']);
    open();
    await until('it opens', async () => (await episodes(rig)).length === 1, SOON);
  });

  test('says nothing of the Watchdog', async () => {
    const rig = await startBoth();
    fake.show(
      shown(rig, { fingerprint: FINGERPRINTS.Watchdog, labels: { alertname: 'Watchdog' } }),
    );
    await first(rig);
    await round(rig);
    expect(await deliveries(rig)).toEqual([]);
  });
});

/** What a poll of that moment would have written. */
function vanishedBody(poll_began_at: number): Uint8Array {
  const fingerprint = FINGERPRINTS.Backlog;
  const episode = { fingerprint, labels: { alertname: 'Backlog' } } as unknown as Episode;
  const finding = {
    kind: 'vanished',
    absent_since: poll_began_at - 1,
    episode: { ...episode, annotations: {}, starts_at: null, generator_url: '' },
  } as const;
  return Buffer.from(reconcileBodies([finding], { poll_began_at, peers: [] })[0] ?? '');
}

test('a webhook that came after the poll began wins, and the audit log says so', async () => {
  const rig = await start({ rules: {} });
  const poll_began_at = rig.clock.now();
  await rig.post({ labels: { alertname: 'Backlog' } });
  await rig.advance(1_000);
  const id = rig.engine.ids.next();
  const delivery = { id, received_at: rig.clock.now(), source: 'reconcile', trace_id: null };
  const body = vanishedBody(poll_began_at);
  await rig.store.commit([{ kind: 'delivery_add', delivery: { ...delivery, body } }]);
  await rig.settle();
  expect(await episodes(rig)).toMatchObject([{ state: 'open' }]);
  expect(await rig.story({ kind: ['decision_skip'], reason: ['overtaken'] })).toEqual([
    'decision_skip:overtaken',
  ]);
});

test('a post that bears the words of a reconcile is an ordinary post', async () => {
  const rig = await start({ rules: {} });
  await rig.post({ labels: { alertname: 'Backlog' } });
  const from = { source: 'alertmanager', trace_id: null, parent_span_id: null };
  await rig.machine.intake.accept({ body: vanishedBody(rig.clock.now() + MINUTE_MS), ...from });
  await rig.settle();
  expect(await episodes(rig)).toMatchObject([{ state: 'closed', close_reason: 'resolved' }]);
});

test('it asks every 15 s; pokes make it ask sooner, but not in a storm', async () => {
  const rig = await startBoth();
  await first(rig);
  for (let n = 0; n < 3; n += 1) reconcile?.poke();
  await rig.advance(POKED_EVERY_MS - 1);
  expect(fake.count('/alerts')).toBe(1);
  await round(rig, 1);
  expect(fake.count('/alerts')).toBe(2);
  await rig.advance(RECONCILE_EVERY_MS - 1_000);
  expect(fake.count('/alerts')).toBe(2);
  await round(rig, 1_000);
  expect(fake.count('/alerts')).toBe(3);
});

test('a delivery that was cut tells that the rest must be fetched; a whole one does not', async () => {
  const rig = await start({ rules: {} });
  await rig.machine.drain.stop();
  let cut = 0;
  const drain = createDrain(rig.engine, rig.machine.worker, () => void (cut += 1));
  drain.start();
  for (const truncatedAlerts of [0, 3]) {
    const alerts = [{ status: 'firing', labels: { alertname: `A${truncatedAlerts}` } }];
    const body = Buffer.from(JSON.stringify({ version: '4', truncatedAlerts, alerts }));
    const from = { source: 'alertmanager', trace_id: null, parent_span_id: null };
    await rig.machine.intake.accept({ body, ...from });
    drain.poke();
    await until('it is drained', async () => (await rig.store.inboxDepth()).pending === 0, SOON);
  }
  await until('the sender cut', () => cut === 1, SOON);
  await drain.stop();
});
