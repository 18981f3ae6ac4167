import type { Logger } from 'pino';
import { createAlertmanagers } from './adapters/alertmanager.ts';
import { alertmanagerBackend, createSilences } from './adapters/alertmanager-silences.ts';
import { systemClock } from './adapters/clock.ts';
import { createCommands } from './adapters/commands.ts';
import { createDocker } from './adapters/docker.ts';
import { httpBackend } from './adapters/http-send.ts';
import { createIds } from './adapters/ids.ts';
import { createKubernetes } from './adapters/kubernetes.ts';
import { createMetrics } from './adapters/metrics.ts';
import type { Scrape } from './adapters/metrics-scrape.ts';
import { createNotifiers, notifyBackend } from './adapters/notifiers.ts';
import { createPostgres } from './adapters/postgres.ts';
import { createProbes } from './adapters/probes.ts';
import { createPrometheus } from './adapters/prometheus.ts';
import { createRuleFiles } from './adapters/rule-files.ts';
import { openSqliteStore } from './adapters/store/open.ts';
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
import { createWatch } from './engine/watch.ts';
import { createWatchdog } from './engine/watchdog.ts';
import { loadActions } from './engine/registry.ts';
import { catalogueFor, createRulebook } from './engine/rulebook.ts';
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
  const metrics = createMetrics({
    version,
    actions: [...actions.keys()],
    backends: [...new Set([...actions.values()].map((action) => action.backend))],
    scrape: () => scrape(store),
  });
  const store = await openSqliteStore({
    path: config.database.path,
    ...(config.audit_key === undefined ? {} : { audit_key: Buffer.from(config.audit_key) }),
    metrics,
    clock,
  });
  const tracer = await openTracing(config, version, log);
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
  };
  return { engine, flags, operator, budget, watch };
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
