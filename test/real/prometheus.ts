import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { partProgram } from './parts.ts';
import { startProcess, type Running } from './process.ts';
import { inTemporaryFolder, onFreePort, untilReady } from './ready.ts';

export interface PrometheusOptions {
  /** A rules file, YAML. */
  readonly rules: string;
  /** Base URL of the Alertmanager that gets the alerts. */
  readonly alertmanager?: string;
  readonly targets: readonly ScrapeTarget[];
  /** Of scraping and of evaluating rules (1,000). */
  readonly interval_ms?: number;
}
export interface ScrapeTarget {
  readonly job: string;
  /** `127.0.0.1:1234` */
  readonly address: string;
  readonly path?: string;
}

/** A real Prometheus on a port of 127.0.0.1. */
export interface Prometheus {
  readonly url: string;
  readonly running: Running;
  tail(lines?: number): string;
  /** The values of an instant query by its labels, as the API has them. */
  query(expr: string): Promise<readonly Sample[]>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** @throws with its last output when it does not come up. */
export function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  return inTemporaryFolder('prometheus', (folder) => startIn(folder, options));
}

async function startIn(folder: string, options: PrometheusOptions): Promise<Prometheus> {
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'rules.yml'), options.rules);
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(configOf(options, folder)));
  const { running, url } = await onFreePort((port) => start(folder, port));
  return {
    url,
    running,
    tail: running.tail,
    query: (expr) => instantQuery(url, expr),
    async stop() {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** JSON is YAML, so no quoting of ours can go wrong. */
function configOf(options: PrometheusOptions, folder: string): object {
  const interval = `${options.interval_ms ?? 1_000}ms`;
  const alertmanagers = options.alertmanager === undefined ? [] : [hostOf(options.alertmanager)];
  return {
    global: {
      scrape_interval: interval,
      scrape_timeout: interval,
      evaluation_interval: interval,
    },
    rule_files: [join(folder, 'rules.yml')],
    alerting: { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] },
    scrape_configs: options.targets.map((target) => ({
      job_name: target.job,
      metrics_path: target.path ?? '/metrics',
      static_configs: [{ targets: [target.address] }],
    })),
  };
}

function hostOf(url: string): string {
  return new URL(url).host;
}

async function start(folder: string, port: number): Promise<{ running: Running; url: string }> {
  const url = `http://127.0.0.1:${port}`;
  const running = await startProcess({
    name: 'prometheus',
    program: partProgram('prometheus'),
    args: [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-lifecycle',
      // By default an alert is sent again after a minute; tests that stop an Alertmanager need it sooner.
      '--rules.alert.resend-delay=5s',
    ],
    log_file: join(folder, 'log'),
  });
  await untilReady(running, `${url}/-/ready`);
  return { running, url };
}

async function instantQuery(url: string, expr: string): Promise<readonly Sample[]> {
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expr)}`);
  const body = (await answer.json()) as QueryAnswer;
  if (body.status !== 'success') throw new Error(`${expr}: ${body.error ?? answer.status}`);
  return (body.data?.result ?? []).map((row) => ({
    labels: row.metric,
    value: Number(row.value[1]),
  }));
}
interface QueryAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data?: {
    readonly result: readonly {
      readonly metric: Record<string, string>;
      readonly value: readonly [number, string];
    }[];
  };
}
