import { afterEach, expect, test } from 'vitest';
import { ActionError } from '../../src/action.ts';
import { GUARD_WORDS } from '../../src/core/healing/guard-words.ts';
import { DOWN, EASY, pokeRule } from '../engine/moves.ts';
import { type Rig, useRig } from '../engine/rig.ts';
import { everythingOf } from '../engine/untouched.ts';
import { startWorld, type World } from './world.ts';

/** POST /api/v1/explain over a real socket, answered by a real engine on a real store. */
const start = useRig();
let world: World | undefined;
afterEach(() => world?.close());

const TOKENS = {
  webhook: ['hook'],
  api: [{ role: 'viewer' as const, token: 'view' }],
};
const PATH = '/api/v1/explain';
const BODY = { version: '4', status: 'firing', alerts: [{ status: 'firing', labels: DOWN }] };

async function serve(it: Rig): Promise<World> {
  world = await startWorld({ tokens: TOKENS, what_if: it.machine.what_if, store: it.store });
  return world;
}

const APPROVE = pokeRule(`mode: approve\n${EASY}`);
test.each<[string, string, (it: Rig) => unknown, object]>([
  ['it would act', pokeRule(), () => undefined, { would: 'act', text: 'would act: poke a' }],
  ['it would ask for an approval', APPROVE, () => undefined, { would: 'ask', reason: 'approval' }],
  [
    'the backend is down',
    pokeRule(),
    (it) => {
      it.world.onResolve = () => {
        throw new ActionError('unavailable', 'connection refused', { retryable: false });
      };
    },
    { would: 'fail', reason: 'unavailable' },
  ],
])('a viewer asks, and nothing has changed: %s', async (_name, rule, arrange, decision) => {
  const it = await start({ rules: { 'thing-down': rule } });
  const { call } = await serve(it);
  arrange(it);
  const before = await everythingOf(it);
  const { body, status } = await call('POST', PATH, { token: 'view', json: BODY });
  expect(await everythingOf(it)).toEqual(before);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    mode: 'auto',
    left_out: 0,
    unusable: [],
    alerts: [
      { becomes: 'open', labels: DOWN, rules: [{ rule: 'thing-down', would: { decision } }] },
    ],
  });
  const { guards, step, ladder } = body.alerts[0].rules[0].would;
  expect(guards.map(({ guard }: { guard: string }) => guard)).toEqual(GUARD_WORDS);
  expect([step, ladder[0].step]).toEqual([1, 1]);
});

test('the question about an episode has the same shape, and its plan', async () => {
  const it = await start({ rules: { 'thing-down': APPROVE } });
  await it.post({ labels: DOWN });
  const { call } = await serve(it);
  const { fingerprint } = (await it.store.listEpisodes({ limit: 1 })).items[0] ?? {};
  const before = await everythingOf(it);
  const asked = await call('GET', `${PATH}?fingerprint=${fingerprint}`, { token: 'view' });
  const posted = await call('POST', PATH, { token: 'view', json: BODY });
  expect(await everythingOf(it)).toEqual(before);
  expect(asked.body.rules).toEqual(posted.body.alerts[0].rules);
  const [{ remediation }] = asked.body.remediations;
  expect(asked.body.rules[0].would).toMatchObject({
    remediation: remediation.id,
    plan: { step: 1, params: { thing: 'a' }, targets: [{ id: 'thing/a', cmd: 'poke a' }] },
    decision: { would: 'wait', reason: 'approval', until: expect.stringMatching(/^20.*Z$/) },
  });
});

test('who may ask, and what is no webhook body', async () => {
  const { call } = await serve(await start({ rules: { 'thing-down': pokeRule() } }));
  expect((await call('POST', PATH, { json: BODY })).status).toBe(401);
  expect((await call('POST', PATH, { token: 'hook', json: BODY })).status).toBe(403);
  const json = { 'content-type': 'application/json' };
  const bad = await call('POST', PATH, { token: 'view', body: '{', headers: json });
  expect(bad.body).toMatchObject({ status: 400, code: 'not_json' });
  const none = await call('POST', PATH, { token: 'view', headers: json });
  expect(none.body).toMatchObject({ status: 400, code: 'not_json' });
  const empty = await call('POST', PATH, { token: 'view', json: { alerts: [{}] } });
  expect(empty.body).toMatchObject({ status: 400, code: 'no_usable_alert' });
});

test('a body may be as large as one of the webhook, and no larger', async () => {
  const it = await start({ rules: { 'thing-down': pokeRule() } });
  const limits = { small_body_bytes: 1_000, body_bytes: 20_000 };
  world = await startWorld({ tokens: TOKENS, what_if: it.machine.what_if, limits });
  const padded = (bytes: number) => ({ ...BODY, padding: 'x'.repeat(bytes) });
  const large = await world.call('POST', PATH, { token: 'view', json: padded(15_000) });
  expect(large.status).toBe(200);
  const larger = await world.call('POST', PATH, { token: 'view', json: padded(30_000) });
  expect(larger.body).toMatchObject({ status: 413, code: 'body_too_large' });
});
