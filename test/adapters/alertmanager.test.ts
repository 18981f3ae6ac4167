import { afterEach, beforeEach, expect, test } from 'vitest';
import { ANSWER_LIMIT_BYTES } from '../../src/adapters/alertmanager-http.ts';
import { createAlertmanagers } from '../../src/adapters/alertmanager.ts';
import type { AlertmanagerPeer } from '../../src/ports.ts';
import { failureOf, one } from '../actions/context.ts';
import { type FakeAlertmanager, startAlertmanager } from '../fakes/alertmanager.ts';

const STARTED = Date.UTC(2026, 0, 1);
const X = { fingerprint: 'd2aeefc389ca7746', labels: { alertname: 'QueueStuck' } };

let fake: FakeAlertmanager;
beforeEach(async () => {
  fake = await startAlertmanager({ started_at: STARTED });
});
afterEach(() => fake.close());

function peerAt(url: string, timeout_ms = 5_000): AlertmanagerPeer {
  return one(createAlertmanagers({ urls: [url], timeout_ms }));
}
function patience(): AbortSignal {
  return AbortSignal.timeout(10_000);
}

test('its start and version', async () => {
  expect(await peerAt(fake.url).status(patience())).toEqual({
    version: '0.25.0',
    started_at: STARTED,
  });
});

test('an alert with everything that is told of it, as old and new versions do', async () => {
  const starts_at = Date.UTC(2026, 2, 2);
  fake.show(
    { ...X, starts_at },
    { ...X, fingerprint: 'a'.repeat(16), muted_by: ['night'], inhibited_by: ['b'.repeat(16)] },
  );
  const [old, recent] = await peerAt(fake.url).alerts([], patience());
  expect(old).toEqual({
    ...X,
    annotations: { summary: 's' },
    starts_at,
    updated_at: Date.parse('2026-03-02T12:00:00.123Z'),
    generator_url: 'http://prometheus:9090/graph',
    state: 'active',
    silenced_by: [],
    inhibited_by: [],
    muted_by: [],
  });
  expect(recent).toMatchObject({ state: 'suppressed', muted_by: ['night'] });
});

test('only of the receivers named: names are no patterns, and no parts of longer ones', async () => {
  fake.show(
    { ...X, receivers: ['team.autoheal'] },
    { ...X, fingerprint: 'a'.repeat(16), receivers: ['team-autoheal'] },
    { ...X, fingerprint: 'b'.repeat(16), receivers: ['humans', 'x|y (é)'] },
    { ...X, fingerprint: 'c'.repeat(16), receivers: ['team.autoheal-2'] },
  );
  const peer = peerAt(fake.url);
  const found = async (...names: string[]) =>
    (await peer.alerts(names, patience())).map(({ fingerprint }) => fingerprint[0]);
  expect(await found('team.autoheal')).toEqual(['d']);
  expect(await found('team.autoheal', 'x|y (é)')).toEqual(['d', 'b']);
  expect(await found()).toEqual(['d', 'a', 'b', 'c']);
});

test('who made a silence; nobody, when it is gone', async () => {
  const peer = peerAt(fake.url);
  expect(await peer.silenceAuthor(fake.silence('ann'), patience())).toBe('ann');
  const gone = 'aaaaaaaa-0000-4000-8000-000000000000';
  expect(await peer.silenceAuthor(gone, patience())).toBeUndefined();
  await expect(peer.silenceAuthor('no-uuid', patience())).rejects.toMatchObject({
    code: 'rejected',
    message: expect.stringContaining('silenceID in path must be of type uuid') as string,
  });
});

test('user and password of the address are sent, and shown to nobody', async () => {
  const guarded = await startAlertmanager({ started_at: 0, prefix: '/am', basic: 'me:p@ss' });
  const peer = peerAt(guarded.url.replace('http://', 'http://me:p%40ss@'));
  expect(await peer.alerts([], patience())).toEqual([]);
  expect(peer.url).toBe(guarded.url);
  const failure = await failureOf(peerAt(guarded.url).alerts([], patience()));
  await guarded.close();
  expect(failure).toMatchObject({ code: 'forbidden', retryable: false });
});

test.each([
  [
    { status: 503, body: 'Limit of concurrent GET requests reached' },
    'unavailable',
    true,
    'answered 503',
  ],
  [{ status: 500, body: { code: 500, message: 'oh' } }, 'unavailable', true, 'answered 500: oh$'],
  [{ status: 400, body: '"bad matcher"' }, 'rejected', false, 'answered 400: bad matcher$'],
  [
    { status: 302, headers: { location: '/login' } },
    'rejected',
    false,
    'redirects are not followed',
  ],
  [{ status: 404, body: '<html>nginx</html>' }, 'not_found', false, 'answered 404'],
  [{ status: 200, body: '<html>' }, 'rejected', false, "does not speak Alertmanager's API"],
  [{ status: 200, body: { alerts: [] } }, 'rejected', false, 'does not answer as Alertmanager'],
  [{ status: 200, body: [{ fingerprint: 'x' }] }, 'rejected', false, '0.fingerprint'],
  [
    { status: 200, body: `[${' '.repeat(ANSWER_LIMIT_BYTES)}]` },
    'rejected',
    false,
    'gives more than',
  ],
  ['reset', 'unavailable', true, 'cannot be reached'],
] as const)('an answer %o', async (answer, code, retryable, why) => {
  fake.answer(answer);
  const failure = await failureOf(peerAt(fake.url).alerts([], patience()));
  expect(failure).toMatchObject({ code, retryable });
  expect(failure.message).toMatch(new RegExp(why));
});

test('one that hangs is left after its time', async () => {
  fake.answer('hang');
  expect(await failureOf(peerAt(fake.url, 50).status(patience()))).toMatchObject({
    code: 'timeout',
    retryable: true,
  });
});

test('an address that is none', () => {
  expect(() => createAlertmanagers({ urls: ['alertmanager:9093'], timeout_ms: 1 })).toThrow(
    'write http://alertmanager:9093',
  );
});
