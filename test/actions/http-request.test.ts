import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import httpRequest from '../../actions/http-request.ts';
import type { ActionContext } from '../../src/action.ts';
import { createAllowed } from '../../src/core/rules/allow.ts';
import { type Receiver, startReceiver } from '../fakes/receiver.ts';
import { contextOf, failureOf, one } from './context.ts';

let receiver: Receiver;
let folder: string;
let hosts: string[];
beforeEach(async () => {
  receiver = await startReceiver();
  hosts = [receiver.url];
  folder = mkdtempSync(join(tmpdir(), 'autoheal-http-'));
});
afterEach(async () => {
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

function ctx(signal?: AbortSignal): ActionContext {
  const allowed = createAllowed(() => ({ commands: [], hosts }));
  return contextOf({ clients: { allowed }, ...(signal === undefined ? {} : { signal }) });
}
function given(more: object = {}) {
  return httpRequest.params.parse({
    url: `${receiver.url}/restart?token=abc`,
    method: 'POST',
    ...more,
  });
}
async function run(more: object = {}, signal?: AbortSignal) {
  const params = given(more);
  const target = one(await httpRequest.resolve(params, ctx()));
  return await httpRequest.execute(params, target, ctx(signal));
}

test('plans, previews and sends; only the sending is seen outside', async () => {
  const params = given({ body: { service: 'crm', n: 1 }, headers: { 'X-Reason': 'alert' } });
  const target = one(await httpRequest.resolve(params, ctx()));
  expect(target).toMatchObject({
    id: `http/${receiver.url}/restart`,
    parents: [],
    opted_in: true,
    desired: null,
    cmd: `curl -X POST ${receiver.url}/restart`,
  });
  expect(await httpRequest.preview(params, target, ctx())).toBe(
    `POST ${receiver.url}/restart, 23 characters`,
  );
  expect(receiver.posts).toEqual([]);
  expect(await httpRequest.execute(params, target, ctx())).toEqual({
    status: 200,
    type: 'application/json',
    body: 'ok',
    truncated: false,
    duration_ms: expect.any(Number),
  });
  const sent = one(receiver.posts);
  expect(sent).toMatchObject({ method: 'POST', path: '/restart', body: '{"service":"crm","n":1}' });
  expect(sent.query.get('token')).toBe('abc');
  expect(sent.headers).toMatchObject({
    'content-type': 'application/json',
    'idempotency-key': 'remediation-1/0/target',
    'x-reason': 'alert',
  });
  expect(sent.headers.authorization).toBeUndefined();
});

test('a text is sent as text, and a GET without anything', async () => {
  await run({ body: 'now' });
  await run({ method: 'GET' });
  const [text, get] = receiver.posts;
  expect([text?.headers['content-type'], text?.body]).toEqual(['text/plain; charset=utf-8', 'now']);
  expect([get?.method, get?.headers['content-type'], get?.body]).toEqual(['GET', undefined, '']);
});

describe('a host that the policy does not allow', () => {
  test('is refused in the plan', async () => {
    const failure = await failureOf(run({ url: 'http://169.254.169.254/latest' }));
    expect(failure).toMatchObject({ code: 'forbidden', retryable: false });
    expect(failure.message).toContain('add it under hosts');
  });

  test('is refused before the sending, when the policy has changed since', async () => {
    const target = one(await httpRequest.resolve(given(), ctx()));
    hosts = [];
    expect((await failureOf(httpRequest.execute(given(), target, ctx()))).code).toBe('forbidden');
    expect(receiver.posts).toEqual([]);
  });
});

describe('an answer', () => {
  test.each([
    [302, 'rejected', false, false],
    [404, 'rejected', false, false],
    [429, 'unavailable', true, true],
    [503, 'unavailable', false, true],
  ])('of %i is %s', async (status, code, post_retryable, put_retryable) => {
    receiver.answer({ status, body: 'no\nway', headers: { location: '/elsewhere' } }, 2);
    const post = await failureOf(run());
    expect(post).toMatchObject({ code, retryable: post_retryable });
    expect(post.message).toContain(`answered ${status}`);
    expect(post.message).not.toContain('token');
    expect(await failureOf(run({ method: 'PUT' }))).toMatchObject({ retryable: put_retryable });
    expect(receiver.posts).toHaveLength(2);
  });

  test('with a status that is expected is fine, and 200 then is not', async () => {
    receiver.answer({ status: 409, body: 'already' });
    expect(await run({ expect: [409] })).toMatchObject({ status: 409, body: 'already' });
    expect((await failureOf(run({ expect: [409] }))).code).toBe('rejected');
  });

  test('that is long is kept to its first 1,024 bytes', async () => {
    receiver.answer({ status: 200, body: 'x'.repeat(1_000_000) });
    expect(await run()).toMatchObject({ body: 'x'.repeat(1_024), truncated: true });
  });

  test('shows no secret', async () => {
    writeFileSync(join(folder, 'token'), 'tok-123\n');
    const body = `{"access_token": "s3cret-a", 'apiKey':'s3cret-b', "user":"ada"}
      password=s3cret-c&x=1 Authorization: Bearer s3cret-d; echo tok-123 "client_secret":"s3cret-e`;
    receiver.answer({ status: 200, body });
    const evidence = await run({ bearer_token_file: join(folder, 'token') });
    expect(JSON.stringify(evidence)).not.toMatch(/s3cret|tok-123/);
    expect(evidence['body']).toContain('"user":"ada"');
    expect(receiver.posts.at(-1)?.headers.authorization).toBe('Bearer tok-123');
  });
});

describe('no answer', () => {
  test('in time: a POST is not sent again, a PUT may be', async () => {
    receiver.answer('hang', 3);
    const post = await failureOf(run({ timeout: '100ms' }));
    expect(post).toMatchObject({ code: 'timeout', retryable: false });
    expect(post.message).toContain('it may have arrived');
    expect(await failureOf(run({ timeout: '100ms', method: 'PUT' }))).toMatchObject({
      code: 'timeout',
      retryable: true,
    });
    const said = { timeout: '100ms', safe_to_repeat: true };
    expect((await failureOf(run(said))).retryable).toBe(true);
  });

  test('from a cut connection', async () => {
    receiver.answer('reset');
    expect(await failureOf(run())).toMatchObject({ code: 'unavailable', retryable: false });
  });

  test('where nobody listens: nothing was sent, so even a POST may be tried again', async () => {
    const gone = await startReceiver();
    await gone.close();
    hosts = [gone.url];
    expect(await failureOf(run({ url: `${gone.url}/x` }))).toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
  });

  test('after an abort', async () => {
    receiver.answer('hang');
    const failure = await failureOf(run({}, AbortSignal.timeout(50)));
    expect(failure.code).toBe('timeout');
  });
});

test('a token file that is not there is named', async () => {
  const path = join(folder, 'gone');
  const failure = await failureOf(run({ bearer_token_file: path }));
  expect(failure).toMatchObject({ code: 'not_configured' });
  expect(failure.message).toContain(path);
  expect(receiver.posts).toEqual([]);
});

test.each([
  ['GET', {}, 'not_done'],
  ['PUT', {}, 'not_done'],
  ['DELETE', {}, 'not_done'],
  ['POST', {}, 'unknown'],
  ['PATCH', {}, 'unknown'],
  ['POST', { safe_to_repeat: true }, 'not_done'],
])('after a crash, %s %j is %s', async (method, more, wanted) => {
  const params = given({ method, ...more });
  const target = one(await httpRequest.resolve(params, ctx()));
  expect(await httpRequest.probe?.(params, target, ctx())).toBe(wanted);
});

test.each([
  ['another scheme', { url: 'file:///etc/passwd' }],
  ['no URL', { url: 'crm.example.com/x' }],
  ['a user', { url: 'https://me:pw@crm.example.com/' }],
  ['a fragment', { url: 'https://crm.example.com/#x' }],
  ['a path that climbs', { url: 'https://crm.example.com/a/../admin' }],
  ['a path that climbs in disguise', { url: 'https://crm.example.com/a/%2E%2e/admin' }],
  ['a path with a backslash', { url: String.raw`https://crm.example.com/a\..\admin` }],
  ['a line break', { url: 'https://crm.example.com/\nx' }],
  ['Authorization', { headers: { Authorization: 'Bearer x' } }],
  ['an API key', { headers: { 'X-Api-Key': 'x' } }],
  ['our header', { headers: { 'Idempotency-Key': 'x' } }],
  ['a header with a line break', { headers: { 'x-a': 'b\r\nx-c: d' } }],
  ['a GET with a body', { method: 'GET', body: 'x' }],
  ['a method in small letters', { method: 'post' }],
  ['a timeout without unit', { timeout: '10' }],
  ['a timeout that is too long', { timeout: '2m' }],
  ['a body that is too long', { body: 'x'.repeat(70_000) }],
])('%s is refused', (_name, more) => {
  const params = { url: 'https://crm.example.com/x', method: 'POST', ...more };
  expect(httpRequest.params.safeParse(params).success).toBe(false);
});

test('what is stored of the parameters is accepted again', () => {
  const stored = given({ body: [1, { a: null }], timeout: '3s' });
  expect(httpRequest.params.parse(stored)).toEqual(stored);
});
