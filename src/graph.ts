import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { createAlertmanagers } from './adapters/alertmanager.ts';
import { alertmanagerBackend, createSilences } from './adapters/alertmanager-silences.ts';
import { systemClock } from './adapters/clock.ts';
import { createCommands } from './adapters/commands.ts';
import {
  createErrorReports,
  type ErrorReports,
  withErrorReports,
} from './adapters/error-reports.ts';
import { createDocker } from './adapters/docker.ts';
import { httpBackend } from './adapters/http-send.ts';
import { createIds } from './adapters/ids.ts';
import { createKubernetes } from './adapters/kubernetes.ts';
import { createMetrics } from './adapters/metrics.ts';
import type { Scrape } from './adapters/metrics-scrape.ts';
import type { Standing } from './adapters/metrics-standing.ts';
import { createNotifiers, notifyBackend } from './adapters/notifiers.ts';
import { createPostgres } from './adapters/postgres.ts';
import { createProbes } from './adapters/probes.ts';
import { createPrometheus } from './adapters/prometheus.ts';
import { createRuleFiles } from './adapters/rule-files.ts';
import { openSqliteStore, type SqliteStore } from './adapters/store/open.ts';
import { type OpenTracer, openTracer } from './adapters/tracing.ts';
import type { Config } from './config.ts';
import { createAllowed } from './core/rules/allow.ts';
import { createBreakers } from './engine/breakers.ts';
import { createBudget } from './engine/budget.ts';
import { createChaos } from './engine/chaos.ts';
import type { Engine } from './engine/deps.ts';
import { createFlags, flagsBackend } from './engine/flags.ts';
import { createOperator } from './engine/operator.ts';
import { createPlaces } from './engine/places.ts';
import { createPriorities } from './engine/priorities.ts';
import { createSparing } from './engine/sparing.ts';
import { tallied } from './engine/slo-tally.ts';
import { createWatch } from './engine/watch.ts';
import { createWatchdog } from './engine/watchdog.ts';
import { loadActions } from './engine/registry.ts';
import { catalogueFor, createRulebook } from './engine/rulebook.ts';
import { ROUTE_INFOS } from './http/routes.ts';
import type { Clock } from './ports.ts';
import type { Store } from './store.ts';

/** The two halves of the object graph that src/app.ts puts together: what reaches outside, and the engine's parts. */

const PROMETHEUS_TIMEOUT_MS = 5_000;
const ALERTMANAGER_TIMEOUT_MS = 5_000;

export type World = Awaited<ReturnType<typeof openAdapters>>;

/** What reaches outside the process. Clients load their libraries on first use; only the store opens now. */
export async function openAdapters(
  config: Config,
  version: string,
  log: Logger,
  actions_dir: string,
) {
  const clock = systemClock;
  const actions = await loadActions(actions_dir);
  const { metrics, tally: slo_tally } = tallied(
    createMetrics({
      version,
      actions: [...actions.keys()],
      backends: [...new Set([...actions.values()].map((action) => action.backend))],
      routes: ROUTE_INFOS,
      scrape: () => scrape(store),
      standing: () => standing(store, config.database.path, clock.now()),
    }),
    clock,
  );
  const store = await openSqliteStore({
    path: config.database.path,
    ...(config.audit_key === undefined ? {} : { audit_key: Buffer.from(config.audit_key) }),
    metrics,
    timings: metrics,
    clock,
  });
  const reports = errorReports(config, version, { clock, log });
  const tracer = withErrorReports(await openTracing(config, version, log), reports);
  function traceHeaders() {
    return tracer.headers();
  }
  const alertmanager = {
    urls: config.alertmanager_urls,
    timeout_ms: ALERTMANAGER_TIMEOUT_MS,
    traceHeaders,
  };
  return {
    clock,
    actions,
    metrics,
    slo_tally,
    tracer,
    store,
    log,
    ids: createIds(clock),
    docker: createDocker({ host: config.docker_host }),
    kubernetes: createKubernetes(),
    prometheus: createPrometheus({
      url: config.prometheus_url,
      timeout_ms: PROMETHEUS_TIMEOUT_MS,
      traceHeaders,
    }),
    peers: createAlertmanagers(alertmanager),
    silences: createSilences(alertmanager),
    commands: createCommands(),
  };
}

/** Off unless there is somewhere to send traces to. */
function openTracing(config: Config, version: string, log: Logger): Promise<OpenTracer> {
  const { url, headers, service_name } = config.tracing;
  if (url === undefined) return openTracer(undefined, log);
  const { environment } = config;
  return openTracer({ url, headers, service_name, service_version: version, environment }, log);
}

/** Nowhere unless there is somewhere to send errors to. */
function errorReports(
  { tracing: { sentry_dsn: dsn }, environment }: Config,
  version: string,
  deps: { readonly clock: Clock; readonly log: Logger },
): ErrorReports | undefined {
  if (dsn === undefined) return undefined;
  const options = { dsn, environment, release: `autoheal@${version}` };
  return createErrorReports(options, { ...deps, sparing: () => createSparing(deps.clock) });
}

/** The engine's parts, each given what it needs. */
export function buildEngine(config: Config, world: World) {
  const { actions, tracer, docker, kubernetes, prometheus, peers, clock, commands } = world;
  const rulebook = createRulebook({
    ...world,
    files: createRuleFiles({ rules_dir: config.rules_dir, policy_file: config.policy_file }),
    catalogueOf: catalogueFor(actions),
  });
  function policy() {
    return rulebook.current()?.policy;
  }
  const flags = createFlags({ ...world, declared: () => policy()?.flags ?? {} });
  const operator = createOperator(world, config.mode);
  const postgres = createPostgres(() => policy()?.databases ?? {});
  const budget = createBudget(world);
  const priorities = createPriorities({ ...world, policy });
  const watchdog = createWatchdog(clock, policy);
  const watch = createWatch({
    ...world,
    peers,
    prometheus,
    receivers: () => policy()?.alertmanager.receivers ?? [],
    missing: () => watchdog.missing(),
  });
  const backends = [
    docker.backend,
    kubernetes.backend,
    flagsBackend,
    notifyBackend,
    postgres.backend,
    commands.backend,
    httpBackend,
    alertmanagerBackend,
  ];
  const engine: Engine = {
    ...world,
    random: Math.random,
    rulebook,
    operator,
    actions,
    clients: {
      docker: () => docker.client(),
      kubernetes: () => kubernetes.client(),
      flags,
      notifiers: createNotifiers(
        () => policy()?.notifiers ?? {},
        undefined,
        () => tracer.headers(),
      ),
      silences: world.silences,
      postgres: (name, signal) => postgres.connect(name, signal),
      commands,
      allowed: createAllowed(policy),
    },
    backends: new Map(backends.map((backend) => [backend.name, backend])),
    prometheus,
    probes: createProbes(),
    breakers: createBreakers(world),
    places: createPlaces(clock),
    chaos: createChaos(world, config.chaos),
    watch,
    watchdog,
    budget: () => budget.current(),
    priorities,
  };
  return { engine, flags, operator, budget, priorities, watch };
}

/** What Prometheus is told besides the counters. */
async function scrape(store: Store): Promise<Scrape> {
  const [store_up, inbox, remediations, leases] = await Promise.all([
    store.ping().then(
      () => true,
      () => false,
    ),
    store.inboxDepth(),
    store.countRemediations(),
    store.activeLeases(),
  ]);
  return {
    store_up,
    inbox_deliveries: inbox.pending,
    inbox_oldest_at: inbox.oldest_received_at,
    remediations,
    leases: leases.length,
  };
}

async function standing(store: SqliteStore, path: string, now: number): Promise<Standing> {
  const [waits, approvals, holds, disk_free_bytes] = await Promise.all([
    store.oldestWork(),
    store.openApprovals(now),
    store.holds(now),
    diskFree(dirname(path)),
  ]);
  const counted = { hold: 0, ack: 0, quarantine: 0 };
  for (const { kind } of holds) counted[kind] += 1;
  return {
    waits,
    approvals: approvals.length,
    holds: counted,
    commits_waiting: store.commitsWaiting(),
    disk_free_bytes,
    database_bytes: store.bytes(),
  };
}

/** Bytes left for the database; null where the file system does not say. */
export async function diskFree(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}
