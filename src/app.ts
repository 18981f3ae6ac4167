import { randomBytes, randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { createProbeSend } from './adapters/self-probe.ts';
import { createFlagdFile, type FlagdFile } from './adapters/flagd-file.ts';
import type { Config } from './config.ts';
import type { FlagBoard } from './engine/api.ts';
import { buildMachine, type Machine, type MachineOptions } from './engine/build.ts';
import type { Engine } from './engine/deps.ts';
import { PENDING_MAX } from './engine/intake.ts';
import { createSelfProbe } from './engine/self-probe.ts';
import { createSloLedger } from './engine/slo-ledger.ts';
import { CONCURRENCY_MAX } from './engine/worker.ts';
import { buildEngine, diskFree, openAdapters, type World } from './graph.ts';
import { DEFAULT_LIMITS } from './http/deps.ts';
import { createServer } from './http/server.ts';

/** Long enough for the first probes to be answered, short beside Alertmanager's `group_wait`. */
const WARM_AFTER_MS = 1_000;

const SHIPPED_ACTIONS = fileURLToPath(new URL('../actions/', import.meta.url));

export interface AppOptions {
  /** A folder of actions instead of the shipped one. */
  readonly actions_dir?: string;
}

export interface App {
  /** Where it listens: `http://127.0.0.1:9009`. */
  readonly url: string;
  /** Reads rules and policy again; the last good set stays on any error. */
  reload(actor: string): Promise<void>;
  /** An error that nobody caught: whoever collects errors is told. */
  fault(error: unknown): void;
  /** Everything in reverse order of its making. */
  close(): Promise<void>;
}

/** Builds every object once and starts it; with the two functions below it is the whole object graph. */
export async function startApp(
  config: Config,
  version: string,
  log: Logger,
  options: AppOptions = {},
): Promise<App> {
  const actions_dir = options.actions_dir ?? SHIPPED_ACTIONS;
  const world = await openAdapters(config, version, log, actions_dir);
  const { store, tracer, docker, kubernetes, prometheus } = world;
  const { engine, flags, operator, budget, priorities, watch } = buildEngine(config, world);
  const own = selfWatch(config, world, () => machine.drain.pending());
  const machine = buildMachine(engine, {
    version,
    worker_id: randomUUID(),
    operator,
    budget,
    priorities,
    watch,
    components: [docker, kubernetes, prometheus, own.self_probe].map((part) => part.component),
    ...roomOf(config),
    checks_audit: true,
    slo: own.slo,
  });
  const server = createServer({
    ...world,
    operator,
    flags,
    rulebook: engine.rulebook,
    ...own,
    intake: machine.intake,
    holds: machine.holds,
    approvals: machine.approvals,
    operations: machine.operations,
    benefits: machine.benefits,
    what_if: machine.what_if,
    reporter: machine.reporter,
    tokens: config.tokens,
    limits: { ...DEFAULT_LIMITS, api_requests: config.api_rate_limit },
    auditAuthDenied: (client, route) => machine.auth.denied(client, route),
  });
  watchLimits(world, { engine, machine, server });
  const flagd_file = flagdFile(config, engine, flags);
  await machine.start();
  flagd_file?.start();
  await server.listen({ host: config.host, port: config.port });
  const address = server.server.address() as AddressInfo;
  const url = addressOf(address);
  log.info({ url, mode: operator.mode(), version }, 'autoheal is listening');
  own.startProbe(address);
  const warming = setTimeout(() => warm(engine, log), WARM_AFTER_MS);
  return {
    url,
    async reload(actor) {
      await engine.rulebook.reload(actor);
      machine.poke();
    },
    fault: (error) => tracer.fault(error, { where: 'process' }),
    async close() {
      clearTimeout(warming);
      await own.self_probe.stop();
      await server.close();
      await machine.stop();
      await world.commands.close();
      await flagd_file?.stop();
      await store.close();
      await tracer.close();
    },
  };
}

/** Autoheal as its own client, and its own count of what it promises. */
function selfWatch(config: Config, world: World, pending: () => number) {
  // Nobody else can call a delivery a probe.
  const secret = randomBytes(32).toString('hex');
  const { self_probe_ms: every_ms, tokens } = config;
  const self_probe = createSelfProbe({ ...world, every_ms, pending });
  return {
    slo: createSloLedger({ ...world, tally: world.slo_tally }),
    self_probe: { ...self_probe, secret },
    startProbe: (address: AddressInfo) =>
      self_probe.start(createProbeSend({ address, tokens, secret })),
  };
}

/** How much memory and disk there is. */
function roomOf({ database }: Config): Pick<MachineOptions, 'process' | 'diskFree'> {
  return {
    process: {
      rss_bytes: () => process.memoryUsage.rss(),
      heap_used_bytes: () => process.memoryUsage().heapUsed,
    },
    diskFree: () => diskFree(dirname(database.path)),
  };
}

/** What refuses or makes wait when it is full is seen filling up. */
function watchLimits(
  { metrics, store }: World,
  of: { readonly engine: Engine; readonly machine: Machine; readonly server: FastifyInstance },
): void {
  const { engine, machine, server } = of;
  metrics.watchLimit('inbox', () => machine.drain.pending() / PENDING_MAX);
  metrics.watchLimit('worker', () => machine.worker.active() / CONCURRENCY_MAX);
  metrics.watchLimit('calls', () => engine.places.fullness());
  metrics.watchLimit('commits', () => store.commitsFullness());
  metrics.watchLimit('sockets', async () => (await openSockets(server)) / DEFAULT_LIMITS.sockets);
}

function openSockets({ server }: FastifyInstance): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((error, count) => resolve(error === null ? count : 0));
  });
}

/** The flags on disk, for those who read them there; undefined where nobody asked for it. */
function flagdFile(config: Config, engine: Engine, flags: FlagBoard): FlagdFile | undefined {
  if (config.flagd_file === undefined) return undefined;
  return createFlagdFile({
    path: config.flagd_file,
    // Without rules the policy is not known, and neither are its flags.
    flags: async () => (engine.rulebook.current() === undefined ? undefined : await flags.list()),
    clock: engine.clock,
    log: engine.log,
  });
}

function addressOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** Loads the clients that the rules use, a moment after listening, so that neither the start nor the first incident pays for it. */
function warm(engine: Engine, log: Logger): void {
  const used = new Set(
    (engine.rulebook.current()?.rules ?? [])
      .filter((rule) => rule.enabled)
      .flatMap((rule) => rule.steps.map((step) => engine.actions.get(step.action)?.backend)),
  );
  const loads = [
    used.has('docker') ? engine.clients.docker() : undefined,
    used.has('kubernetes') ? engine.clients.kubernetes() : undefined,
  ];
  for (const load of loads)
    load?.catch((error: unknown) => log.debug({ err: error }, 'a client is not available yet'));
}
