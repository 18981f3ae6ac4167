import { once } from 'node:events';
import { createServer } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { classifyDocker, createDocker } from '../../src/adapters/docker.ts';
import { configuredHost, dockerEndpoint } from '../../src/adapters/docker-endpoint.ts';
import { failureOf } from '../actions/context.ts';
import { type FakeDocker, startDockerEngine } from '../fakes/docker-engine.ts';

let docker: FakeDocker;
beforeEach(async () => {
  docker = await startDockerEngine();
});
afterEach(() => docker.close());

test('the host: the option, then AUTOHEAL_DOCKER_HOST, then DOCKER_HOST; empty is absent', () => {
  const env = { AUTOHEAL_DOCKER_HOST: 'unix:///a', DOCKER_HOST: 'unix:///b' };
  expect(configuredHost('unix:///o', env)).toBe('unix:///o');
  expect(configuredHost(undefined, env)).toBe('unix:///a');
  expect(configuredHost('', { ...env, AUTOHEAL_DOCKER_HOST: '' })).toBe('unix:///b');
  expect(configuredHost(undefined, {})).toBeUndefined();
});

test.each([
  ['unix:///run/d.sock', {}, { kind: 'socket', socketPath: '/run/d.sock' }],
  ['/run/d.sock', {}, { kind: 'socket', socketPath: '/run/d.sock' }],
  ['tcp://h:2375', {}, { kind: 'tcp', protocol: 'http', host: 'h', port: 2375 }],
  ['tcp://h', {}, { protocol: 'http', port: 2375 }],
  ['http://h:80', {}, { protocol: 'http', port: 80 }],
  ['https://h', {}, { protocol: 'https', port: 2376 }],
  ['tcp://h:2376', {}, { protocol: 'https', port: 2376 }],
  ['tcp://h:9', { DOCKER_TLS_VERIFY: '1' }, { protocol: 'https', port: 9 }],
  ['tcp://[::1]:2375', {}, { host: '[::1]', port: 2375 }],
] as const)('%s with %j', (host, env, expected) => {
  expect(dockerEndpoint(host, env)).toMatchObject(expected);
});

test.each(['ssh://h', 'npipe:////./pipe/docker', 'tcp://', 'h:2375x', 'nonsense'])(
  '%s is refused with what to write',
  async (host) => {
    const failure = await failureOf(createDocker({ host, env: {} }).client());
    expect(failure).toMatchObject({ code: 'not_configured', retryable: false });
    expect(failure.message).toContain('tcp://host:2375');
    const status = await createDocker({ host, env: {} }).component.status();
    expect(status.status).toBe('degraded');
  },
);

test('certificates that cannot be read are named', async () => {
  const env = { DOCKER_CERT_PATH: '/nowhere' };
  const failure = await failureOf(createDocker({ host: 'tcp://h:2376', env }).client());
  expect(failure.message).toContain('DOCKER_CERT_PATH=/nowhere');
});

test('the client talks to the socket it was given, whatever DOCKER_HOST of the process says', async () => {
  docker.add({ name: 'one' });
  const before = process.env['DOCKER_HOST'];
  process.env['DOCKER_HOST'] = 'tcp://127.0.0.1:1';
  try {
    const client = await createDocker({ host: docker.host, env: {} }).client();
    expect(await client.listContainers()).toHaveLength(1);
  } finally {
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
  }
});

test('status: the engine’s version, or what is wrong with it', async () => {
  const { component } = createDocker({ host: docker.host, env: {} });
  expect(await component.status()).toEqual({
    status: 'ok',
    detail: `Docker 20.10.24 at ${docker.host}`,
  });
  docker.fail(/version/, { status: 500, body: {} });
  expect(await component.status()).toMatchObject({ status: 'degraded' });
  docker.fail(/version/, { status: 200, body: 'hello' });
  const other = await component.status();
  expect(other).toMatchObject({ status: 'degraded' });
  expect(other.detail).toContain('does not speak Docker');
  docker.fail(/version/, { status: 200, body: 'x'.repeat(100_000) });
  expect(await component.status()).toMatchObject({ status: 'degraded' });
});

test('status of an engine that never answers is degraded', async () => {
  docker.fail(/version/, 'hang');
  const status = await createDocker({ host: docker.host, env: {} }).component.status();
  expect(status).toMatchObject({ status: 'degraded' });
});

test('status and calls where a socket file is left and nobody listens', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'autoheal-gone-'));
  try {
    const host = `unix://${join(dir, 'docker.sock')}`;
    const adapter = createDocker({ host, env: {} });
    expect(await adapter.component.status()).toMatchObject({ status: 'degraded' });
    const failure = classifyDocker(
      await adapter
        .client()
        .then((c) => c.ping())
        .catch((e: unknown) => e),
    );
    expect(failure).toMatchObject({ code: 'unavailable', retryable: true });
  } finally {
    await rm(dir, { recursive: true });
  }
});

test.each([
  [404, 'not_found', false],
  [409, 'conflict', false],
  [403, 'forbidden', false],
  [401, 'forbidden', false],
  [400, 'rejected', false],
  [500, 'unavailable', true],
  [503, 'unavailable', true],
])('HTTP %i is %s', async (status, code, retryable) => {
  docker.fail(/json/, { status, body: { message: 'says why' } });
  const client = await createDocker({ host: docker.host, env: {} }).client();
  const error: unknown = await client.listContainers().catch((thrown: unknown) => thrown);
  const failure = classifyDocker(error);
  expect(failure).toMatchObject({ code, retryable });
  expect(failure.message).toContain('says why');
});

test('a connection that breaks and one that is aborted', async () => {
  const client = await createDocker({ host: docker.host, env: {} }).client();
  docker.fail(/json/, 'reset');
  const reset: unknown = await client.listContainers().catch((thrown: unknown) => thrown);
  expect(classifyDocker(reset)).toMatchObject({ code: 'unavailable', retryable: true });
  docker.fail(/json/, 'hang');
  const stop = new AbortController();
  docker.before(/json/, () => void setImmediate(() => stop.abort()));
  const aborted: unknown = await client
    .listContainers({ abortSignal: stop.signal })
    .catch((thrown: unknown) => thrown);
  expect(classifyDocker(aborted)).toMatchObject({ code: 'timeout', retryable: true });
});

test('something that is not HTTP at the other end is unavailable', async () => {
  const server = createServer((socket) => void socket.end('SSH-2.0-none\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const adapter = createDocker({ host: `tcp://127.0.0.1:${port}`, env: {} });
  const error: unknown = await adapter
    .client()
    .then((client) => client.ping())
    .catch((thrown: unknown) => thrown);
  expect(classifyDocker(error)).toMatchObject({ code: 'unavailable', retryable: true });
  expect(await adapter.component.status()).toMatchObject({ status: 'degraded' });
  server.close();
});

test('a socket that may not be opened says what to do', () => {
  const error = Object.assign(new Error('connect EACCES /x'), { code: 'EACCES' });
  const failure = classifyDocker(error);
  expect(failure).toMatchObject({ code: 'forbidden', retryable: false });
  expect(failure.message).toContain('group');
});

test('whatever else was thrown is unexpected, and not tried again', () => {
  expect(classifyDocker(new TypeError('x is not a function'))).toMatchObject({
    code: 'unexpected',
    retryable: false,
  });
  expect(classifyDocker(null)).toMatchObject({ code: 'unexpected' });
});
