import { expect, test } from 'vitest';
import { QUESTION_ALERTS_MAX, QUESTION_MS, QUESTIONS_MAX } from '../../src/engine/what-if.ts';
import { ask, askOne, bodyOf, decisionOf, saidBy, wouldIn } from './asking.ts';
import { ANN, DOWN, EASY, leap, newest, pokeRule, question, raiseRule } from './moves.ts';
import { newWorld, type World } from '../fakes/world.ts';
import { type RigOptions, useRig } from './rig.ts';

/** "What would be done?" where something stands already, and the bounds of a question. */
const start = useRig();

const RULES = { 'thing-down': pokeRule() };

/* ---------------------------------------------------------------- what stands already */

test('an open episode whose remediation waits: the same remediation, with fresh evidence', async () => {
  const rule = pokeRule(
    'mode: approve\nguard: { cooldown: 0s, max_age: 15m, approval: { within: 10m } }\n',
  );
  const it = await start({ rules: { 'thing-down': rule } });
  await it.post({ labels: DOWN });
  const { id, episode_id } = await newest(it);
  const { expires_at } = await question(it);
  const answer = await askOne(it);
  expect(answer).toMatchObject({ becomes: 'repeat', episode: episode_id });
  expect(wouldIn(answer)).toMatchObject({
    remediation: id,
    decision: { would: 'wait', reason: 'approval', until: expires_at },
  });
  // The payload is evidence of its own; the episode alone has grown stale.
  await it.engine.operator.pause({ ...ANN, until: null });
  await leap(it, 16 * 60_000, 60_000);
  const episode = await it.store.episode(episode_id);
  if (episode === undefined) throw new Error('no episode');
  expect(saidBy(wouldIn(await askOne(it)))).not.toContain('stale refuse');
  const rules = await it.machine.what_if.episode(episode);
  expect(saidBy(wouldIn({ rules }))).toContain('stale refuse');
});

test('a step that is under way goes on; one that ended leaves the alert to the next firing', async () => {
  const it = await start({ rules: { raise: raiseRule() } });
  const labels = { alertname: 'Backlog' };
  await it.post({ labels });
  const row = await newest(it);
  expect(row.state).toBe('verifying');
  expect(wouldIn(await askOne(it, { labels }))).toMatchObject({
    remediation: row.id,
    plan: { targets: [{ cmd: 'set a=4' }] },
    decision: { would: 'go_on', text: `is under way: remediation ${row.id} is verifying, step 1` },
  });
  await leap(it, 6 * 60_000);
  expect((await newest(it)).state).toBe('done');
  const ended = await decisionOf(it, { labels });
  expect(ended).toMatchObject({ would: 'nothing' });
  expect(ended.text).toContain(`remediation ${row.id} ended escalated`);
});

test('what is no new firing: a resolve, one that was never seen, a late copy', async () => {
  const it = await start({ rules: RULES });
  expect(await askOne(it, { status: 'resolved' })).toMatchObject({ becomes: 'resolved_unknown' });
  const startsAt = it.clock.now();
  await it.post({ labels: DOWN, startsAt });
  const resolved = await askOne(it, { status: 'resolved' });
  expect(resolved).toMatchObject({ becomes: 'close', why: 'the alert is resolved' });
  expect(wouldIn(resolved)).toMatchObject({
    plan: null,
    ladder: [{ params: { thing: 'a' } }],
    decision: { would: 'nothing', text: 'would do nothing: the alert is resolved' },
  });
  await it.post({ labels: DOWN, status: 'resolved' });
  const late = await askOne(it, { startsAt });
  expect(late).toMatchObject({ becomes: 'late_duplicate', episode: expect.any(String) as string });
  expect(wouldIn(late).decision.text).toMatch(
    /^would do nothing: it began at .*, not after episode/,
  );
  const [episode] = (await it.store.listEpisodes({ limit: 1 })).items;
  if (episode === undefined) throw new Error('no episode');
  const rules = await it.machine.what_if.episode(episode);
  expect(wouldIn({ rules }).decision.text).toBe(
    'would do nothing: the alert no longer fires (resolved)',
  );
});

/* ---------------------------------------------------------------- what it says is what happens */

const CAUSE = 'common_cause: { targets: 2, within: 2m, enforce: true }\n';
const WHEN = `when: [{ promql: 'up == 1' }]\n${EASY}`;
test.each<[string, Omit<RigOptions, 'world'> & { readonly world?: World }, string]>([
  ['it acts', { rules: RULES }, 'act'],
  ['a common cause', { rules: RULES, policy: CAUSE }, 'wait'],
  ['approve', { rules: { 'thing-down': pokeRule(`mode: approve\n${EASY}`) } }, 'ask'],
  ['dry-run', { rules: RULES, mode: 'dry-run' }, 'preview'],
  ['a precondition', { rules: { 'thing-down': pokeRule(WHEN) } }, 'wait'],
  ['no such thing', { rules: RULES, world: newWorld({ b: 1 }) }, 'fail'],
])('the answer is what the service then does: %s', async (_name, options, expected) => {
  const it = await start({ world: newWorld({ a: 1, b: 1 }), ...options });
  await it.post({ labels: { ...DOWN, thing: 'b' } });
  const { decision, asked, plan } = wouldIn(await askOne(it));
  expect(decision.would).toBe(expected);
  const acts = it.world.acts.length;
  await it.post({ labels: DOWN });
  const row = await newest(it);
  expect(row.fingerprint).toBe((await askOne(it)).fingerprint);
  expect(row.guards?.values).toEqual(asked.guards?.values);
  // While it waits it keeps none: it is made anew.
  if (row.plan !== null) expect(row.plan.targets).toEqual(plan?.targets);
  expect(it.world.acts.length - acts).toBe(expected === 'act' ? 1 : 0);
  if (expected !== 'act') expect(row.reason).toBe(decision.reason);
});

/* ---------------------------------------------------------------- bodies and bounds */

test('a body that intake refuses is refused with the same code; unusable alerts are named', async () => {
  const it = await start({ rules: RULES });
  const { what_if, intake } = it.machine;
  for (const body of ['{', '[]', '{"alerts":[{"status":"firing"}]}'].map((text) =>
    Buffer.from(text),
  )) {
    const post = { body, source: 'curl', trace_id: null, parent_span_id: null };
    const said = await intake.accept(post).catch((error: unknown) => error);
    await expect(what_if.payload(body)).rejects.toEqual(said);
  }
  const answer = await ask(it, { labels: {} }, {});
  expect(answer.unusable).toEqual([{ index: 0, why: 'it has no labels, so it has no identity' }]);
  expect(answer.alerts).toHaveLength(1);
  expect(await ask(it)).toMatchObject({ alerts: [], left_out: 0 });
});

test('alerts beyond the limit of a question, or of its time, are counted and not looked at', async () => {
  const it = await start({ rules: RULES });
  const many = Array.from({ length: QUESTION_ALERTS_MAX + 2 }, (_, n) => ({
    labels: { ...DOWN, n: String(n) },
  }));
  const answer = await ask(it, ...many);
  expect([answer.alerts.length, answer.left_out]).toEqual([QUESTION_ALERTS_MAX, 2]);
  it.world.onResolve = () => it.clock.advance(QUESTION_MS / 2);
  const late = await it.machine.what_if.payload(bodyOf(...many.slice(0, 5)));
  expect([late.alerts.length, late.left_out]).toEqual([2, 3]);
});

test('so many questions at one time; one more is told to come again', async () => {
  const it = await start({ rules: RULES });
  const { promise: gate, resolve: open } = Promise.withResolvers<undefined>();
  it.world.onResolve = () => gate;
  const asked = Array.from({ length: QUESTIONS_MAX }, () => it.machine.what_if.payload(bodyOf({})));
  await expect(it.machine.what_if.payload(bodyOf({}))).rejects.toMatchObject({
    code: 'overloaded',
  });
  open(undefined);
  expect(await Promise.all(asked)).toHaveLength(QUESTIONS_MAX);
  it.world.onResolve = undefined;
  expect(await decisionOf(it)).toMatchObject({ would: 'act' });
});
