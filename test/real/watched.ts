import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { partProgram } from './parts.ts';
import { startProcess, type Running } from './process.ts';
import { freePort, inTemporaryFolder, untilReady } from './ready.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The watched half of the local stack as processes: the demo, the blackbox exporter, Prometheus with its rules. */
export interface Watched {
  /** Base URL of Prometheus. */
  readonly url: string;
  /** Base URL of the blackbox exporter. */
  readonly blackbox: string;
  /** Base URLs of the demo's programs by their name in docker-compose.yml. */
  readonly demo: Readonly<Record<string, string>>;
  /** Stops all and removes what they kept. */
  stop(): Promise<void>;
}
export interface WatchedOptions {
  /** Where Prometheus shall listen: autoheal, which it scrapes, has to be told before it is there. */
  readonly port: number;
  /** Base URL of autoheal. */
  readonly autoheal: string;
  /** Of every scrape and rule. */
  readonly interval_s: number;
}
const DEMO = ['crm-api', 'import-queue', 'ai-coach'] as const;

/** @throws with the last output of what does not come up. */
export function startWatched(options: WatchedOptions): Promise<Watched> {
  return inTemporaryFolder('watched', (folder) => startIn(folder, options));
}

async function startIn(folder: string, options: WatchedOptions): Promise<Watched> {
  const started: Running[] = [];
  const hosts: Record<string, string> = { 'autoheal:9009': new URL(options.autoheal).host };
  async function stop(): Promise<void> {
    await Promise.all(started.map((one) => one.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
  try {
    for (const name of DEMO) hosts[`${name}:8080`] = `127.0.0.1:${await freePort()}`;
    hosts['blackbox:9115'] = `127.0.0.1:${await freePort()}`;
    writeConfig(folder, hosts, options.interval_s);
    for (const name of [...DEMO, 'import-worker'])
      started.push(await startDemo(folder, name, hosts, options.autoheal));
    started.push(await startBlackbox(folder, hosts['blackbox:9115'] ?? ''));
    started.push(await startPrometheus(folder, options.port));
    await Promise.all(
      DEMO.map((name, at) =>
        untilReady(started[at] as Running, `http://${hosts[`${name}:8080`]}/health`),
      ),
    );
    await untilReady(started.at(-1) as Running, `http://127.0.0.1:${options.port}/-/ready`);
  } catch (error) {
    await stop();
    throw error;
  }
  const urls = DEMO.map((name) => [name, `http://${hosts[`${name}:8080`]}`]);
  return {
    url: `http://127.0.0.1:${options.port}`,
    blackbox: `http://${hosts['blackbox:9115']}`,
    demo: Object.fromEntries(urls) as Record<string, string>,
    stop,
  };
}

interface Config {
  readonly global: Record<string, unknown>;
  readonly scrape_configs: readonly Record<string, unknown>[];
}

/** prometheus/prometheus.yml and all rules as they ship; only addresses and intervals are others. */
function writeConfig(
  folder: string,
  hosts: Readonly<Record<string, string>>,
  interval_s: number,
): void {
  const every = `${interval_s}s`;
  const shipped = parse(
    readFileSync(join(ROOT, 'prometheus/prometheus.yml'), 'utf8'),
  ) as unknown as Config;
  const config = {
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
    rule_files: [join(folder, 'rules/*.yml')],
    scrape_configs: shipped.scrape_configs
      .filter((job) => !['prometheus', 'alertmanager'].includes(String(job['job_name'])))
      .map((job) => ({ ...job, scrape_interval: every, scrape_timeout: every })),
  };
  let text = JSON.stringify(config);
  for (const [from, to] of Object.entries(hosts)) text = text.replaceAll(from, to);
  writeFileSync(join(folder, 'prometheus.yml'), text);
  mkdirSync(join(folder, 'rules'));
  for (const name of readdirSync(join(ROOT, 'prometheus/rules'))) {
    const rules = readFileSync(join(ROOT, 'prometheus/rules', name), 'utf8');
    writeFileSync(join(folder, 'rules', name), rules.replaceAll(/^ +interval: .*\n/gm, ''));
  }
}

function startDemo(
  folder: string,
  name: string,
  hosts: Readonly<Record<string, string>>,
  autoheal: string,
): Promise<Running> {
  const token = join(folder, 'token');
  writeFileSync(token, 'none\n');
  const port = new URL(`http://${hosts[`${name}:8080`] ?? '127.0.0.1:1'}`).port;
  return startProcess({
    name,
    program: process.execPath,
    args: [join(ROOT, 'demo', `${name}.mjs`)],
    env: {
      PATH: process.env['PATH'],
      PORT: port,
      QUEUE_URL: `http://${hosts['import-queue:8080']}`,
      AUTOHEAL_URL: autoheal,
      AUTOHEAL_TOKEN_FILE: token,
    },
    log_file: join(folder, `${name}.log`),
  });
}

function startBlackbox(folder: string, address: string): Promise<Running> {
  return startProcess({
    name: 'blackbox',
    program: partProgram('blackbox'),
    args: [
      `--config.file=${join(ROOT, 'blackbox/blackbox.yml')}`,
      `--web.listen-address=${address}`,
    ],
    log_file: join(folder, 'blackbox.log'),
  });
}

function startPrometheus(folder: string, port: number): Promise<Running> {
  return startProcess({
    name: 'prometheus',
    program: partProgram('prometheus'),
    args: [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    log_file: join(folder, 'prometheus.log'),
  });
}
