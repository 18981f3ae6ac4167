import { expect, test } from 'vitest';
import type { AuditRecord } from '../../src/core/audit/audit.ts';
import type { RigOptions, Rig } from './rig.ts';
import { startRig, useRig } from './rig.ts';
import { newWorld } from '../fakes/world.ts';

const start = useRig();
const A = { alertname: 'A', thing: 'a' };
const B = { alertname: 'B', thing: 'b' };
const MINUTE = 60_000;
const FREE = "guard: { cooldown: 0, limit: ['100/1h'] }";

const HEAL = `name: heal
summary: Pokes it.
matchers: ['alertname="A"']
steps: [{ action: poke, with: { thing: a } }]
${FREE}
`;
function setting(name: string, alertname: string, to: number): string {
  return `name: ${name}
summary: Sets it.
matchers: ['alertname="${alertname}"']
steps: [{ action: set_thing, with: { thing: a, to: ${to} } }]
${FREE}
`;
}
const HARM = 'harm: { within: 30s }\nblast_radius: { total: 1000 }\n';
const ENFORCED = 'harm: { within: 30s, enforce: true }\nquarantine: { for: 2h }\n';

/** Moves on without going through every second in between. */
async function skip(rig: Rig, ms: number): Promise<void> {
  rig.clock.jump(rig.clock.now() + ms);
  await rig.advance(1_000);
}

/** A fires and is healed; five seconds after the action B fires, and goes by itself. */
async function healWithHarm(rig: Rig): Promise<void> {
  await rig.post({ labels: A });
  await rig.advance(1_000);
  await skip(rig, 4_000);
  await rig.post({ labels: B });
  await rig.post({ labels: A, status: 'resolved' }, { labels: B, status: 'resolved' });
  await skip(rig, MINUTE);
}
async function suspected(rig: Rig): Promise<readonly AuditRecord[]> {
  return rig.audit({ kind: ['hold'], result: ['suspected'] });
}

test('an alert that follows a rule’s runs is told once a day, and stops nothing', async () => {
  const rig = await start({ rules: { heal: HEAL }, policy: HARM });
  await healWithHarm(rig);
  await healWithHarm(rig);
  expect(await suspected(rig)).toEqual([]);
  await healWithHarm(rig);
  await skip(rig, MINUTE);
  const [entry, ...more] = await suspected(rig);
  expect(more).toEqual([]);
  expect(entry).toMatchObject({ rule: 'heal', alertname: 'B', target: null, reason: 'harm' });
  expect(entry?.detail).toMatchObject({
    harm: 'new_alert',
    enforced: false,
    why: expect.stringContaining('after 3 of the last 3 runs of rule heal') as string,
  });
  expect(await rig.store.holds(rig.clock.now())).toEqual([]);
  await healWithHarm(rig);
  await skip(rig, MINUTE);
  expect(await suspected(rig)).toHaveLength(1);
  expect(rig.world.acts).toEqual(['poke a', 'poke a', 'poke a', 'poke a']);
});

test('where the policy enforces it, the rule is held on everything until somebody lets it go', async () => {
  const rig = await start({ rules: { heal: HEAL }, policy: ENFORCED });
  for (let n = 0; n < 3; n += 1) await healWithHarm(rig);
  await skip(rig, MINUTE);
  const [hold] = await rig.store.holds(rig.clock.now());
  expect(hold).toMatchObject({
    kind: 'quarantine',
    rule: 'heal',
    target: null,
    actor: 'autoheal',
    reason: expect.stringMatching(/^harm suspected: alert B began within 30s after/) as string,
  });
  expect((hold?.until ?? 0) - (hold?.since ?? 0)).toBe(2 * 60 * MINUTE);
  await rig.post({ labels: A });
  await rig.advance(1_000);
  expect(rig.world.acts).toHaveLength(3);
  expect((await rig.story({ rule: ['heal'] })).at(-1)).toBe('remediation_done:quarantined');
  await rig.post({ labels: A, status: 'resolved' });
  await skip(rig, MINUTE);

  // Let go: it runs again, and the same suspicion does not hold it a second time that day.
  await rig.machine.holds.end(hold?.id ?? '', { actor: 'jane', reason: 'B was our deploy' });
  await healWithHarm(rig);
  await skip(rig, 2 * MINUTE);
  expect(rig.world.acts).toHaveLength(4);
  expect(await rig.store.holds(rig.clock.now())).toEqual([]);
});

test('what was only reported is enforced once the policy says so', async () => {
  const world = newWorld({ a: 1 });
  const options: RigOptions = { rules: { heal: HEAL }, policy: HARM, world };
  const rig = await startRig(options);
  for (let n = 0; n < 3; n += 1) await healWithHarm(rig);
  await skip(rig, MINUTE);
  expect(await suspected(rig)).toHaveLength(1);
  await rig.abandon();
  const { dir, clock } = rig;
  const later = await start({ ...options, policy: ENFORCED, dir, clock });
  await skip(later, MINUTE);
  expect(await later.store.holds(later.clock.now())).toHaveLength(1);
  await skip(later, MINUTE);
  expect((await suspected(later)).map(({ detail }) => detail['enforced'])).toEqual([false, true]);
});

test('two rules that undo each other are both held on that target', async () => {
  const rules = { up: setting('up', 'Up', 4), down: setting('down', 'Down', 2) };
  const rig = await start({ rules, policy: ENFORCED, world: newWorld({ a: 2 }) });
  for (const alertname of ['Up', 'Down', 'Up']) {
    await rig.post({ labels: { alertname } });
    await rig.advance(1_000);
    await rig.post({ labels: { alertname }, status: 'resolved' });
    await skip(rig, 10_000);
  }
  expect(rig.world.acts).toEqual(['set a=4', 'set a=2', 'set a=4']);
  await skip(rig, MINUTE);
  const [entry, ...more] = await suspected(rig);
  expect(more).toEqual([]);
  expect(entry).toMatchObject({ rule: null, target: 'thing/a', reason: 'harm' });
  expect(entry?.detail['why']).toBe(
    'rules down and up undo each other on thing/a, 3 times in a row: up 2 to 4, then down 4 to 2, then up 2 to 4',
  );
  const holds = await rig.store.holds(rig.clock.now());
  expect(holds.map(({ rule, target }) => [rule, target])).toEqual([
    ['down', 'thing/a'],
    ['up', 'thing/a'],
  ]);
  const audited = await rig.audit({ kind: ['hold'], result: ['quarantined'] });
  expect(audited.map(({ rule, reason }) => [rule, reason])).toEqual([
    ['down', 'harm'],
    ['up', 'harm'],
  ]);
});
