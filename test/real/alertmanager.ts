import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { partProgram } from './parts.ts';
import { type Running, startProcess } from './process.ts';
import { freePort, inTemporaryFolder, onFreePort, untilReady } from './ready.ts';
import { until } from './until.ts';

export interface AlertmanagerOptions {
  /** The whole alertmanager.yml. */
  readonly config: string;
}

/** A real Alertmanager on a port of 127.0.0.1. */
export interface Alertmanager {
  readonly url: string;
  /** The process that runs now; another one after `restart`. */
  readonly running: Running;
  /** What it posted and why it could not: the last lines of its log. */
  tail(lines?: number): string;
  /** Alerts as its API has them. */
  alerts(): Promise<readonly AlertmanagerAlert[]>;
  /** Posts alerts as Prometheus does. @throws when it does not take them. */
  post(...alerts: readonly PostedAlert[]): Promise<void>;
  /** SIGKILL, and waits until it is gone; its data stay. */
  kill9(): Promise<void>;
  /** Starts it again on the same ports. `empty`: without its silences and its log of notifications. */
  restart(options: { readonly empty: boolean }): Promise<void>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}
export interface AlertmanagerAlert {
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: { readonly state: string };
}
export interface PostedAlert {
  readonly labels: Readonly<Record<string, string>>;
  /** Ms since the epoch; absent: Alertmanager fills them in. An end that is past resolves the alert. */
  readonly starts_at?: number;
  readonly ends_at?: number;
}

/** One alone, without a cluster. @throws with its last output when it does not come up. */
export function startAlertmanager(options: AlertmanagerOptions): Promise<Alertmanager> {
  return inTemporaryFolder('alertmanager', (folder) =>
    startIn(folder, options, ['--cluster.listen-address=']),
  );
}

/** Two that share silences and the log of notifications; ready when they have found each other. */
export async function startAlertmanagerPair(
  options: AlertmanagerOptions,
): Promise<readonly [Alertmanager, Alertmanager]> {
  const ports = [await freePort(), await freePort()] as const;
  const [a, b] = await Promise.all([
    startPeer(options, ports[0], ports[1]),
    startPeer(options, ports[1], ports[0]),
  ]);
  await until(
    'the two found each other',
    async () => {
      for (const { url } of [a, b]) {
        const { cluster } = (await (await fetch(`${url}/api/v2/status`)).json()) as ClusterStatus;
        if (cluster.status !== 'ready' || cluster.peers.length !== 2)
          throw new Error(`${url}: ${cluster.status}, ${cluster.peers.length} peers`);
      }
      return true;
    },
    { timeout_ms: 20_000 },
  );
  return [a, b];
}
interface ClusterStatus {
  readonly cluster: { readonly status: string; readonly peers: readonly unknown[] };
}

function startPeer(
  options: AlertmanagerOptions,
  port: number,
  other: number,
): Promise<Alertmanager> {
  return inTemporaryFolder('alertmanager', (folder) =>
    startIn(folder, options, [
      `--cluster.listen-address=127.0.0.1:${port}`,
      `--cluster.advertise-address=127.0.0.1:${port}`,
      `--cluster.peer=127.0.0.1:${other}`,
      // By default made for the internet: a minute to settle, 15 s until the second one speaks.
      '--cluster.settle-timeout=2s',
      '--cluster.gossip-interval=50ms',
      '--cluster.pushpull-interval=1s',
      '--cluster.reconnect-interval=500ms',
      '--cluster.peer-timeout=1s',
    ]),
  );
}

async function startIn(
  folder: string,
  options: AlertmanagerOptions,
  cluster: readonly string[],
): Promise<Alertmanager> {
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'alertmanager.yml'), options.config);
  const first = await onFreePort(async (port) => ({
    port,
    running: await start(folder, port, cluster),
  }));
  const url = `http://127.0.0.1:${first.port}`;
  let { running } = first;
  return {
    url,
    get running() {
      return running;
    },
    tail: (lines) => running.tail(lines),
    async alerts() {
      const answer = await fetch(`${url}/api/v2/alerts`);
      return (await answer.json()) as AlertmanagerAlert[];
    },
    post: (...alerts) => postAlerts(url, alerts),
    async kill9() {
      running.signal('SIGKILL');
      await running.ended;
    },
    async restart({ empty }) {
      await running.stop();
      if (empty) rmSync(join(folder, 'data'), { recursive: true, force: true });
      running = await start(folder, first.port, cluster);
    },
    async stop() {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function postAlerts(url: string, alerts: readonly PostedAlert[]): Promise<void> {
  const body = alerts.map(({ labels, starts_at, ends_at }) => ({
    labels,
    ...(starts_at === undefined ? {} : { startsAt: new Date(starts_at).toISOString() }),
    ...(ends_at === undefined ? {} : { endsAt: new Date(ends_at).toISOString() }),
  }));
  const answer = await fetch(`${url}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
}

async function start(folder: string, port: number, cluster: readonly string[]): Promise<Running> {
  const running = await startProcess({
    name: 'alertmanager',
    program: partProgram('alertmanager'),
    args: [
      `--config.file=${join(folder, 'alertmanager.yml')}`,
      `--storage.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...cluster,
    ],
    log_file: join(folder, 'log'),
  });
  await untilReady(running, `http://127.0.0.1:${port}/-/ready`);
  return running;
}
