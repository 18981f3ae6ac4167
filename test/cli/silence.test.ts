import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type FakeServer, type Seen, serve } from '../fakes/http.ts';
import { autoheal, type Ended } from './command.ts';

/** One Alertmanager that answers in whatever way; the real one is asked in test/real/silence-command.test.ts. */
let peer: FakeServer;
let answer: (seen: Seen) => Answer;
let url: string;
beforeEach(async () => {
  peer = await serve((seen) => answer(seen));
  url = `http://127.0.0.1:${peer.port}/am`;
  answer = () => ({ status: 200, body: { silenceID: 'id-1' } });
});
afterEach(() => peer.close());

const LISTED = {
  id: 'id-1',
  createdBy: 'bob',
  comment: 'new disk',
  startsAt: '2026-03-01T03:00:00.123Z',
  endsAt: '2026-03-01T04:00:00.000Z',
  status: { state: 'active' },
  matchers: [
    { name: 'alertname', value: 'NodeDown', isRegex: false, isEqual: true },
    { name: 'instance', value: 'web.*', isRegex: true, isEqual: false },
  ],
};

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return autoheal('', args, { USER: 'ada', AUTOHEAL_ALERTMANAGER_URL: url, ...env });
}
const ADD = ['silence', 'add', 'alertname="NodeDown"', 'instance!~"web.*"', '--reason', 'new disk'];

describe('add', () => {
  test("makes a person's silence from matchers, and says how to end it", async () => {
    const before = Date.now();
    const { code, stdout } = await run([...ADD, '--for', '1h']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^silenced until 2\S+Z; to end it before: npx autoheal silence end id-1 --reason '...'\n$/,
    );
    const [seen] = peer.requests;
    expect(seen).toMatchObject({ method: 'POST', path: '/am/api/v2/silences' });
    const body = JSON.parse(seen?.body ?? '') as { readonly endsAt: string };
    expect(body).toMatchObject({
      createdBy: 'ada',
      comment: 'new disk',
      matchers: LISTED.matchers,
    });
    const lasts_ms = Date.parse(body.endsAt) - before;
    expect(lasts_ms).toBeGreaterThanOrEqual(3_600_000);
    expect(lasts_ms).toBeLessThan(3_660_000);
  });

  test('--as and --alertmanager go before the environment; --json is data', async () => {
    const given = ['--for', '30m', '--as', 'eve', '--alertmanager', url, '--json'];
    const { stdout } = await run([...ADD, ...given], {
      AUTOHEAL_ALERTMANAGER_URL: 'http://127.0.0.1:1',
    });
    expect(JSON.parse(stdout)).toMatchObject({
      id: 'id-1',
      created_by: 'eve',
      comment: 'new disk',
    });
  });

  test.each<[readonly string[], string]>([
    [['alertname=~".+"'], 'no matcher says exactly which alerts are meant'],
    [['severity="page"'], 'would silence Autoheal'],
    [['alertname="Watchdog"'], 'would silence Watchdog'],
    [['alertname'], 'alertname: has no operator'],
  ])('too wide, or none: %j', async (matchers, said) => {
    const { code, stderr } = await run([
      'silence',
      'add',
      ...matchers,
      '--for',
      '1h',
      '--reason',
      'x',
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(peer.requests).toEqual([]);
  });

  test.each<[readonly string[], Readonly<Record<string, string>>, string]>([
    [[], {}, "required option '--for <duration>' not specified"],
    [['--for', '31d'], {}, '--for: at most 30d, not 31d'],
    [['--for', '1h', '--as', 'autoheal'], {}, 'say who you are: --as NAME'],
    [['--for', '1h'], { USER: 'autoheal' }, 'say who you are: --as NAME'],
    [['--for', '1h'], { USER: '' }, 'say who you are: --as NAME'],
    [['--for', '1h'], { AUTOHEAL_ALERTMANAGER_URL: '' }, 'no Alertmanager: give --alertmanager'],
    [['--for', '1h', '--alertmanager', 'am:9093'], {}, '--alertmanager: am:9093 is no address'],
  ])('wrong usage ends with 2: %j %j', async (options, env, said) => {
    const { code, stderr } = await run([...ADD, ...options], env);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(peer.requests).toEqual([]);
  });
});

describe('end', () => {
  const END = ['silence', 'end', 'id-1', '--reason', 'the disk is in'];

  test('the comment says who and why, then it ends', async () => {
    answer = ({ method }) => ({
      status: 200,
      body: method === 'GET' ? [LISTED] : method === 'POST' ? { silenceID: 'id-2' } : undefined,
    });
    const { code, stdout } = await run(END);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'ended: silence id-1: new disk (ended by ada: the disk is in)\n',
    });
    expect(peer.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /am/api/v2/silences',
      'POST /am/api/v2/silences',
      // Under the id that the change got.
      'DELETE /am/api/v2/silence/id-2',
    ]);
    expect(JSON.parse(peer.requests[1]?.body ?? '')).toEqual({
      id: 'id-1',
      createdBy: 'bob',
      comment: 'new disk (ended by ada: the disk is in)',
      startsAt: LISTED.startsAt,
      endsAt: LISTED.endsAt,
      matchers: LISTED.matchers,
    });
  });

  test('one that does not stand: 1, and nothing is changed', async () => {
    answer = () => ({ status: 200, body: [{ ...LISTED, status: { state: 'expired' } }] });
    const { code, stderr } = await run(END);
    expect(code).toBe(1);
    expect(stderr).toContain('no silence id-1 is active or pending');
    expect(peer.requests).toHaveLength(1);
  });
});

describe('silences', () => {
  test('a table, and data', async () => {
    answer = () => ({ status: 200, body: [LISTED, { ...LISTED, status: { state: 'expired' } }] });
    expect((await run(['silences'])).stdout).toMatch(
      /^OF {38}UNTIL .*\nalertname="NodeDown" instance!~"web\.\*" {2}2026-03-01T04:00:00Z {2}active {2}bob {2}id-1 {2}new disk\n$/,
    );
    expect(JSON.parse((await run(['silences', '--json'])).stdout)).toEqual({
      items: [
        {
          id: 'id-1',
          created_by: 'bob',
          comment: 'new disk',
          state: 'active',
          starts_at: LISTED.startsAt,
          ends_at: LISTED.endsAt,
          matchers: [
            { name: 'alertname', value: 'NodeDown', is_regex: false, is_equal: true },
            { name: 'instance', value: 'web.*', is_regex: true, is_equal: false },
          ],
        },
      ],
    });
  });

  test('none', async () => {
    answer = () => ({ status: 200, body: [] });
    expect((await run(['silences'])).stdout).toBe('Nothing is silenced.\n');
  });

  test.each<[Answer, string]>([
    [{ status: 500, body: 'no' }, 'answered 500: no'],
    [{ status: 401, body: '' }, 'answered 401'],
    [{ status: 200, body: { not: 'a list' } }, "not that of Alertmanager's API v2"],
    ['reset', 'Alertmanager http://127.0.0.1'],
  ])('it does not answer as it should: %j', async (given, said) => {
    answer = () => given;
    const { code, stderr } = await run(['silences']);
    expect(code).toBe(1);
    expect(stderr).toContain(said);
  });
});
