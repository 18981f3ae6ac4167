import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compilePolicy } from '../../src/core/rules/policy-compile.ts';
import { checkDatabases } from '../../src/doctor/databases.ts';
import { checkDocker } from '../../src/doctor/docker.ts';
import { checkKubernetes } from '../../src/doctor/kubernetes.ts';
import { checkLooks } from '../../src/doctor/looks.ts';
import { rightsOf } from '../../src/doctor/rights.ts';
import { startDockerEngine } from '../fakes/docker-engine.ts';
import { serve } from '../fakes/http.ts';
import { freePort } from '../real/ready.ts';
import { installation, later, linesOf, pages } from './world.ts';

async function engine() {
  const docker = await startDockerEngine();
  later(() => docker.close());
  return docker;
}

test('Docker: version, what was tested, what has opted in, and what rules name', async () => {
  const docker = await engine();
  docker.add({ name: 'crm-api', labels: { autoheal: 'true' } });
  docker.add({ name: 'stranger' });
  const needs = { docker: ['endpoint-down'], containers: ['crm-api', 'stranger', 'nobody'] };
  const of = installation({ AUTOHEAL_DOCKER_HOST: docker.host }, needs);
  expect(linesOf(await checkDocker(of))).toEqual([
    expect.stringMatching(/^ok: Docker 20\.10\.24 at unix:/),
    expect.stringMatching(/^ok: tested: ping, version, list\. Not tested: restart/),
    'ok: 2 containers, 1 labelled autoheal=true, 0 policy targets',
    'ok: container crm-api, which a rule names, is there and has opted in',
    'warn: container stranger, which a rule names, has not opted in: it would not be touched -> label it autoheal=true, or name docker/stranger under targets in the policy',
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
    rights: [
      ...rightsOf('scale_workers', 'k8s/prod/deployment/worker'),
      ...rightsOf('rollout_undo', 'k8s/prod/deployment/crm'),
      ...rightsOf('rollout_restart', 'k8s/staging/statefulset/db'),
      ...rightsOf('delete_pod', 'k8s/staging/pod/db-0'),
    ],
  };
  expect(linesOf(await checkKubernetes(installation({ KUBECONFIG }, needs)))).toEqual([
    expect.stringMatching(/^ok: Kubernetes v1\.24\.0 at http:/),
    'ok: namespace prod: allowed: get deployments, get deployments/scale, update deployments/scale, get deployments, patch deployments, list replicasets',
    "fail: namespace staging: not allowed: patch statefulsets, list pods, delete pods -> give autoheal's service account a Role in namespace staging with apiGroups: [apps]: patch statefulsets; apiGroups: ['']: list pods, delete pods (docs/actions.md has it)",
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
  // Not configured at all, it is missed only by a rule that names a workload in full.
  expect(linesOf(await checkKubernetes(installation({}, needs)))).toEqual([
    expect.stringMatching(/^warn: .*by templates need it: scale-it -> set KUBECONFIG/),
  ]);
  const rights = rightsOf('delete_pod', 'k8s/staging/pod/db-0');
  expect(linesOf(await checkKubernetes(installation({}, { ...needs, rights })))).toEqual([
    expect.stringMatching(/^fail: .*needed by scale-it -> set KUBECONFIG/),
  ]);
});

test('a right is asked for where the rule says where; nothing is asked of other actions', () => {
  expect(rightsOf('scale_workers', 'compose/worker')).toEqual([]);
  expect(rightsOf('delete_pod', 'k8s/prod/deployment/worker')).toEqual([]);
  expect(rightsOf('rollout_restart', 'k8s/prod/pod/worker')).toEqual([]);
  expect(rightsOf('restart_container', 'k8s/prod/deployment/worker')).toEqual([]);
});

test('what rules verify by is looked at from here', async () => {
  const url = await pages({ '/health': 'fine' });
  const free = await freePort();
  const check = (path: string, status: number[] | null = null) => ({
    rule: 'heal',
    check: { kind: 'http' as const, url: `${url}${path}`, status },
  });
  const tcp = (address: string) => ({ rule: 'heal', check: { kind: 'tcp' as const, address } });
  const port = new URL(url).port;
  const looks = [
    check('/health'),
    check('/nothing'),
    check('/nothing', [404]),
    tcp(`127.0.0.1:${port}`),
    tcp(`127.0.0.1:${free}`),
    tcp('nowhere.invalid:1'),
  ];
  expect(linesOf(await checkLooks(installation({}, { looks })))).toEqual([
    `ok: rule heal verifies by ${url}/health: 127.0.0.1:${port} answered 200`,
    expect.stringMatching(/^warn: .*nothing, which does not hold now: .*answered 404 -> /),
    expect.stringMatching(/^ok: .*answered 404$/),
    expect.stringMatching(/^ok: .*takes connections$/),
    expect.stringMatching(/^warn: .*refused the connection/),
    expect.stringMatching(/^fail: .*nowhere\.invalid:1, which cannot be looked at from here: /),
  ]);
  expect(await checkLooks(installation({}))).toEqual([]);
});

test('databases of the policy: nobody there fails where a rule names it', async () => {
  const free = await freePort();
  const at = (name: string) => `${name}: { url: 'postgres://a@127.0.0.1:${free}/${name}' }`;
  const text = `databases: { ${at('crm')}, ${at('shop')} }\n`;
  const { policy } = compilePolicy({ file: 'autoheal.yaml', text });
  if (policy === undefined) throw new Error('the policy of the test does not compile');
  const of = {
    ...installation({}, { databases: [{ rule: 'unblock', database: 'crm' }] }),
    rules: { version: '', rules: [], policy, loaded_at: 0 },
  };
  expect(linesOf(await checkDatabases(of))).toEqual([
    expect.stringMatching(/^fail: .*crm.*; needed by unblock -> correct databases: crm:/),
    expect.stringMatching(/^warn: .*shop.*; no enabled rule names it -> /),
  ]);
  expect(await checkDatabases(installation({}))).toEqual([]);
});
