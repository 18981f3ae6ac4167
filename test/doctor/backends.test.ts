import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkDocker } from '../../src/doctor/docker.ts';
import { checkKubernetes } from '../../src/doctor/kubernetes.ts';
import { startDockerEngine } from '../fakes/docker-engine.ts';
import { serve } from '../fakes/http.ts';
import { installation, later, linesOf } from './world.ts';

async function engine() {
  const docker = await startDockerEngine();
  later(() => docker.close());
  return docker;
}

test('Docker: version, what was tested, what has opted in, and what rules name', async () => {
  const docker = await engine();
  docker.add({ name: 'crm-api', labels: { autoheal: 'true' } });
  docker.add({ name: 'stranger' });
  const needs = { docker: ['endpoint-down'], containers: ['crm-api', 'nobody'] };
  const of = installation({ AUTOHEAL_DOCKER_HOST: docker.host }, needs);
  expect(linesOf(await checkDocker(of))).toEqual([
    expect.stringMatching(/^ok: Docker 20\.10\.24 at unix:/),
    expect.stringMatching(/^ok: tested: ping, version, list\. Not tested: restart/),
    'ok: 2 containers, 1 labelled autoheal=true, 0 policy targets',
    'ok: container crm-api, which a rule names, is there',
    expect.stringMatching(/^warn: no container "nobody" .* -> correct the name in the rule/),
  ]);
  expect(docker.changes).toEqual([]);
});

test('Docker: nothing opted in; a proxy that forbids; an engine outside a Swarm', async () => {
  const docker = await engine();
  const of = installation({ AUTOHEAL_DOCKER_HOST: docker.host }, { docker: ['a'], swarm: ['a'] });
  const lines = linesOf(await checkDocker(of));
  expect(lines).toContainEqual(expect.stringMatching(/^warn: .*nothing has opted in/));
  expect(lines).toContainEqual(expect.stringMatching(/^fail: the engine is no Swarm manager/));
  docker.fail(/containers/, { status: 403, body: { message: 'forbidden here' } });
  expect(linesOf(await checkDocker(of))).toContainEqual(
    expect.stringMatching(/^fail: Docker: forbidden here.* -> allow autoheal these calls/),
  );
  docker.swarm.add({ name: 'worker' });
  expect(linesOf(await checkDocker(of))).toContain('ok: the engine is a Swarm manager');
});

test('Docker away: a failure where rules need it, a warning where only shipped rules do', async () => {
  const away = { AUTOHEAL_DOCKER_HOST: 'unix:///nowhere/docker.sock' };
  const [failed = ''] = linesOf(await checkDocker(installation(away, { docker: ['mine'] })));
  expect(failed).toMatch(/^fail: .*ENOENT.*needed by mine -> set AUTOHEAL_DOCKER_HOST/);
  const [unneeded = ''] = linesOf(await checkDocker(installation(away)));
  expect(unneeded).toMatch(/^warn: .*no enabled rule needs it/);
});

/** What an API server answers to GET /version and to the question what one may do. */
async function cluster(allows: (attributes: Record<string, string>) => boolean): Promise<string> {
  const server = await serve(({ method, path, body }) => {
    if (path === '/version')
      return { status: 200, body: { major: '1', minor: '24', gitVersion: 'v1.24.0' } };
    if (method !== 'POST' || path !== '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews')
      return { status: 404, body: { kind: 'Status', message: 'not here' } };
    const review = JSON.parse(body) as {
      kind: string;
      spec: { resourceAttributes: Record<string, string> };
    };
    if (review.kind !== 'SelfSubjectAccessReview') return { status: 400, body: {} };
    const allowed = allows(review.spec.resourceAttributes);
    return { status: 201, body: { ...review, status: { allowed } } };
  });
  const folder = mkdtempSync(join(tmpdir(), 'autoheal-doctor-'));
  later(() => rmSync(folder, { recursive: true, force: true }));
  later(() => server.close());
  const file = join(folder, 'kubeconfig');
  const at = `http://127.0.0.1:${server.port}`;
  const config = {
    clusters: [{ name: 'c', cluster: { server: at, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

test('Kubernetes: the rights that the workloads of the rules need, asked of the API server', async () => {
  const KUBECONFIG = await cluster(({ namespace, verb }) => namespace === 'prod' || verb === 'get');
  const needs = {
    kubernetes: ['scale-it'],
    workloads: [
      { namespace: 'prod', resource: 'deployment' as const },
      { namespace: 'staging', resource: 'statefulset' as const },
    ],
  };
  expect(linesOf(await checkKubernetes(installation({ KUBECONFIG }, needs)))).toEqual([
    expect.stringMatching(/^ok: Kubernetes v1\.24\.0 at http:/),
    'ok: namespace prod, deployments: get, and get and update of scale are allowed',
    expect.stringMatching(
      /^fail: namespace staging, statefulsets: not allowed: update statefulsets\/scale -> .*Role in namespace staging/,
    ),
  ]);
});

test('Kubernetes away: skipped where nothing needs it, a failure where a rule does', async () => {
  expect(linesOf(await checkKubernetes(installation({})))).toEqual([
    expect.stringMatching(/^skip: .*no enabled rule needs it/),
  ]);
  const KUBECONFIG = '/nowhere/kubeconfig';
  const needs = { kubernetes: ['scale-it'] };
  expect(linesOf(await checkKubernetes(installation({ KUBECONFIG }, needs)))).toEqual([
    expect.stringMatching(/^fail: .*kubeconfig.*needed by scale-it -> set KUBECONFIG/),
  ]);
});
