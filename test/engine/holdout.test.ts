import { expect, test } from 'vitest';
import type { Episode } from '../../src/core/alerts/episode.ts';
import { drawOf } from '../../src/core/healing/holdout.ts';
import { BENEFIT_WINDOW_MS } from '../../src/core/benefit/treatment.ts';
import { newWorld } from '../fakes/world.ts';
import { leap } from './moves.ts';
import { type Rig, useRig } from './rig.ts';

/** A share of the firings is left alone for a while, to learn what happens without the rule. */
const start = useRig();

const MINUTE = 60_000;
const FOR_MS = 5 * MINUTE;
function rule(more = "holdout: '50%'\nholdout_for: 5m\n"): string {
  return `
name: poke
summary: Pokes a thing that is down.
matchers: ['alertname="ThingDown"', 'thing=~".+"']
steps:
  - { action: poke, with: { thing: '{{ labels.thing }}' }, verify: { within: 5m, resolved: true } }
guard: { cooldown: 0s, limit: ['900/1h'] }
${more}`;
}
const THINGS = Array.from({ length: 24 }, (_, n) => `t${n}`);
function world() {
  return newWorld(Object.fromEntries(THINGS.map((thing) => [thing, 1])));
}
function down(thing: string, more: Readonly<Record<string, string>> = {}) {
  return { labels: { alertname: 'ThingDown', thing, ...more } };
}

/** All of them fail; which of them were drawn, and which were not. */
async function fail(it: Rig, more: Readonly<Record<string, string>> = {}) {
  await it.post(...THINGS.map((thing) => down(thing, more)));
  const { items } = await it.store.listEpisodes({ limit: 100 });
  const drawn = items.filter(({ id }) => drawOf('poke', id) < 0.5);
  const rest = items.filter((each) => !drawn.includes(each));
  // Ids are random; that all 24 draws fall on one side is one in eight million.
  if (drawn.length === 0 || rest.length === 0) throw new Error('the draw took all or none');
  return { drawn: drawn.map(nameOf), rest: rest.map(nameOf) };
}
function nameOf({ labels }: Episode): string {
  return labels['thing'] ?? '';
}
function poked(things: readonly string[]): readonly string[] {
  return things.map((thing) => `poke ${thing}`).toSorted();
}
async function rowOf({ store }: Rig, thing: string) {
  const { items } = await store.listEpisodes({ limit: 100 });
  const episode = items.find(({ labels }) => labels['thing'] === thing);
  return (await store.remediationsOf(episode?.id ?? ''))[0];
}

test('what was drawn waits visibly for so long, no longer, and is healed then', async () => {
  const it = await start({ rules: { poke: rule() }, world: world() });
  const began = it.clock.now();
  const { drawn, rest } = await fail(it);
  expect(it.world.acts.toSorted()).toEqual(poked(rest));
  const [thing = ''] = drawn;
  const row = await rowOf(it, thing);
  expect(row).toMatchObject({ state: 'waiting', reason: 'holdout', plan: null });
  expect(row?.held_out_until).toBe(row?.next_at);
  expect(row?.detail).toMatch(/left alone until 20.*Z to learn.*: 50% of this rule's firings are/);
  const waits = await it.audit({ kind: ['decision_wait'], reason: ['holdout'] });
  expect(waits).toHaveLength(drawn.length);
  await leap(it, FOR_MS - (it.clock.now() - began) - 1_000, 500);
  expect(it.world.acts).toHaveLength(rest.length);
  await leap(it, 3_000, 500);
  expect(it.world.acts.toSorted()).toEqual(poked(THINGS));
  expect(await it.audit({ kind: ['decision_wait'], reason: ['holdout'] })).toHaveLength(
    drawn.length,
  );
});

test('an alert that ends by itself meanwhile is left alone for good', async () => {
  const it = await start({ rules: { poke: rule() }, world: world() });
  const { drawn, rest } = await fail(it);
  const [thing = ''] = drawn;
  await it.post({ ...down(thing), status: 'resolved' });
  expect(await rowOf(it, thing)).toMatchObject({ outcome: 'refused', reason: 'resolved' });
  await leap(it, FOR_MS + 5_000);
  expect(it.world.acts).not.toContain(`poke ${thing}`);
  expect(it.world.acts).toHaveLength(rest.length + drawn.length - 1);
});

test('nothing is held out of what is critical, of a drill, or without the key', async () => {
  for (const [more, text] of [
    [{ severity: 'critical' }, rule()],
    [{ drill: 'true' }, rule()],
    [{}, rule('')],
  ] as const) {
    const it = await start({ rules: { poke: text }, world: world() });
    await it.post(...THINGS.map((thing) => down(thing, more)));
    const { items } = await it.store.listRemediations({ limit: 100 });
    expect(items.map(({ held_out_until }) => held_out_until)).toEqual(THINGS.map(() => null));
    expect(it.world.acts).toHaveLength(THINGS.length);
    await it.stop();
  }
});

test('an operator need not wait for it: cancelled, then run by hand', async () => {
  const it = await start({ rules: { poke: rule() }, world: world() });
  const { drawn } = await fail(it);
  const [thing = ''] = drawn;
  const row = await rowOf(it, thing);
  const by = { actor: 'ann', reason: 'it hurts' };
  await it.machine.operations.cancel(row?.id ?? '', by);
  await it.settle();
  await it.machine.operations.run({ rule: 'poke', fingerprint: row?.fingerprint ?? '', ...by });
  await it.settle();
  expect(it.world.acts).toContain(`poke ${thing}`);
});

test('the answer to "what would be done?" says that it is left alone', async () => {
  const it = await start({ rules: { poke: rule() }, world: world() });
  const { drawn } = await fail(it);
  const row = await rowOf(it, drawn[0] ?? '');
  const episode = await it.store.episode(row?.episode_id ?? '');
  if (episode === undefined) throw new Error('no episode');
  const [answer] = await it.machine.what_if.episode(episode);
  expect(answer?.would?.decision).toMatchObject({ would: 'wait', reason: 'holdout' });
});

test('its benefit counts both sides, and what ended without help', async () => {
  const it = await start({ rules: { poke: rule() }, world: world() });
  const { drawn, rest } = await fail(it);
  await leap(it, MINUTE);
  // All that was poked recovers, and one that was left alone.
  const recovered = [...rest, drawn[0] ?? ''];
  await it.post(...recovered.map((thing) => ({ ...down(thing), status: 'resolved' as const })));
  await leap(it, FOR_MS + MINUTE);
  const poke = it.engine.rulebook.current()?.rules[0];
  if (poke === undefined) throw new Error('no rule');
  const found = await it.machine.benefits.of(poke, BENEFIT_WINDOW_MS);
  expect(found).toMatchObject({
    horizon_ms: FOR_MS,
    treated: { acted: rest.length, healed: rest.length, recovered: { k: rest.length } },
    untreated: { why: { holdout: drawn.length, dry_run: 0, waited: 0 }, recovered: { k: 1 } },
    randomised: { held_out: { n: drawn.length, k: 1 }, with_rule: { n: rest.length } },
  });
  // The same look for a minute, then a new one.
  expect(await it.machine.benefits.of(poke, BENEFIT_WINDOW_MS)).toBe(found);
  await leap(it, MINUTE);
  expect(await it.machine.benefits.of(poke, BENEFIT_WINDOW_MS)).not.toBe(found);
});
