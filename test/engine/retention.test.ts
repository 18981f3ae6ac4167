import { expect, test } from 'vitest';
import type { Log } from '../../src/ports.ts';
import type { Retained, RetainQuery } from '../../src/store.ts';
import { createRetention } from '../../src/engine/retention.ts';
import { newWorld } from '../fakes/world.ts';
import { type Rig, useRig } from './rig.ts';

const start = useRig();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const POKE = `
name: thing-down
summary: Pokes a thing that is down.
matchers: ['alertname="ThingDown"', 'thing=~".+"']
steps:
  - action: poke
    with: { thing: '{{ labels.thing }}' }
    verify: { within: 5m, resolved: true }
`;
const POLICY = 'retention: { audit: 40d, deliveries: 2d, episodes: 35d }\n';

function down(thing: string) {
  return { alertname: 'ThingDown', thing };
}

async function heal(rig: Rig, thing: string): Promise<void> {
  await rig.post({ labels: down(thing) });
  await rig.post({ labels: down(thing), status: 'resolved' });
}

async function ids(rig: Rig): Promise<Readonly<Record<string, number>>> {
  const { store } = rig;
  const episodes = await store.listEpisodes({ limit: 100 });
  const deliveries = await store.listDeliveries({ limit: 100 });
  return { episodes: episodes.items.length, deliveries: deliveries.items.length };
}

/** Time passes at once: what sleeps wakes up late, as after a long suspend. */
async function days(rig: Rig, count: number): Promise<void> {
  rig.clock.jump(rig.clock.now() + count * DAY);
  await rig.advance(2_000);
}

test('the keeper removes what the policy no longer keeps, each kind at its age, and the chain verifies', async () => {
  const rig = await start({
    rules: { 'thing-down': POKE },
    policy: POLICY,
    world: newWorld({ a: 1, b: 1 }),
  });
  await heal(rig, 'a');
  expect(await ids(rig)).toEqual({ episodes: 1, deliveries: 2 });

  await days(rig, 3);
  await heal(rig, 'b');
  // Of the drained ones the one at the cursor stays.
  expect(await ids(rig)).toMatchObject({ episodes: 2 });
  await days(rig, 1);
  expect((await ids(rig))['deliveries']).toBe(2);

  await days(rig, 34);
  expect(await ids(rig)).toEqual({ episodes: 1, deliveries: 1 });
  expect(await rig.audit({ kind: ['audit_checkpoint'] })).toEqual([]);

  await days(rig, 3);
  const [checkpoint] = await rig.audit({ kind: ['audit_checkpoint'] });
  expect(checkpoint).toMatchObject({
    actor: 'autoheal',
    detail: { removed_to_seq: expect.any(Number) },
  });
  const verdict = await rig.store.verifyAudit(1);
  expect(verdict).toMatchObject({
    ok: true,
    checkpoint: { removed_to_seq: checkpoint?.detail['removed_to_seq'] },
  });
  const page = await (rig.engine.metrics as unknown as { render(): Promise<string> }).render();
  expect(page).toMatch(/autoheal_retention_rows_total\{table="deliveries"\} [1-9]/);
  expect(page).toMatch(/autoheal_retention_rows_total\{table="audit"\} [1-9]/);
});

test('an alert that fires on keeps its story, and the log from there on', async () => {
  const rig = await start({
    rules: { 'thing-down': POKE },
    policy: POLICY,
    world: newWorld({ a: 1 }),
  });
  await rig.post({ labels: down('a') });
  for (let month = 0; month < 4; month += 1) await days(rig, 30);
  const [episode] = (await rig.store.listEpisodes({ limit: 1 })).items;
  const story = await rig.story({ episode: [episode?.id ?? ''] });
  expect(story.slice(0, 2)).toEqual(['alert_firing', 'decision_run']);
  expect(await rig.store.verifyAudit(1)).toMatchObject({ ok: true });
});

test('it looks once an hour, goes on at once while there is more, and says what it removed once', async () => {
  const rig = await start({ rules: { 'thing-down': POKE }, policy: POLICY });
  const asked: RetainQuery[] = [];
  const said: object[] = [];
  const answers: Retained[] = [];
  const log: Log = { ...rig.engine.log, info: (fields) => void said.push(fields) };
  const retain = async (query: RetainQuery) => {
    asked.push(query);
    return answers.shift() ?? removed(0, false);
  };
  let now = rig.clock.now();
  const clock = { ...rig.clock, now: () => now };
  const retention = createRetention({ ...rig.engine, store: { ...rig.store, retain }, log, clock });
  await retention.tick();
  expect(asked).toEqual([]);
  now += MINUTE;
  answers.push(removed(7, true), removed(3, false));
  for (let n = 0; n < 5; n += 1) await retention.tick();
  expect(asked).toHaveLength(2);
  expect(said).toEqual([{ rows: removed(10, false).rows }]);
  expect(asked[0]).toMatchObject({
    now,
    audit_before: now - 40 * DAY,
    deliveries_before: now - 2 * DAY,
    episodes_before: now - 35 * DAY,
    slo_before: now - 90 * DAY,
    runs_since: now - 30 * DAY,
  });
  now += HOUR - 1;
  await retention.tick();
  expect(asked).toHaveLength(2);
  now += 1;
  await retention.tick();
  expect(asked).toHaveLength(3);
  expect(said).toHaveLength(1);
});

function removed(audit: number, more: boolean): Retained {
  return {
    rows: { audit, deliveries: 0, episodes: 0, remediations: 0, leases: 0, holds: 0, slo: 0 },
    more,
  };
}
