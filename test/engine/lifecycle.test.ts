import { expect, test } from 'vitest';
import { ActionError } from '../../src/action.ts';
import { newWorld } from '../fakes/world.ts';
import { useRig } from './rig.ts';

const start = useRig();

const POKE = `
name: thing-down
summary: Pokes a thing that is down.
matchers: ['alertname="ThingDown"', 'thing=~".+"']
steps:
  - action: poke
    with: { thing: '{{ labels.thing }}' }
    verify: { within: 5m, resolved: true }
`;
const DOWN = { alertname: 'ThingDown', thing: 'a' };

test('it acts once, and a resolve is the evidence that it healed', async () => {
  const world = newWorld({ a: 1 });
  const { post, story, store, audit } = await start({ rules: { 'thing-down': POKE }, world });
  await post({ labels: DOWN });
  expect(world.acts).toEqual(['poke a']);
  await post({ labels: DOWN });
  expect(world.acts).toEqual(['poke a']);
  await post({ labels: DOWN, status: 'resolved' });
  expect(await story()).toEqual([
    'alert_firing',
    'decision_run',
    'action_start',
    'action_ok',
    'alert_resolved:resolved',
    'verify_ok',
    'remediation_done:verified',
  ]);
  const [done] = await audit({ kind: ['remediation_done'] });
  expect(done).toMatchObject({ result: 'healed', rule: 'thing-down', action: 'poke', step: 1 });
  expect(await store.verifyAudit(1)).toMatchObject({ ok: true });
});

test('an alert that no rule wants is recorded once, with the first failing matcher of each rule', async () => {
  const { post, audit } = await start({ rules: { 'thing-down': POKE }, world: newWorld() });
  await post({ labels: { alertname: 'Other' } });
  await post({ labels: { alertname: 'Other' } });
  const skips = await audit({ kind: ['decision_skip'] });
  expect(skips).toHaveLength(1);
  expect(skips[0]).toMatchObject({
    reason: 'unmapped',
    detail: { first_failing_matchers: [{ rule: 'thing-down', matcher: 'alertname="ThingDown"' }] },
  });
});

test('a rule that comes while the alert fires is used at the next repeat', async () => {
  const world = newWorld({ a: 1 });
  const { post, engine, setRules } = await start({ rules: {}, world });
  await post({ labels: DOWN });
  expect(world.acts).toEqual([]);
  setRules({ 'thing-down': POKE });
  await engine.rulebook.reload('test');
  await post({ labels: DOWN });
  await post({ labels: DOWN });
  expect(world.acts).toEqual(['poke a']);
});

test('each alert of a body is handled on its own, and resolved ones act on nothing', async () => {
  const world = newWorld({ a: 1, b: 1, c: 1 });
  const { post } = await start({ rules: { 'thing-down': POKE }, world });
  await post(
    { labels: { ...DOWN, thing: 'a' } },
    { labels: { ...DOWN, thing: 'b' }, status: 'resolved' },
    { labels: { ...DOWN, thing: 'c' } },
  );
  expect(world.acts.toSorted()).toEqual(['poke a', 'poke c']);
});

test('the ladder: the next step runs when the one before did not heal, and a human is told at its end', async () => {
  const rule = `
name: ladder
summary: Two steps.
matchers: ['alertname="ThingDown"']
steps:
  - { action: poke, with: { thing: a }, verify: { within: 1m, resolved: true } }
  - { action: set_thing, with: { thing: a, to: 7 }, verify: { within: 1m, promql: 'up == 1', for: 10s } }
otherwise: page
`;
  const world = newWorld({ a: 1 });
  const policy = 'notifiers: { page: { url: "http://127.0.0.1:1/" } }\n';
  const { post, advance, story, sent, promql } = await start({
    rules: { ladder: rule },
    world,
    policy,
  });
  promql.set('up == 1', false);
  await post({ labels: DOWN });
  await advance(61_000);
  expect(world.acts).toEqual(['poke a', 'set a=7']);
  await advance(61_000);
  expect(await story({ kind: ['verify_fail', 'escalated', 'remediation_done'] })).toEqual([
    'verify_fail:not_healed',
    'verify_fail:not_healed',
    'escalated:not_healed',
    'remediation_done:not_healed',
  ]);
  expect(sent).toHaveLength(1);
  expect(sent[0]?.message.text).toContain('step 2: set a=7 -> ok');
});

test('verification by PromQL holds for its time; what cannot be read is inconclusive, never success', async () => {
  const rule = POKE.replace(
    'within: 5m, resolved: true',
    "within: 1m, promql: 'up == 1', for: 10s",
  );
  const world = newWorld({ a: 1, b: 1 });
  const { post, advance, audit, promql } = await start({ rules: { 'thing-down': rule }, world });
  await post({ labels: DOWN });
  await advance(61_000);
  expect((await audit({ kind: ['verify_fail'] }))[0]).toMatchObject({ reason: 'inconclusive' });
  promql.set('up == 1', true);
  await post({ labels: { ...DOWN, thing: 'b' } });
  await advance(9_000);
  expect(await audit({ kind: ['verify_ok'] })).toEqual([]);
  await advance(5_000);
  expect(await audit({ kind: ['verify_ok'] })).toHaveLength(1);
});

test('verification by the target: unhealthy fails at once, healthy heals', async () => {
  const rule = POKE.replace('within: 5m, resolved: true', 'within: 1m, health: true');
  const world = newWorld({ a: 1, b: 1 });
  const { post, advance, story } = await start({ rules: { 'thing-down': rule }, world });
  world.health = 'failed';
  await post({ labels: DOWN });
  world.health = 'pending';
  await post({ labels: { ...DOWN, thing: 'b' } });
  world.health = 'healthy';
  await advance(5_000);
  expect(await story({ kind: ['verify_ok', 'verify_fail'] })).toEqual([
    'verify_fail:unhealthy',
    'verify_ok',
  ]);
});

test("a failing backend is retried three times with backoff; the failure is the step's", async () => {
  const away = () => new ActionError('unavailable', 'away', { retryable: true });
  const world = newWorld({ a: 1 });
  const { post, advance, audit } = await start({ rules: { 'thing-down': POKE }, world });
  world.failures.push(away(), away());
  await post({ labels: DOWN });
  await advance(10_000);
  expect(world.acts).toEqual(['poke a']);
  expect((await audit({ kind: ['action_ok'] }))[0]).toMatchObject({ attempt: 3 });
});

test('what cannot be retried is not: one attempt, then a human', async () => {
  const world = newWorld({ a: 1 });
  const { post, advance, audit } = await start({ rules: { 'thing-down': POKE }, world });
  world.failures.push(new ActionError('forbidden', 'no right to poke', { retryable: false }));
  await post({ labels: DOWN });
  await advance(10_000);
  expect(world.acts).toEqual([]);
  expect(await audit({ kind: ['action_fail'] })).toMatchObject([
    { attempt: 1, reason: 'forbidden' },
  ]);
  expect(await audit({ kind: ['escalated'] })).toHaveLength(1);
});

test('an action that hangs is cut at its deadline and counts as timed out', async () => {
  const world = newWorld({ a: 1 });
  const rule = POKE.replace(
    "with: { thing: '{{ labels.thing }}' }",
    'with: { thing: a }\n    deadline: 20s',
  );
  const { post, advance, audit } = await start({ rules: { 'thing-down': rule }, world });
  world.failures.push('hang');
  await post({ labels: DOWN });
  await advance(19_000);
  expect(await audit({ kind: ['action_fail'] })).toEqual([]);
  await advance(2_000);
  expect(await audit({ kind: ['action_fail'] })).toMatchObject([{ reason: 'timeout' }]);
});

test('three failures open the breaker: the next remediation waits, by name, and goes on when it closes', async () => {
  const away = () => new ActionError('unavailable', 'away', { retryable: true });
  const world = newWorld({ a: 1, b: 1 });
  const { post, advance, story } = await start({ rules: { 'thing-down': POKE }, world });
  world.failures.push(away(), away(), away());
  await post({ labels: DOWN });
  await advance(10_000);
  await post({ labels: { ...DOWN, thing: 'b' } });
  expect(await story({ kind: ['decision_wait'] })).toEqual(['decision_wait:breaker_open']);
  expect(world.acts).toEqual([]);
  await advance(31_000);
  expect(world.acts).toEqual(['poke b']);
});

test('chaos fails steps on purpose: not retried, marked, not counted by the breaker', async () => {
  const world = newWorld({ a: 1 });
  const chaos = { rate_pct: 100, seed: 1, for_ms: 60_000 };
  const { post, audit, engine, advance } = await start({
    rules: { 'thing-down': POKE },
    world,
    chaos,
  });
  for (let n = 0; n < 4; n += 1) await post({ labels: { ...DOWN, n: `${n}` } });
  expect(world.acts).toEqual([]);
  expect((await audit({ kind: ['action_fail'] }))[0]).toMatchObject({
    chaos: true,
    result: 'chaos_injected_failure',
    attempt: 1,
  });
  expect(engine.breakers.state('world')).toBe('closed');
  expect(engine.chaos.view()).toMatchObject({ enabled: true, failure_rate_pct: 100 });
  await advance(61_000);
  expect(engine.chaos.view().enabled).toBe(false);
  expect(await audit({ kind: ['chaos_armed', 'chaos_disarmed'] })).toMatchObject([
    { kind: 'chaos_armed', chaos: true },
    { kind: 'chaos_disarmed', reason: 'time_over' },
  ]);
});

test('a rule under way keeps its text when the file changes', async () => {
  const world = newWorld({ a: 1 });
  const { post, engine, setRules, advance, story } = await start({
    rules: {
      'thing-down': `${POKE}  - { action: set_thing, with: { thing: a, to: 5 }, verify: { within: 1m, resolved: true } }\n`,
    },
    world,
  });
  await post({ labels: DOWN });
  setRules({ 'thing-down': POKE });
  expect(await engine.rulebook.reload('test')).toMatchObject({ ok: true, changed: true });
  await advance(301_000);
  expect(world.acts).toEqual(['poke a', 'set a=5']);
  expect(await story({ kind: ['rules_rejected'] })).toEqual([]);
});
