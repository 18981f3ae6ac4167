import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { partProgram } from './parts.ts';
import { startProcess, type Running } from './process.ts';
import { inTemporaryFolder, onFreePort, untilReady } from './ready.ts';

export interface AlertmanagerOptions {
  /** The whole alertmanager.yml. */
  readonly config: string;
}

/** A real Alertmanager, alone (no cluster), on a port of 127.0.0.1. */
export interface Alertmanager {
  readonly url: string;
  readonly running: Running;
  /** What it posted and why it could not: the last lines of its log. */
  tail(lines?: number): string;
  /** Alerts as its API has them. */
  alerts(): Promise<readonly AlertmanagerAlert[]>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}
export interface AlertmanagerAlert {
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: { readonly state: string };
}

/** @throws with its last output when it does not come up. */
export function startAlertmanager(options: AlertmanagerOptions): Promise<Alertmanager> {
  return inTemporaryFolder('alertmanager', (folder) => startIn(folder, options));
}

async function startIn(folder: string, options: AlertmanagerOptions): Promise<Alertmanager> {
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'alertmanager.yml'), options.config);
  const { running, url } = await onFreePort((port) => start(folder, port));
  return {
    url,
    running,
    tail: running.tail,
    async alerts() {
      const answer = await fetch(`${url}/api/v2/alerts`);
      return (await answer.json()) as AlertmanagerAlert[];
    },
    async stop() {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function start(folder: string, port: number): Promise<{ running: Running; url: string }> {
  const url = `http://127.0.0.1:${port}`;
  const running = await startProcess({
    name: 'alertmanager',
    program: partProgram('alertmanager'),
    args: [
      `--config.file=${join(folder, 'alertmanager.yml')}`,
      `--storage.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ],
    log_file: join(folder, 'log'),
  });
  await untilReady(running, `${url}/-/ready`);
  return { running, url };
}
