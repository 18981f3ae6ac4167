import { afterEach, describe, expect, test } from 'vitest';
import { NOW } from './values.ts';
import { startWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

const HOUR_MS = 3_600_000;

describe('GET /api/v1/audit', () => {
  test('answers the newest first with times in RFC 3339', async () => {
    world = await startWorld();
    const { body } = await world.call('GET', '/api/v1/audit');
    expect(body.items.map((item: { seq: number }) => item.seq)).toEqual([4, 3, 2, 1]);
    expect(body.items[0].ts).toBe('2026-03-01T11:59:53.000Z');
    expect(body.next_cursor).toBeNull();
    expect(world.state.audit_queries).toEqual([{ order: 'desc', limit: 100 }]);
  });

  test('passes every filter on', async () => {
    world = await startWorld();
    const query = [
      'kind=action_ok&kind=pause',
      'alertname=A&fingerprint=f&episode=e&remediation=r&target=t&rule=u&action=a',
      'result=ok&reason=busy&actor=local&chaos=true&drill=false&q=crm',
      'since=1h&until=2026-03-01T13:00:00%2B01:00&order=asc&limit=7&cursor=c1&format=json',
    ].join('&');
    expect((await world.call('GET', `/api/v1/audit?${query}`)).status).toBe(200);
    expect(world.state.audit_queries).toEqual([
      {
        kind: ['action_ok', 'pause'],
        alertname: ['A'],
        fingerprint: ['f'],
        episode: ['e'],
        remediation: ['r'],
        target: ['t'],
        rule: ['u'],
        action: ['a'],
        result: ['ok'],
        reason: ['busy'],
        actor: ['local'],
        chaos: true,
        drill: false,
        q: 'crm',
        since: NOW - HOUR_MS,
        until: NOW,
        order: 'asc',
        limit: 7,
        cursor: 'c1',
      },
    ]);
  });

  test('finds what was asked for, page by page', async () => {
    world = await startWorld();
    const story = await world.call('GET', '/api/v1/audit?alertname=AIErrorRateHigh&order=asc');
    expect(story.body.items.map((item: { kind: string }) => item.kind)).toEqual([
      'alert_firing',
      'action_ok',
    ]);
    const page = await world.call('GET', '/api/v1/audit?limit=1');
    expect(page.body).toMatchObject({ items: [{ seq: 4 }], next_cursor: 'c1' });
  });

  test('a + of a zone that the shell sent as a space is still a zone', async () => {
    world = await startWorld();
    await world.call('GET', '/api/v1/audit?since=2026-03-01T13:00:00+01:00');
    expect(world.state.audit_queries[0]?.since).toBe(NOW);
  });

  test.each([
    ['knd=pause', 'unknown query parameter "knd"; this path takes: kind, alertname'],
    ['kind=pausd', 'query parameter "kind"'],
    ['limit=0', 'from 1 to'],
    ['limit=1001', 'from 1 to 1000'],
    ['limit=1e2', 'from 1 to'],
    ['limit=1&limit=2', 'is given more than once'],
    ['since=yesterday', 'RFC 3339'],
    ['since=2026-02-30T00:00:00Z', 'RFC 3339'],
    ['since=1735689600', 'RFC 3339'],
    ['order=up', 'query parameter "order"'],
    ['chaos=yes', 'query parameter "chaos"'],
    ['q=', 'is empty'],
    ['q=%00', 'NUL'],
    ['cursor=forged', 'not ours'],
    ['format=xml', 'query parameter "format"'],
    ['__proto__=1', 'unknown query parameter "__proto__"'],
    [Array(51).fill('kind=pause').join('&'), 'more than 50 values'],
    [
      Array.from({ length: 201 }, (_, i) => `k${i}=1`).join('&'),
      'unknown query parameter|more than 200',
    ],
  ])('?%s is 400 and says why', async (query, detail) => {
    world = await startWorld();
    const reply = await world.call('GET', `/api/v1/audit?${query}`);
    expect(reply.body.code).toBe('invalid_request');
    expect(reply.body.detail).toMatch(new RegExp(detail.replaceAll('?', '\\?')));
  });
});

describe('GET /api/v1/audit/verify', () => {
  test('answers the verdict, also a bad one', async () => {
    world = await startWorld();
    const good = await world.call('GET', '/api/v1/audit/verify?from=2');
    expect(good.body).toMatchObject({ ok: true, rows: 3, from: 2 });
    world.state.verify = async () => ({ ok: false, rows: 2, bad_seq: 2, why: 'hash differs' });
    const bad = await world.call('GET', '/api/v1/audit/verify');
    expect(bad.status).toBe(200);
    expect(bad.body).toEqual({ ok: false, rows: 2, bad_seq: 2, why: 'hash differs' });
  });

  test('says where it began when what was asked for has been removed', async () => {
    world = await startWorld();
    const checkpoint = { removed_to_seq: 41, hash: 'ab', ts: Date.UTC(2026, 1, 3) };
    world.state.verify = async () => ({ ok: true, rows: 9, from: 42, head: 'h', checkpoint });
    const { status, body } = await world.call('GET', '/api/v1/audit/verify?from=7');
    expect(status).toBe(200);
    expect(body).toEqual({
      ok: true,
      rows: 9,
      from: 42,
      head: 'h',
      checkpoint: {
        removed_to_seq: 41,
        hash: 'ab',
        ts: '2026-02-03T00:00:00.000Z',
        detail: 'entries 1 to 41 were removed by retention; the chain was checked from 42',
      },
    });
  });

  test('runs once at a time: the same question shares the answer, another waits its turn', async () => {
    world = await startWorld();
    const held = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    let runs = 0;
    world.state.verify = async (from) => {
      runs += 1;
      begun.resolve();
      await held.promise;
      return { ok: true, rows: 1, from, head: 'h' };
    };
    const first = world.call('GET', '/api/v1/audit/verify');
    await begun.promise;
    const same = world.call('GET', '/api/v1/audit/verify?from=1');
    expect((await world.call('GET', '/api/v1/audit/verify?from=2')).status).toBe(409);
    held.resolve();
    expect([(await first).status, (await same).status, runs]).toEqual([200, 200, 1]);
    expect((await world.call('GET', '/api/v1/audit/verify?from=2')).status).toBe(200);
  });
});
