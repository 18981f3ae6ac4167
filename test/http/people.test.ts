import { afterEach, beforeEach, expect, test } from 'vitest';
import { startWorld, type World } from './world.ts';

const TOKENS = {
  webhook: [],
  api: [
    { role: 'viewer' as const, token: 'view' },
    { role: 'operator' as const, token: 'operate' },
    { role: 'admin' as const, token: 'administer' },
  ],
};
let world: World;
beforeEach(async () => {
  world = await startWorld({ tokens: TOKENS });
});
afterEach(() => world.close());

const because = { reason: 'we look at it' };

test('holds: placed with selectors and an end, listed, ended with a reason', async () => {
  const json = { ...because, rule: 'ai-errors', for: '30m' };
  const placed = await world.call('POST', '/api/v1/holds', { token: 'operate', json });
  expect(placed.status).toBe(201);
  expect(world.state.people.calls[0]).toMatchObject({
    what: 'place',
    with: {
      kind: 'hold',
      rule: 'ai-errors',
      target: null,
      until: world.state.now + 1_800_000,
      actor: expect.stringMatching(/^token:/),
    },
  });
  expect((await world.call('GET', '/api/v1/holds', { token: 'view' })).body).toMatchObject({
    items: [{ id: 'hold-1', kind: 'hold' }],
  });
  const end = { token: 'operate', json: { reason: 'done' } };
  expect((await world.call('DELETE', '/api/v1/holds/hold-1', end)).status).toBe(200);
  const bare = await world.call('DELETE', '/api/v1/holds/hold-1', { token: 'operate', json: {} });
  expect(bare.status).toBe(400);
});

test('an acknowledgement names an episode', async () => {
  const json = { ...because, episode: 'e-1' };
  expect((await world.call('POST', '/api/v1/ack', { token: 'operate', json })).body).toMatchObject({
    kind: 'ack',
    episode: 'e-1',
  });
  const bad = await world.call('POST', '/api/v1/ack', { token: 'operate', json: because });
  expect(bad.status).toBe(400);
});

test('a viewer reads and changes nothing', async () => {
  for (const path of [
    '/api/v1/holds',
    '/api/v1/ack',
    '/api/v1/remediations',
    '/api/v1/remediations/r-1/approve',
    '/api/v1/remediations/r-1/deny',
    '/api/v1/remediations/r-1/cancel',
    '/api/v1/remediations/r-1/undo',
  ]) {
    const reply = await world.call('POST', path, { token: 'view', json: because });
    expect([path, reply.status]).toEqual([path, 403]);
  }
  expect(world.state.people.calls).toEqual([]);
});

test.each([
  ['operate', 'operator'],
  ['administer', 'admin'],
])('an answer says who gave it, and with which role: %s', async (token, role) => {
  const json = { ...because, plan_hash: 'abc' };
  const path = '/api/v1/remediations/r-1/approve';
  expect((await world.call('POST', path, { token, json })).body).toMatchObject({
    state: 'granted',
  });
  expect(world.state.people.calls.at(-1)).toMatchObject({
    what: 'grant',
    with: { role, plan_hash: 'abc' },
  });
});

test('an answer without the hash of the plan is none', async () => {
  const path = '/api/v1/remediations/r-1/deny';
  const reply = await world.call('POST', path, { token: 'operate', json: because });
  expect(reply.status).toBe(400);
  expect(world.state.people.calls).toEqual([]);
});

test('questions that wait', async () => {
  expect((await world.call('GET', '/api/v1/approvals', { token: 'view' })).body).toMatchObject({
    items: [{ remediation_id: 'remediation-1', cmds: ['poke thing/a'] }],
  });
});

test('run, cancel, undo', async () => {
  const run = { ...because, rule: 'ai-errors', fingerprint: 'f00d' };
  const started = await world.call('POST', '/api/v1/remediations', {
    token: 'operate',
    json: run,
  });
  expect(started.status).toBe(201);
  const path = '/api/v1/remediations/r-1';
  const cancelled = await world.call('POST', `${path}/cancel`, { token: 'operate', json: because });
  expect(cancelled.body).toMatchObject({ cancel: { reason: 'we look at it' } });
  const undone = await world.call('POST', `${path}/undo`, { token: 'operate', json: because });
  expect(undone.body).toMatchObject({ leases: [{ id: 'lease-1', target: 'thing/a' }] });
  const unknown = '/api/v1/remediations/nobody/undo';
  expect((await world.call('POST', unknown, { token: 'operate', json: because })).status).toBe(404);
});

test('explain: every rule with its first failing matcher, every guard with what it said', async () => {
  const reply = await world.call('GET', '/api/v1/explain?episode=e-1', { token: 'view' });
  expect(reply.status).toBe(200);
  const { remediations } = reply.body as {
    remediations: { guards: { guard: string; verdict: string | null }[] }[];
  };
  expect(remediations[0]?.guards).toHaveLength(21);
  expect(remediations[0]?.guards[0]).toEqual({ guard: 'paused', verdict: null, detail: null });
  const both = await world.call('GET', '/api/v1/explain', { token: 'view' });
  expect(both.status).toBe(400);
});
