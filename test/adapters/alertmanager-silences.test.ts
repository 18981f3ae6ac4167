import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSilences } from '../../src/adapters/alertmanager-silences.ts';
import { type Answer, type FakeServer, type Seen, serve } from '../fakes/http.ts';
import { failureOf } from '../actions/context.ts';

/** One peer that fails in whatever way; how a real one answers is tested in test/real/silence.test.ts. */
let peer: FakeServer;
let answer: (seen: Seen) => Answer;
const signal = AbortSignal.timeout(10_000);
beforeEach(async () => {
  peer = await serve((seen) => answer(seen));
  answer = () => ({ status: 200, body: [] });
});
afterEach(() => peer.close());

function silences(...urls: readonly string[]) {
  const own = `http://me:p%40ss@127.0.0.1:${peer.port}/am/`;
  const traceHeaders = () => ({ traceparent: 'trace' });
  return createSilences({ urls: [...urls, own], timeout_ms: 300, traceHeaders });
}
const NEW = {
  matchers: [{ name: 'a', value: 'b', is_regex: false, is_equal: true }],
  ends_at: Date.parse('2026-03-01T04:00:00Z'),
  comment: 'why',
};

test('sends path prefix, Basic credentials and the trace', async () => {
  answer = () => ({ status: 200, body: { silenceID: 'id-1' } });
  expect(await silences().create(NEW, signal)).toBe('id-1');
  const [seen] = peer.requests;
  expect(seen).toMatchObject({ method: 'POST', path: '/am/api/v2/silences' });
  expect(seen?.headers).toMatchObject({
    authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    traceparent: 'trace',
    'content-type': 'application/json',
  });
  expect(JSON.parse(seen?.body ?? '')).toEqual({
    matchers: [{ name: 'a', value: 'b', isRegex: false, isEqual: true }],
    startsAt: '1970-01-01T00:00:00.000Z',
    endsAt: '2026-03-01T04:00:00.000Z',
    createdBy: 'autoheal',
    comment: 'why',
  });
});

test('reads ours that stand, also of versions before isEqual', async () => {
  const listed = {
    id: 'id-1',
    createdBy: 'autoheal',
    comment: 'why',
    endsAt: '2026-03-01T04:00:00.000Z',
    status: { state: 'active' },
    matchers: [{ name: 'a', value: 'b', isRegex: false }],
  };
  answer = () => ({
    status: 200,
    body: [
      listed,
      { ...listed, id: 'id-2', createdBy: 'ada' },
      { ...listed, id: 'id-3', status: { state: 'expired' } },
      { ...listed, id: 'id-4', status: { state: 'pending' } },
    ],
  });
  expect(await silences().ours(signal)).toEqual([
    { ...NEW, id: 'id-1' },
    { ...NEW, id: 'id-4' },
  ]);
});

describe('of several peers', () => {
  test.each<[string, Answer]>([
    ['does not answer', 'hang'],
    ['cuts the connection', 'reset'],
    ['is ill', { status: 503 }],
  ])('the next is asked when one %s', async (_name, ill) => {
    const first = await serve(() => ill);
    expect(await silences(`http://127.0.0.1:${first.port}`).ours(signal)).toEqual([]);
    expect([first.requests.length, peer.requests.length]).toEqual([1, 1]);
    await first.close();
  });

  test('the next is not asked when one refuses, or nobody waits any more', async () => {
    const first = await serve(() => ({ status: 400, body: '"bad matcher"' }));
    const both = silences(`http://127.0.0.1:${first.port}`);
    const failure = await failureOf(both.create(NEW, signal));
    expect(failure).toMatchObject({ code: 'rejected', retryable: false });
    expect(failure.message).toContain('answered 400: bad matcher');
    expect((await failureOf(both.ours(AbortSignal.abort()))).code).toBe('timeout');
    expect(peer.requests).toEqual([]);
    await first.close();
  });
});

test.each<[string, Answer, string, boolean]>([
  ['an error', { status: 500, body: { message: 'broken' } }, 'unavailable', true],
  ['too many requests', { status: 429 }, 'unavailable', true],
  ['wrong credentials', { status: 401 }, 'forbidden', false],
  ['a redirect', { status: 302, headers: { location: '/x' } }, 'rejected', false],
  ['a page', { status: 200, body: '<html>' }, 'rejected', false],
  ['another shape', { status: 200, body: [{ id: 1 }] }, 'rejected', false],
  ['no API v2', { status: 404, body: 'not found' }, 'not_found', false],
  ['no answer', 'hang', 'timeout', true],
])('%s', async (_name, given, code, retryable) => {
  answer = () => given;
  const failure = await failureOf(silences().ours(signal));
  expect(failure).toMatchObject({ code, retryable });
  expect(failure.message).not.toMatch(/p@ss|p%40ss/);
});

test.each<[string, Answer]>([
  ['404', { status: 404 }],
  ['500 of version 0.25', { status: 500, body: '"silence x not found"' }],
])('one that is not there any more has ended: %s', async (_name, given) => {
  answer = () => given;
  await silences().expire('a/b', signal);
  expect(peer.requests[0]).toMatchObject({ method: 'DELETE', path: '/am/api/v2/silence/a%2Fb' });
});

test('without an address, or with one that is none, it is not configured', async () => {
  for (const urls of [[], ['alertmanager:9093'], ['ftp://x']]) {
    const call = createSilences({ urls, timeout_ms: 300 }).ours(signal);
    expect(await failureOf(call)).toMatchObject({ code: 'not_configured', retryable: false });
  }
});
