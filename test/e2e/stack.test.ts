import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../scripts/run.ts';
import { compose, releaseHostNetwork, type Compose } from '../real/compose.ts';
import { dockerClient, dockerHost } from '../real/engine.ts';
import { haveParts, onPath } from '../real/parts.ts';
import { freePort } from '../real/ready.ts';
import { until } from '../real/until.ts';

/**
 * `docker compose up` as a stranger runs it, on this run's private engine. No registry is needed: this machine's own
 * programs are packed under the names of the public images. The libraries come from the package registry, as for
 * `npm ci`.
 */
const ROOT = join(import.meta.dirname, '../..');
const STACK = textOf('docker-compose.yml');
/** Seen: 20 s with a warm cache, 80 s on a busy machine. */
const UP_TIMEOUT_MS = 150_000;
const SETUP_TIMEOUT_MS = 60_000 + UP_TIMEOUT_MS;
const LONG = { timeout_ms: 90_000, every_ms: 250 };
const REAL_PARTS = haveParts(
  'docker',
  'busybox',
  'prometheus',
  'alertmanager',
  'blackbox',
  'haproxy',
  'compose',
);
/** Debian has no Grafana, collector or Jaeger to pack. They come by profile, so `up` as it stands is without them. */
const BY_PROFILE = ['GRAFANA', 'COLLECTOR', 'JAEGER'];
const COMMANDS = ['docker', 'npm', 'bash', 'tar'].every((name) => onPath(name) !== undefined);

interface Entry {
  readonly kind: string;
  readonly result: string | null;
  readonly reason: string | null;
  readonly cmd: string | null;
}

describe.skipIf(!REAL_PARTS || !COMMANDS)('docker compose up', () => {
  const ports: Record<string, string> = {};
  let stack: Compose;
  let started = false;

  beforeAll(async () => {
    for (const name of ['AUTOHEAL', 'PROMETHEUS', 'ALERTMANAGER', 'CRM', 'QUEUE', 'COACH', 'PAGER'])
      ports[`STACK_${name}_PORT`] = String(await freePort());
    await packImages();
    stack = compose({
      folder: ROOT,
      project: `stack${process.pid}`,
      timeout_ms: UP_TIMEOUT_MS,
      env: {
        ...ports,
        DOCKER_HOST: dockerHost(),
        DOCKER_SOCKET: new URL(dockerHost()).pathname,
        // The private engine has no firewall rules that let a build out.
        BUILD_NETWORK: 'host',
      },
    });
    started = true;
    await stack.run('up', '-d', '--build');
    await until('autoheal is ready', () => get('AUTOHEAL', '/-/ready'), LONG);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    if (!started) return;
    try {
      await stack.run('down', '-v');
    } finally {
      releaseHostNetwork(dockerHost());
    }
  }, 60_000);

  test('has every part: Docker by the proxy, Prometheus with all targets and rules', async () => {
    const { components } = await json<{ components: Record<string, { status: string }> }>(
      'AUTOHEAL',
      '/health',
    );
    expect(components).toMatchObject({
      database: { status: 'ok' },
      rules: { status: 'ok' },
      docker: { status: 'ok', detail: expect.stringContaining('docker-proxy:2375') as string },
      prometheus: { status: 'ok' },
    });
    await until('every target is up', allTargetsUp, LONG);
    const { data } = await json<{
      data: { groups: { rules: { name: string; health: string }[] }[] };
    }>('PROMETHEUS', '/api/v1/rules?type=alert');
    const rules = data.groups.flatMap((group) => group.rules.map((rule) => rule.name));
    expect(rules).toEqual(
      expect.arrayContaining([
        'TcpEndpointDownFast',
        'ImportBacklogGrowing',
        'AIErrorRateHigh',
        'Watchdog',
      ]),
    );
  }, 120_000);

  test('runs autoheal without root, on a read-only root, with this platform alone', async () => {
    const seen = await inAutoheal(`
      const { readdirSync, existsSync, writeFileSync } = require('node:fs');
      let written = true;
      try { writeFileSync('/app/x', ''); } catch (error) { written = error.code; }
      console.log(JSON.stringify({
        uid: process.getuid(),
        written,
        binaries: readdirSync('/app/node_modules/better-sqlite3/prebuilds'),
        development: ['node', 'typescript', 'vitest'].filter((name) => existsSync('/app/node_modules/' + name)),
      }));
    `);
    expect(seen).toEqual({
      uid: 1000,
      written: 'EROFS',
      binaries: [`linux-${process.arch}.node`],
      development: [],
    });
  });

  test('lets autoheal do to Docker what its actions need, and nothing else', async () => {
    const allowed = [
      'GET /_ping',
      'GET /version',
      'GET /v1.41/containers/json?all=1',
      'GET /containers/crm-api/json',
    ];
    // Allowed too, and about a container that is not there: the engine itself says so.
    const absent = ['restart', 'start', 'stop'].map((verb) => `POST /containers/absent/${verb}`);
    const refused = [
      'POST /containers/create',
      'POST /containers/crm-api/exec',
      'POST /containers/crm-api/kill',
      'POST /v1.23/containers/absent/start',
      'POST //containers/create',
      'DELETE /containers/crm-api',
      'GET /containers/crm-api/archive?path=/',
      'GET /containers/crm-api/logs?stdout=1',
      'GET /containers/../images/json',
      'GET /containers/x%2f..%2fcrm-api/json',
      'GET /images/json',
      'GET /info',
      'GET /events',
    ];
    const seen = await inAutoheal(`
      const http = require('node:http');
      const calls = ${JSON.stringify([...allowed, ...absent, ...refused])};
      const statusOf = (call) => new Promise((resolve, reject) => {
        const [method, path] = call.split(' ');
        const request = http.request({ host: 'docker-proxy', port: 2375, method, path }, (answer) => {
          answer.resume();
          resolve([call, answer.statusCode]);
        });
        request.on('error', reject).end();
      });
      Promise.all(calls.map(statusOf)).then((all) => console.log(JSON.stringify(Object.fromEntries(all))));
    `);
    expect(seen).toEqual({
      ...withStatus(allowed, 200),
      ...withStatus(absent, 404),
      ...withStatus(refused, 403),
    });
  });

  test('heals the first story unattended: a hung API is restarted and answers again', async () => {
    await until('crm-api is seen to answer', async () => await probeSuccess('1'), LONG);
    const crm = dockerClient().getContainer('crm-api');
    const before = (await crm.inspect()).State.StartedAt;
    await fetch(urlOf('CRM', '/hang'), { method: 'POST' });

    await until('the remediation is done', () => audited('remediation_done'), LONG);
    expect(await story()).toEqual([
      ['alert_firing', null, null, null],
      ['decision_run', 'planned', null, null],
      ['action_start', null, null, 'docker restart crm-api'],
      ['action_ok', 'ok', null, 'docker restart crm-api'],
      ['alert_resolved', null, 'resolved', null],
      ['verify_ok', 'healthy', null, null],
      ['remediation_done', 'healed', 'verified', null],
    ]);
    const { State: state } = await crm.inspect();
    expect(Date.parse(state.StartedAt)).toBeGreaterThan(Date.parse(before));
    await until(
      'its health check passes',
      async () => (await crm.inspect()).State.Health?.Status === 'healthy',
      LONG,
    );
    expect(await get('CRM', '/health')).toBe('ok\n');
    const told = await until('the pager was told', () => get('PAGER', '/messages'), LONG);
    expect(told).toContain('firing TcpEndpointDownFast crm-api');
    expect(await json('AUTOHEAL', '/api/v1/audit/verify')).toMatchObject({ ok: true });
  }, 120_000);

  function urlOf(service: string, path: string): string {
    return `http://127.0.0.1:${ports[`STACK_${service}_PORT`]}${path}`;
  }

  /** With the viewer's token, which only autoheal looks at. @throws when the answer is not 2xx. */
  async function get(service: string, path: string): Promise<string> {
    const answer = await fetch(urlOf(service, path), {
      headers: { authorization: `Bearer ${textOf('deploy/dev-secrets/viewer_token').trim()}` },
      signal: AbortSignal.timeout(5_000),
    });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return await answer.text();
  }

  async function json<T>(service: string, path: string): Promise<T> {
    return JSON.parse(await get(service, path)) as T;
  }

  async function entries(): Promise<readonly Entry[]> {
    const path = '/api/v1/audit?order=asc&alertname=TcpEndpointDownFast';
    return (await json<{ items: Entry[] }>('AUTOHEAL', path)).items;
  }

  async function audited(kind: string): Promise<boolean> {
    return (await entries()).some((entry) => entry.kind === kind);
  }

  async function story(): Promise<unknown> {
    return (await entries()).map(({ kind, result, reason, cmd }) => [kind, result, reason, cmd]);
  }

  async function allTargetsUp(): Promise<boolean> {
    const { data } = await json<{
      data: { activeTargets: { health: string; scrapePool: string }[] };
    }>('PROMETHEUS', '/api/v1/targets');
    // The first journey is probed within 10 minutes, which nobody waits for here.
    const soon = data.activeTargets.filter(({ scrapePool }) => scrapePool !== 'probe-deep');
    return soon.length > 0 && soon.every(({ health }) => health === 'up');
  }

  async function probeSuccess(value: string): Promise<boolean> {
    const path = `/api/v1/query?query=${encodeURIComponent('probe_success{job="tcp-endpoints"}')}`;
    const { data } = await json<{ data: { result: { value: [number, string] }[] } }>(
      'PROMETHEUS',
      path,
    );
    return data.result[0]?.value[1] === value;
  }

  /** What a program prints, as JSON, inside autoheal's container. */
  async function inAutoheal(program: string): Promise<unknown> {
    return JSON.parse(await stack.run('exec', '-T', 'autoheal', 'node', '-e', program));
  }
});

describe.skipIf(!haveParts('prometheus', 'alertmanager', 'haproxy'))("the stack's files", () => {
  test('pass the checks of the programs that read them', () => {
    expect(check('promtool', 'test', 'rules', 'prometheus/tests/demo.yml')).toContain('SUCCESS');
    check('promtool', 'check', 'config', '--syntax-only', 'prometheus/prometheus.yml');
    expect(check('amtool', 'check-config', 'alertmanager/alertmanager.yml')).toContain('SUCCESS');
    check('haproxy', '-c', '-f', 'deploy/docker-proxy/haproxy.cfg');
  });

  test.each([
    ['an alert with the label autoheal', 'autoheal=ai-errors severity=page', 'autoheal,human-page'],
    ['an alert without it', 'alertname=Other severity=page', 'human-page'],
    ['a ticket', 'alertname=Other severity=ticket', 'human-ticket'],
    ['autoheal itself', 'service=autoheal autoheal=x severity=page', 'human-page'],
    ['a drill', 'drill=true autoheal=x severity=page', 'autoheal'],
    ['the watchdog', 'alertname=Watchdog severity=none', 'autoheal-watchdog'],
  ])('route %s', (_what, labels, receivers) => {
    const file = '--config.file=alertmanager/alertmanager.yml';
    const routed = check('amtool', 'config', 'routes', 'test', file, ...labels.split(' '));
    expect(routed.trim()).toBe(receivers);
  });
});

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function withStatus(calls: readonly string[], status: number): Record<string, number> {
  return Object.fromEntries(calls.map((call) => [call, status]));
}

function check(program: string, ...args: readonly string[]): string {
  return execFileSync(onPath(program) ?? program, args, { cwd: ROOT, encoding: 'utf8' });
}

/** Packs the stand-ins under the names that docker-compose.yml has by default. */
async function packImages(): Promise<void> {
  const names = [...STACK.matchAll(/\$\{([A-Z]+)_IMAGE:-([^}]+)\}/g)]
    .filter(([, name = '']) => name !== 'AUTOHEAL' && !BY_PROFILE.includes(name))
    .map(([, name = '', tag = '']) => `${name.toLowerCase()}=${tag}`);
  const ran = await run('bash', [join(ROOT, 'scripts/standin-images.sh'), ...new Set(names)], {
    show: false,
    timeout_ms: 60_000,
    env: { ...process.env, DOCKER_HOST: dockerHost(), NODE_BIN: process.execPath },
  });
  if (ran.code !== 0) throw new Error(`the images could not be packed\n${ran.output}`);
}
