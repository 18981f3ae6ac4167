import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import silence from '../../actions/silence.ts';
import { createSilences } from '../../src/adapters/alertmanager-silences.ts';
import { contextOf, one } from '../actions/context.ts';
import { type Alertmanager, startAlertmanager } from './alertmanager.ts';
import { haveParts } from './parts.ts';
import { until } from './until.ts';

const WAIT = { timeout_ms: 15_000 };

describe.skipIf(!haveParts('alertmanager'))('silence on a real Alertmanager', () => {
  let alertmanager: Alertmanager;
  beforeAll(async () => {
    alertmanager = await startAlertmanager({
      config: 'route: { receiver: none }\nreceivers: [{ name: none }]\n',
    });
  });
  afterAll(() => alertmanager?.stop());

  function ctx() {
    return contextOf({
      clients: { silences: createSilences({ urls: [alertmanager.url], timeout_ms: 5_000 }) },
    });
  }
  async function post(path: string, body: object): Promise<void> {
    const answer = await fetch(`${alertmanager.url}/api/v2/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect([answer.status, await answer.text()]).toEqual([200, expect.anything()]);
  }
  async function stateOf(instance: string): Promise<string | undefined> {
    const alerts = await alertmanager.alerts();
    return alerts.find(({ labels }) => labels['instance'] === instance)?.status.state;
  }

  test('suppresses what it names until its end, and nothing else', async () => {
    await post('alerts', [
      { labels: { alertname: 'NodeDown', instance: 'web "1"', service: 'crm' } },
      { labels: { alertname: 'NodeDown', instance: 'web2', service: 'crm' } },
    ]);
    const before = { result: await stateOf('web2') };
    const params = silence.params.parse({
      matchers: ['alertname="NodeDown"', String.raw`instance="web \"1\""`, 'service!="autoheal"'],
      for: '1h',
    });
    const target = one(await silence.resolve(params, ctx()));
    expect(await silence.verify?.(params, target, {}, ctx())).toBe('failed');
    const made = await silence.execute(params, target, ctx());
    expect(made).toMatchObject({ joined: false });
    await until('suppressed', async () => (await stateOf('web "1"')) === 'suppressed', WAIT);
    expect(await stateOf('web2')).toBe(before.result);

    // Again, as after a crash: no second one.
    expect(await silence.execute(params, target, ctx())).toMatchObject({
      joined: true,
      silence: made['silence'],
    });
    expect(await silence.verify?.(params, target, {}, ctx())).toBe('healthy');

    const undo = { params: {}, original: null, value: target.desired };
    const reverted = await silence.revert?.(target, undo, ctx());
    expect(reverted).toMatchObject({ evidence: { expired: [made['silence']] } });
    await until('fires again', async () => (await stateOf('web "1"')) !== 'suppressed', WAIT);
    expect(await silence.revert?.(target, undo, ctx())).toMatchObject({
      evidence: { expired: [] },
    });
  });

  test("leaves a person's silence with the same matchers alone", async () => {
    const matchers = [{ name: 'alertname', value: 'DiskFull', isRegex: false, isEqual: true }];
    await post('silences', {
      matchers,
      startsAt: new Date().toISOString(),
      endsAt: new Date(Date.now() + 3_600_000).toISOString(),
      createdBy: 'ada',
      comment: 'mine',
    });
    const params = silence.params.parse({ matchers: ['alertname="DiskFull"'], for: '1h' });
    const target = one(await silence.resolve(params, ctx()));
    expect(await silence.execute(params, target, ctx())).toMatchObject({ joined: false });
    await silence.revert?.(target, { params: {}, original: null, value: target.desired }, ctx());
    const answer = await fetch(`${alertmanager.url}/api/v2/silences`);
    const standing = (await answer.json()) as {
      createdBy: string;
      comment: string;
      status: { state: string };
    }[];
    const about = standing.filter(({ comment }) => comment === 'mine' || comment.includes('rule'));
    const active = about.filter(({ status }) => status.state === 'active');
    expect(active.map(({ createdBy }) => createdBy)).toEqual(['ada']);
  });

  test('one that has ended, or never was, is ended without a word', async () => {
    const silences = createSilences({ urls: [alertmanager.url], timeout_ms: 5_000 });
    const signal = AbortSignal.timeout(10_000);
    const id = await silences.create(
      {
        matchers: [{ name: 'alertname', value: 'x', is_regex: false, is_equal: true }],
        ends_at: Date.now() + 60_000,
        comment: 'test',
      },
      signal,
    );
    await silences.expire(id, signal);
    await silences.expire(id, signal);
    await silences.expire('00000000-0000-4000-8000-000000000000', signal);
    expect((await silences.ours(signal)).map((found) => found.id)).not.toContain(id);
  });
});
