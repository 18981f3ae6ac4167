import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { classifyKubernetes, createKubernetes } from '../../src/adapters/kubernetes.ts';
import { failureOf } from '../actions/context.ts';
import { type FakeKube, startKubeApi } from '../fakes/kube-api.ts';

let kube: FakeKube;
let dir: string;
beforeEach(async () => {
  kube = await startKubeApi();
  dir = await mkdtemp(join(tmpdir(), 'autoheal-kube-test-'));
});
afterEach(async () => {
  await kube.close();
  await rm(dir, { recursive: true });
});

test('status: the server’s version, or what is wrong with it', async () => {
  // Loading the library takes seconds on a busy machine, and is no part of the answer's time.
  await import('@kubernetes/client-node');
  const { component } = createKubernetes({ env: { KUBECONFIG: kube.kubeconfig } });
  expect(await component.status()).toEqual({
    status: 'ok',
    detail: `Kubernetes v1.24.0 at ${kube.url}`,
  });
  kube.fail(/version/, 'hang');
  expect(await component.status()).toMatchObject({ status: 'degraded' });
  kube.revokeToken();
  const refused = await component.status();
  expect(refused).toMatchObject({ status: 'degraded' });
  expect(refused.detail).toContain('does not accept these credentials');
});

test('without KUBECONFIG and outside a pod it is off', async () => {
  const adapter = createKubernetes({ env: {} });
  expect(await adapter.component.status()).toMatchObject({ status: 'off' });
  expect(await failureOf(adapter.client())).toMatchObject({ code: 'not_configured' });
});

test('saying "off" does not load the library', async () => {
  const program = `
    import { registerHooks } from 'node:module';
    const seen = [];
    registerHooks({ resolve(name, context, next) { seen.push(name); return next(name, context); } });
    const { createKubernetes } = await import(${JSON.stringify(resolve('src/adapters/kubernetes.ts'))});
    const status = await createKubernetes({ env: {} }).component.status();
    const { createDocker } = await import(${JSON.stringify(resolve('src/adapters/docker.ts'))});
    await createDocker({ host: 'unix:///nowhere', env: {} }).component.status();
    console.log(status.status, seen.some((name) => name.includes('client-node') || name.includes('dockerode')));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    program,
  ]);
  expect(stdout.trim()).toBe('off false');
});

test('a kubeconfig that is not there, is broken, names no cluster or has no TLS', async () => {
  const plain = {
    clusters: [{ name: 'c', cluster: { server: 'http://c' } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  const files = {
    broken: '{',
    empty: '{}',
    plain: JSON.stringify(plain),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  for (const name of ['missing', ...Object.keys(files)]) {
    const adapter = createKubernetes({ env: { KUBECONFIG: join(dir, name) } });
    const failure = await failureOf(adapter.client());
    expect(failure).toMatchObject({ code: 'not_configured', retryable: false });
    expect(await adapter.component.status()).toMatchObject({ status: 'degraded' });
  }
});

test('several files in KUBECONFIG are merged, the first one’s context counts', async () => {
  const more = join(dir, 'more');
  await writeFile(
    more,
    JSON.stringify({
      clusters: [{ name: 'm', cluster: { server: 'https://m' } }],
      users: [],
      contexts: [],
    }),
  );
  const config = await createKubernetes({
    env: { KUBECONFIG: `${kube.kubeconfig}:${more}` },
  }).client();
  expect(config.getClusters().map((cluster) => cluster.name)).toEqual(['fake', 'm']);
  expect(config.getCurrentCluster()?.server).toBe(kube.url);
});

test('in a pod the service account’s token is the sign', async () => {
  const token_file = join(dir, 'token');
  const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
  const outside = createKubernetes({ env, token_file });
  expect(await outside.component.status()).toMatchObject({ status: 'off' });
  await writeFile(token_file, 'x');
  const config = await createKubernetes({ env, token_file }).client();
  expect(config.getCurrentContext()).toBe('inClusterContext');
});

test.each([
  [400, 'rejected', false],
  [401, 'forbidden', false],
  [403, 'forbidden', false],
  [404, 'not_found', false],
  [409, 'conflict', false],
  [422, 'rejected', false],
  [429, 'unavailable', true],
  [500, 'unavailable', true],
  [504, 'timeout', true],
])('HTTP %i is %s', (code, expected, retryable) => {
  const body = JSON.stringify({ kind: 'Status', message: 'says why' });
  const error = Object.assign(new Error('quotes every header'), { code, body, headers: {} });
  const failure = classifyKubernetes(error);
  expect(failure).toMatchObject({ code: expected, retryable });
  expect(failure.message).toContain('says why');
  expect(failure.message).not.toContain('header');
});

test('an answer that is no Status, and an error that is none of the API', () => {
  const page = Object.assign(new Error('m'), { code: 502, body: '<html>', headers: {} });
  expect(classifyKubernetes(page)).toMatchObject({
    code: 'unavailable',
    message: 'Kubernetes: HTTP 502',
  });
  expect(classifyKubernetes(new TypeError('bug'))).toMatchObject({ code: 'unexpected' });
});
