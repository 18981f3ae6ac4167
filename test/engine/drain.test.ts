import { expect, test } from 'vitest';
import { GIVE_WAY_MAX_MS } from '../../src/engine/give-way.ts';
import { newWorld } from '../fakes/world.ts';
import { type Rig, useRig } from './rig.ts';

/** How much the drain takes at once, and when. What it decides is told by the other tests here. */
const start = useRig();

const RULE = `
name: poke
summary: Pokes a thing that is down.
matchers: ['alertname="ThingDown"']
steps:
  - { action: poke, with: { thing: a }, verify: { within: 5m, resolved: true } }
`;

/** Stores a delivery without waiting for what follows. */
function accept({ machine }: Rig, thing: string, alerts: number): Promise<unknown> {
  const list = Array.from({ length: alerts }, (_, n) => ({
    status: 'firing',
    labels: { alertname: 'Other', thing: `${thing}-${n}` },
  }));
  return machine.intake.accept({
    body: Buffer.from(JSON.stringify({ version: '4', receiver: thing, alerts: list })),
    source: 'alertmanager',
    trace_id: null,
    parent_span_id: null,
  });
}

test('a backlog larger than a round is drained in rounds, in order, and no delivery is parted', async () => {
  const it = await start({ rules: { poke: RULE }, world: newWorld({ a: 1 }) });
  const taken: number[] = [];
  let waiting = 0;
  it.hooks.set('inbox', async () => {
    const { pending } = await it.store.inboxDepth();
    if (waiting > pending) taken.push(waiting - pending);
    waiting = pending;
  });
  const sizes = [1, 300, 300, 700, 0, 2, 250, 250, 1];
  await Promise.all(sizes.map((size, n) => accept(it, `r${n}`, size)));
  await it.settle();
  await it.advance(1_000);
  expect((await it.store.inboxDepth()).pending).toBe(0);
  expect(taken.reduce((sum, count) => sum + count, 0)).toBe(sizes.length);
  expect(taken.length).toBeGreaterThan(2);
  const received = await it.audit({ kind: ['webhook_received'], order: 'asc', limit: 100 });
  expect(received.map(({ detail }) => detail['receiver'])).toEqual(sizes.map((_, n) => `r${n}`));
});

test('under a storm a delivery waits, and never longer than it may; after it nothing waits', async () => {
  const it = await start({ rules: { poke: RULE }, world: newWorld({ a: 1 }) });
  let oldest_ms = 0;
  for (let ms = 0; ms < 2.5 * GIVE_WAY_MAX_MS; ms += 1) {
    await Promise.all([0, 1, 2, 3].map((n) => accept(it, `s${n}`, 1)));
    await it.clock.advance(1);
    await it.settle();
    const { oldest_received_at } = await it.store.inboxDepth();
    oldest_ms = Math.max(oldest_ms, it.clock.now() - (oldest_received_at ?? it.clock.now()));
  }
  expect(oldest_ms).toBeGreaterThan(GIVE_WAY_MAX_MS / 2);
  expect(oldest_ms).toBeLessThanOrEqual(GIVE_WAY_MAX_MS);
  await it.advance(2 * GIVE_WAY_MAX_MS);
  expect((await it.store.inboxDepth()).pending).toBe(0);
  await accept(it, 'after', 1);
  await it.settle();
  expect((await it.store.inboxDepth()).pending).toBe(0);
});
