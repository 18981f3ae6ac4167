import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startAlertmanager } from './alertmanager.ts';
import { startAutoheal } from './autoheal.ts';
import { BUSYBOX } from './busybox.ts';
import { startDocker } from './docker.ts';
import { dockerClient, removeContainers } from './engine.ts';
import { haveParts } from './parts.ts';
import { startProcess } from './process.ts';
import { startPrometheus } from './prometheus.ts';
import { until } from './until.ts';

const LABEL = 'autoheal-test=parts';

/** Undone in reverse after each test, also when it fails. */
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

describe.skipIf(!haveParts('docker', 'busybox'))('the Docker engine', () => {
  afterAll(() => removeContainers(dockerClient(), LABEL));

  test('runs a container until its health check passes', async () => {
    const docker = dockerClient();
    const container = await docker.createContainer({
      Image: BUSYBOX,
      name: 'parts-healthy',
      Labels: { 'autoheal-test': 'parts' },
      Cmd: ['sh', '-c', 'touch /tmp/up; exec sleep 1000'],
      Healthcheck: { Test: ['CMD', 'test', '-e', '/tmp/up'], Interval: 1e9, Timeout: 1e9 },
    });
    await container.start();
    const health = await until(
      'the container is healthy',
      async () => {
        const status = (await container.inspect()).State.Health?.Status;
        if (status !== 'healthy') throw new Error(`health is ${status}`);
        return status;
      },
      { timeout_ms: 30_000 },
    );
    expect(health).toBe('healthy');
  });

  test('publishes a port on 127.0.0.1, and one container reaches another by name', async () => {
    const docker = dockerClient();
    const network = await docker.createNetwork({ Name: 'parts-net' });
    undo.push(
      () => network.remove(),
      () => removeContainers(docker, LABEL),
    );
    const server = await docker.createContainer({
      Image: BUSYBOX,
      name: 'parts-web',
      Labels: { 'autoheal-test': 'parts' },
      Cmd: ['sh', '-c', 'echo hello >/tmp/index.html; exec httpd -f -p 80 -h /tmp'],
      ExposedPorts: { '80/tcp': {} },
      HostConfig: {
        NetworkMode: 'parts-net',
        PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
      },
    });
    await server.start();
    const port = (await server.inspect()).NetworkSettings.Ports['80/tcp']?.[0]?.HostPort;
    const body = await until(
      'the published port answers',
      () => textOf(`http://127.0.0.1:${port}`),
      {
        timeout_ms: 10_000,
      },
    );
    expect(body).toBe('hello\n');

    const client = await docker.createContainer({
      Image: BUSYBOX,
      name: 'parts-client',
      Labels: { 'autoheal-test': 'parts' },
      Cmd: ['timeout', '4', 'wget', '-q', '-O-', 'http://parts-web/'],
      HostConfig: { NetworkMode: 'parts-net' },
    });
    await client.start();
    expect(await client.wait()).toMatchObject({ StatusCode: 0 });
  });

  test('a second engine runs beside it and leaves nothing behind', async () => {
    const second = await startDocker();
    undo.push(() => second.stop());
    expect(bridgesOfThisProcess()).toHaveLength(1);
    expect(await dockerClient().ping()).toBeTruthy();
    await second.stop();
    undo.length = 0;
    expect(existsSync(new URL(second.host).pathname)).toBe(false);
    expect(bridgesOfThisProcess()).toEqual([]);
    expect(existsSync(`/proc/${second.running.pid}`)).toBe(false);
  });
});

describe.skipIf(!haveParts('prometheus', 'alertmanager'))('Prometheus and Alertmanager', () => {
  test('an alert fires and reaches a receiver, and its end too', async () => {
    const receiver = await startReceiver();
    const alertmanager = await startAlertmanager({
      config: JSON.stringify({
        route: { receiver: 'hook', group_wait: '1s', group_interval: '1s', repeat_interval: '1h' },
        receivers: [
          { name: 'hook', webhook_configs: [{ url: `${receiver.url}/hook`, send_resolved: true }] },
        ],
      }),
    });
    undo.push(() => alertmanager.stop());
    const prometheus = await startPrometheus({
      rules: JSON.stringify({
        groups: [
          { name: 'parts', rules: [{ alert: 'QueueLong', expr: 'queue_depth{job="demo"} > 5' }] },
        ],
      }),
      alertmanager: alertmanager.url,
      targets: [{ job: 'demo', address: new URL(receiver.url).host }],
    });
    undo.push(() => prometheus.stop());

    receiver.depth = 9;
    await until('the alert arrives firing', () => receiver.statuses().includes('firing'), {
      timeout_ms: 40_000,
    });
    expect(await prometheus.query('queue_depth')).toMatchObject([{ value: 9 }]);
    expect((await alertmanager.alerts()).map((alert) => alert.labels['alertname'])).toEqual([
      'QueueLong',
    ]);

    receiver.depth = 0;
    await until('the alert arrives resolved', () => receiver.statuses().includes('resolved'), {
      timeout_ms: 60_000,
    });
  });

  test('one that cannot start says why', async () => {
    const started = startAlertmanager({ config: 'route: {receiver: nobody}' });
    await expect(started).rejects.toThrow(/alertmanager ended[^]*undefined receiver/);
  });
});

describe('a started process', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'autoheal-parts-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('ends with its children when it is stopped, even if it ignores SIGTERM', async () => {
    const running = await startProcess({
      name: 'stubborn',
      program: '/bin/sh',
      args: ['-c', 'trap "" TERM; sleep 1000 & echo $!; wait; sleep 1000'],
      log_file: join(folder, 'stubborn'),
    });
    const child = await until('the child has started', () => running.tail() || null, {
      timeout_ms: 5_000,
    });
    expect(await running.stop(200)).toEqual({ code: null, signal: 'SIGKILL' });
    await until('the child is gone', () => !isRunning(Number(child)), { timeout_ms: 5_000 });
  });

  test.skipIf(process.platform !== 'linux')(
    'dies with the test process, even by SIGKILL',
    async () => {
      const script = join(folder, 'parent.ts');
      writeFileSync(
        script,
        `import { startProcess } from ${JSON.stringify(join(import.meta.dirname, 'process.ts'))};
       const running = await startProcess({ name: 'orphan', program: 'sleep', args: ['1000'], log_file: ${JSON.stringify(join(folder, 'orphan'))} });
       console.log(running.pid);
       setInterval(() => {}, 1000);`,
      );
      const parent = await startProcess({
        name: 'parent',
        program: process.execPath,
        args: [script],
        log_file: join(folder, 'parent'),
      });
      const orphan = await until('the parent has started it', () => parent.tail() || null, {
        timeout_ms: 10_000,
      });
      expect(isRunning(Number(orphan))).toBe(true);
      parent.signal('SIGKILL');
      await parent.ended;
      await until('the orphan is gone', () => !isRunning(Number(orphan)), { timeout_ms: 5_000 });
    },
  );
});

describe('autoheal as a process', () => {
  test('is started, asked, killed and started again on the same port', async () => {
    const entry = join(mkdtempSync(join(tmpdir(), 'autoheal-parts-')), 'service.mjs');
    undo.push(() => rmSync(join(entry, '..'), { recursive: true }));
    writeFileSync(
      entry,
      `import { createServer } from 'node:http';
       const { AUTOHEAL_PORT, AUTOHEAL_HOST, MARK } = process.env;
       createServer((request, response) => {
         response.setHeader('content-type', 'application/json');
         response.end(JSON.stringify({ pid: process.pid, mark: MARK ?? null, method: request.method }));
       }).listen(Number(AUTOHEAL_PORT), AUTOHEAL_HOST, () => console.log(JSON.stringify({ msg: 'listening' })));`,
    );
    const autoheal = await startAutoheal({ entry: [entry] });
    undo.push(() => autoheal.dispose());
    const first = await autoheal.api('/', { body: {} });
    expect(first).toMatchObject({ status: 200, body: { mark: null, method: 'POST' } });
    await autoheal.kill9();
    await expect(autoheal.api('/')).rejects.toThrow();
    await autoheal.restart({ MARK: 'again' });
    expect(await autoheal.api('/')).toMatchObject({ body: { mark: 'again', method: 'GET' } });
    expect(autoheal.logs()).toEqual([{ msg: 'listening' }, { msg: 'listening' }]);
  });
});

function bridgesOfThisProcess(): readonly string[] {
  return readdirSync('/sys/class/net').filter((name) => name.startsWith(`ah${process.pid}x`));
}

async function textOf(url: string): Promise<string> {
  return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).text();
}

/** A process that waits to be reaped runs no more. */
function isRunning(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
}

interface Receiver {
  readonly url: string;
  depth: number;
  statuses(): readonly string[];
}

/** Serves one metric and takes Alertmanager's posts. */
async function startReceiver(): Promise<Receiver> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => body.push(chunk));
    request.on('end', () => {
      if (request.url === '/metrics') response.end(`queue_depth ${receiver.depth}\n`);
      else {
        seen.push((JSON.parse(Buffer.concat(body).toString()) as { status: string }).status);
        response.end();
      }
    });
  });
  await listen(server);
  undo.push(() => server.close());
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    depth: 0,
    statuses: () => seen,
  };
  return receiver;
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
}
