import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { AnyAction, Notification } from '../../src/action.ts';
import { ActionError } from '../../src/action.ts';
import type { AuditRecord } from '../../src/core/audit/audit.ts';
import { createIds } from '../../src/adapters/ids.ts';
import { createMetrics } from '../../src/adapters/metrics.ts';
import { createProbes } from '../../src/adapters/probes.ts';
import { openSqliteStore } from '../../src/adapters/store/open.ts';
import { NO_TRACER } from '../../src/adapters/tracing.ts';
import type { ServiceMode } from '../../src/engine/api.ts';
import { createBreakers } from '../../src/engine/breakers.ts';
import { buildMachine, type Machine } from '../../src/engine/build.ts';
import { type ChaosSettings, createChaos } from '../../src/engine/chaos.ts';
import type { Engine } from '../../src/engine/deps.ts';
import { createFlags } from '../../src/engine/flags.ts';
import { createOperator } from '../../src/engine/operator.ts';
import { catalogueFor, createRulebook } from '../../src/engine/rulebook.ts';
import type { Log } from '../../src/ports.ts';
import type { AuditQuery, Store } from '../../src/store.ts';
import { type FakeClock, fakeClock, turn } from '../fakes/clock.ts';
import { newWorld, NO_CLIENTS, type World, worldActions } from '../fakes/world.ts';

export interface RigOptions {
  /** Rule texts by name. */
  readonly rules: Readonly<Record<string, string>>;
  readonly policy?: string;
  readonly world: World;
  readonly mode?: ServiceMode;
  readonly chaos?: ChaosSettings;
  readonly clock?: FakeClock;
  /** Where the database is; a rig that follows a crash gets the folder of the one before. */
  readonly dir?: string;
}

/** What a test says of one alert. */
export interface SaidAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly status?: 'firing' | 'resolved';
  readonly startsAt?: number;
  readonly endsAt?: number;
}

/** The whole engine on a real SQLite file, with a clock that the test moves and a world it acts on. */
export interface Rig {
  readonly engine: Engine;
  readonly machine: Machine;
  readonly clock: FakeClock;
  readonly world: World;
  readonly store: Store;
  readonly dir: string;
  /** Messages that reached a notifier. */
  readonly sent: { readonly name: string; readonly message: Notification }[];
  /** Errors to throw, one for each coming message to a notifier. */
  readonly notifier_failures: ActionError[];
  /** Runs before a call of the store, by its name: how a test gets in between two steps. */
  readonly hooks: Map<keyof Store, () => void | Promise<void>>;
  /** What Prometheus answers, by expression; absent: unreachable. */
  readonly promql: Map<string, boolean>;
  /** Replaces the rules; the caller reloads. */
  setRules(rules: Readonly<Record<string, string>>): void;
  post(...alerts: readonly SaidAlert[]): Promise<void>;
  /** Lets everything run that can run now. */
  settle(): Promise<void>;
  /** Moves the clock in small steps, settling after each. */
  advance(ms: number): Promise<void>;
  audit(filter?: Partial<AuditQuery>): Promise<readonly AuditRecord[]>;
  /** `kind:reason` of every entry about the work, in order. */
  story(filter?: Partial<AuditQuery>): Promise<readonly string[]>;
  stop(): Promise<void>;
  /** Ends without a goodbye, as kill -9 would: nothing more is written. */
  abandon(): Promise<void>;
}

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function bodyOf(alerts: readonly SaidAlert[], now: number): Uint8Array {
  const iso = (ms: number) => new Date(ms).toISOString();
  const list = alerts.map(({ labels, status = 'firing', startsAt = now, endsAt }) => ({
    status,
    labels,
    annotations: {},
    startsAt: iso(startsAt),
    endsAt: status === 'resolved' ? iso(endsAt ?? now) : '0001-01-01T00:00:00Z',
    generatorURL: '',
  }));
  const status = list.some((alert) => alert.status === 'firing') ? 'firing' : 'resolved';
  return Buffer.from(
    JSON.stringify({ version: '4', status, receiver: 'autoheal', groupKey: '{}', alerts: list }),
  );
}

async function buildEngine(
  options: RigOptions,
  rig: Pick<Rig, 'sent' | 'promql' | 'hooks' | 'notifier_failures'>,
  files: { rules: RigOptions['rules'] },
  dir: string,
  clock: FakeClock,
) {
  const actions: ReadonlyMap<string, AnyAction> = new Map(
    worldActions(options.world).map((action) => [action.id, action]),
  );
  const ids = createIds(clock);
  const metrics = createMetrics({
    version: 'test',
    actions: [...actions.keys()],
    backends: ['world'],
    scrape: () => Promise.reject(new Error('not scraped')),
  });
  const opened = await openSqliteStore({ path: join(dir, 'autoheal.db'), metrics, clock });
  const { store, commits } = counted(opened, rig.hooks);
  const base = { store, clock, ids, metrics, log: SILENT, tracer: NO_TRACER };
  const rulebook = createRulebook({
    ...base,
    catalogueOf: catalogueFor(actions),
    files: {
      read: async () => ({
        rules: Object.entries(files.rules).map(([name, text]) => ({
          file: `rules/${name}.yaml`,
          text,
          hash: sha256(text),
        })),
        policy:
          options.policy === undefined
            ? null
            : { file: 'autoheal.yaml', text: options.policy, hash: sha256(options.policy) },
      }),
    },
  });
  const operator = createOperator(base, options.mode ?? 'auto');
  const flags = createFlags({ ...base, declared: () => rulebook.current()?.policy.flags ?? {} });
  const engine: Engine = {
    ...base,
    random: () => 0.5,
    rulebook,
    operator,
    actions,
    clients: {
      ...NO_CLIENTS,
      docker: () =>
        Promise.reject(new ActionError('not_configured', 'no docker here', { retryable: false })),
      kubernetes: () =>
        Promise.reject(new ActionError('not_configured', 'no cluster here', { retryable: false })),
      flags,
      notifiers: {
        has: (name) => name !== 'gone',
        async send(name, message) {
          const failure = rig.notifier_failures.shift();
          if (failure !== undefined) throw failure;
          rig.sent.push({ name, message });
          return {};
        },
      },
    },
    backends: new Map(),
    prometheus: {
      async holds(expr) {
        const holds = rig.promql.get(expr);
        if (holds === undefined)
          throw new ActionError('unavailable', 'no answer', { retryable: true });
        return { holds, detail: `${expr} is ${holds}` };
      },
    },
    probes: createProbes(),
    breakers: createBreakers(base),
    chaos: createChaos(base, options.chaos ?? { rate_pct: 0, seed: 1, for_ms: 1 }),
  };
  return { engine, operator, commits };
}

const QUIET_TURNS = 6;

/** The store, with a count of the units asked of it: how a test sees that work goes on. */
function counted(
  store: Store,
  hooks: Rig['hooks'],
): { readonly store: Store; readonly commits: () => number } {
  let count = 0;
  const proxy = new Proxy(store, {
    get(inner, key: keyof Store) {
      const member = inner[key];
      if (typeof member !== 'function') return member;
      const writes = key === 'commit' || key === 'claimRemediations' || key === 'claimLeases';
      return (...args: unknown[]) => {
        if (writes) count += 1;
        const hook = hooks.get(key);
        const call = () => Reflect.apply(member, inner, args) as unknown;
        return hook === undefined ? call() : Promise.resolve(hook()).then(call);
      };
    },
  });
  return { store: proxy, commits: () => count };
}

export async function startRig(options: RigOptions): Promise<Rig> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'autoheal-rig-'));
  const clock = options.clock ?? fakeClock();
  const sent: Rig['sent'] = [];
  const promql: Rig['promql'] = new Map();
  const hooks: Rig['hooks'] = new Map();
  const notifier_failures: Rig['notifier_failures'] = [];
  const files = { rules: options.rules };
  const { engine, operator, commits } = await buildEngine(
    options,
    { sent, promql, hooks, notifier_failures },
    files,
    dir,
    clock,
  );
  const machine = buildMachine(engine, {
    version: 'test',
    worker_id: `rig-${Math.random()}`,
    operator,
    components: [],
    process: { rss_bytes: () => 0, heap_used_bytes: () => 0 },
    diskFree: async () => null,
  });
  await machine.start();
  const rig: Rig = {
    engine,
    machine,
    clock,
    world: options.world,
    store: engine.store,
    dir,
    sent,
    promql,
    hooks,
    notifier_failures,
    setRules(rules) {
      files.rules = rules;
    },
    async post(...alerts) {
      await machine.intake.accept({
        body: bodyOf(alerts, clock.now()),
        source: 'alertmanager',
        trace_id: null,
        parent_span_id: null,
      });
      await rig.settle();
    },
    async settle() {
      machine.poke();
      // Quiet: nothing was written for some turns. Whoever still sleeps on the clock waits for the test.
      for (let quiet = 0, seen = commits(); quiet < QUIET_TURNS; ) {
        await turn();
        quiet = commits() === seen ? quiet + 1 : 0;
        seen = commits();
      }
    },
    async advance(ms) {
      const end = clock.now() + ms;
      while (clock.now() < end) {
        await clock.advance(Math.min(250, end - clock.now()));
        await rig.settle();
      }
    },
    async audit(filter = {}) {
      return (await engine.store.audit({ order: 'asc', limit: 1_000, ...filter })).items;
    },
    async story(filter = {}) {
      const about = await rig.audit(filter);
      return about
        .filter((entry) => entry.fingerprint !== null)
        .map((entry) => `${entry.kind}${entry.reason === null ? '' : `:${entry.reason}`}`);
    },
    async stop() {
      await machine.stop();
      await engine.store.close();
      rmSync(dir, { recursive: true, force: true });
    },
    async abandon() {
      await engine.store.close();
    },
  };
  return rig;
}

/** Starts a rig a test and stops it after; call once at the top of a file. */
export function useRig(): (
  options: Omit<RigOptions, 'world'> & { readonly world?: World },
) => Promise<Rig> {
  let rig: Rig | undefined;
  afterEach(async () => {
    rig?.hooks.clear();
    await rig?.stop();
    rig = undefined;
  });
  return async (options) => {
    rig = await startRig({ world: newWorld({ a: 1 }), ...options });
    return rig;
  };
}
