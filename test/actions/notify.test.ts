import { afterEach, beforeEach, expect, test } from 'vitest';
import notify from '../../actions/notify.ts';
import { type Receiver, startReceiver } from '../fakes/receiver.ts';
import { contextOf, failureOf, one } from './context.ts';

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

function ctx() {
  const page = {
    format: 'json' as const,
    url: `${receiver.url}/secret`,
    url_file: null,
    bearer_token_file: null,
    timeout_ms: 5_000,
  };
  return contextOf({ notifiers: { page } });
}
const params = { notifier: 'page', message: 'the queue is too long' };

test('plans, previews and sends; only the sending is seen outside', async () => {
  const target = one(await notify.resolve(params, ctx()));
  expect(target).toMatchObject({
    id: 'notifier/page/00000000000000aa',
    name: 'page',
    opted_in: true,
    desired: null,
  });
  expect(await notify.preview(params, target, ctx())).toBe('send to page: the queue is too long');
  expect(receiver.posts).toEqual([]);
  expect(await notify.execute(params, target, ctx())).toEqual({
    notifier: 'page',
    format: 'json',
    status: 200,
  });
  const post = one(receiver.posts);
  expect(post.headers['idempotency-key']).toBe('remediation-1/0/target');
  expect(JSON.parse(post.body)).toEqual({
    title: 'TestAlert',
    text: 'the queue is too long',
    alertname: 'TestAlert',
    rule: 'test-rule',
    remediation: 'remediation-1',
    labels: { severity: 'page' },
  });
});

test('a notifier that the policy does not have', async () => {
  const failure = await failureOf(notify.resolve({ ...params, notifier: 'constructor' }, ctx()));
  expect(failure).toMatchObject({ code: 'not_configured', retryable: false });
});
