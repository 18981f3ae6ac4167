import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Notification } from '../../src/action.ts';
import { createNotifiers, notifyBackend } from '../../src/adapters/notifiers.ts';
import type { NotifierConfig } from '../../src/core/rules/rule.ts';
import { failureOf, one } from '../actions/context.ts';
import { type Receiver, startReceiver } from '../fakes/receiver.ts';

let receiver: Receiver;
let dir: string;
beforeEach(async () => {
  receiver = await startReceiver();
  dir = await mkdtemp(join(tmpdir(), 'autoheal-notify-'));
});
afterEach(async () => {
  await receiver.close();
  await rm(dir, { recursive: true });
});

const message: Notification = {
  title: 'Help',
  text: 'it burns',
  fields: { rule: 'r', title: 'no' },
};
const SECRET = 'T0/B0/s3cr3t';

function send(config: Partial<NotifierConfig>, sent = message) {
  const whole = {
    format: 'json' as const,
    url: config.url_file === undefined ? `${receiver.url}/${SECRET}` : null,
    url_file: null,
    bearer_token_file: null,
    timeout_ms: 5_000,
    ...config,
  };
  const options = { signal: AbortSignal.timeout(10_000), idempotency_key: 'key-1' };
  return createNotifiers(() => ({ page: whole })).send('page', sent, options);
}

test('json: title, text and the fields; the fields never replace the first two', async () => {
  expect(await send({})).toEqual({ notifier: 'page', format: 'json', status: 200 });
  const post = one(receiver.posts);
  expect(post).toMatchObject({ method: 'POST', path: `/${SECRET}` });
  expect(post.headers).toMatchObject({
    'content-type': 'application/json',
    'idempotency-key': 'key-1',
  });
  expect(JSON.parse(post.body)).toEqual({ rule: 'r', title: 'Help', text: 'it burns' });
});

test('slack: one text, in which nothing can call a channel', async () => {
  await send({ format: 'slack' }, { ...message, text: '<!channel> a & b' });
  expect(JSON.parse(one(receiver.posts).body)).toEqual({
    text: '*Help*\n&lt;!channel&gt; a &amp; b',
  });
});

test('the address and the token come from files, read at each message', async () => {
  const url_file = join(dir, 'url');
  const bearer_token_file = join(dir, 'token');
  await writeFile(url_file, `${receiver.url}/first\n`);
  await writeFile(bearer_token_file, 'tok-1\n');
  await send({ url_file, bearer_token_file });
  await writeFile(url_file, `${receiver.url}/second`);
  await send({ url_file, bearer_token_file });
  expect(receiver.posts.map((post) => post.path)).toEqual(['/first', '/second']);
  expect(receiver.posts[0]?.headers.authorization).toBe('Bearer tok-1');
});

test.each([
  [{ status: 400, body: SECRET }, 'rejected', false],
  [{ status: 404 }, 'rejected', false],
  [{ status: 429 }, 'unavailable', true],
  [{ status: 500 }, 'unavailable', true],
  [{ status: 302, headers: { location: '/elsewhere' } }, 'rejected', false],
  ['reset', 'unavailable', true],
] as const)('answer %#: %s', async (answer, code, retryable) => {
  receiver.answer(answer);
  const failure = await failureOf(send({}));
  expect(failure).toMatchObject({ code, retryable });
  expect(JSON.stringify([failure.message, failure.stack, failure.cause])).not.toContain(SECRET);
  expect(receiver.posts).toHaveLength(1);
});

test('any 2xx is fine, also with a body that is much too long', async () => {
  receiver.answer({ status: 202 });
  expect(await send({})).toMatchObject({ status: 202 });
  receiver.answer({ status: 200, body: 'x'.repeat(1_000_000) });
  expect(await send({})).toMatchObject({ status: 200 });
});

test('no answer in time', async () => {
  receiver.answer('hang');
  expect(await failureOf(send({ timeout_ms: 30 }))).toMatchObject({
    code: 'timeout',
    retryable: true,
  });
});

test.each([
  [{ url: `not an address ${SECRET}` }, 'url does not give'],
  [{ url: `ftp://host/${SECRET}` }, 'url does not give'],
  [{ url: null, url_file: '/nowhere/url' }, 'url_file /nowhere/url cannot be read'],
  [{ bearer_token_file: '/nowhere/token' }, 'bearer_token_file /nowhere/token cannot be read'],
])('a setting that cannot be used: %j', async (config, why) => {
  const failure = await failureOf(send(config));
  expect(failure).toMatchObject({ code: 'not_configured', retryable: false });
  expect(failure.message).toContain(why);
  expect(failure.message).not.toContain(SECRET);
});

test('user and password in the address are sent as Basic, not refused with the address in the error', async () => {
  const { port } = new URL(receiver.url);
  await send({ url: `http://me:${SECRET.replaceAll('/', '%2F')}@127.0.0.1:${port}/x` });
  const basic = Buffer.from(`me:${SECRET}`).toString('base64');
  expect(one(receiver.posts).headers.authorization).toBe(`Basic ${basic}`);
});

test('what the policy does not name is not configured', async () => {
  const notifiers = createNotifiers(() => ({}));
  expect(notifiers.has('toString')).toBe(false);
  const options = { signal: AbortSignal.timeout(1_000), idempotency_key: 'k' };
  expect((await failureOf(notifiers.send('toString', message, options))).code).toBe(
    'not_configured',
  );
});

test('the backend folds whatever else happens', () => {
  expect(notifyBackend.classify(new Error(SECRET))).toMatchObject({
    code: 'unexpected',
    message: 'the notifier failed',
  });
});
