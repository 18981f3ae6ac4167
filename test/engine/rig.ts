import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { ActionError, AnyAction, Notification } from '../../src/action.ts';
import type { AuditRecord } from '../../src/core/audit/audit.ts';
import type { ServiceMode } from '../../src/engine/api.ts';
import { buildMachine, type Machine } from '../../src/engine/build.ts';
import type { ChaosSettings } from '../../src/engine/chaos.ts';
import type { Engine } from '../../src/engine/deps.ts';
import type { Tracer } from '../../src/ports.ts';
import type { AuditQuery, Store } from '../../src/store.ts';
import { type FakeClock, fakeClock, turn } from '../fakes/clock.ts';
import { type FakeWatch, fakeWatch } from '../fakes/watch.ts';
import { newWorld, type World } from '../fakes/world.ts';
import { buildEngine } from './rig-engine.ts';

export interface RigOptions {
  /** None by default: work runs as it is. */
  readonly tracer?: Tracer;
  /** Rule texts by name. */
  readonly rules: Readonly<Record<string, string>>;
  readonly policy?: string;
  readonly world: World;
  /** Instead of the world's own actions. */
  readonly actions?: readonly AnyAction[];
  /** Stands between the engine and its store. */
  readonly around?: (store: Store) => Store;
  readonly mode?: ServiceMode;
  readonly chaos?: ChaosSettings;
  readonly clock?: FakeClock;
  /** Where the database is; a rig that follows a crash gets the folder of the one before. */
  readonly dir?: string;
}

const QUIET_TURNS = 6;

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
  /** Burn rates of services, by expression; absent: unreachable. */
  readonly burns: Map<string, Readonly<Record<string, number>>>;
  /** What Alertmanager's API shows, and whether autoheal is blind. */
  readonly watch: FakeWatch;
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

export async function startRig(options: RigOptions): Promise<Rig> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'autoheal-rig-'));
  const clock = options.clock ?? fakeClock();
  const sent: Rig['sent'] = [];
  const promql: Rig['promql'] = new Map();
  const hooks: Rig['hooks'] = new Map();
  const notifier_failures: Rig['notifier_failures'] = [];
  const files = { rules: options.rules };
  const watch = fakeWatch();
  const burns: Rig['burns'] = new Map();
  const { engine, operator, budget, priorities, commits } = await buildEngine(
    options,
    { sent, promql, burns, hooks, notifier_failures, watch },
    files,
    dir,
    clock,
  );
  const machine = buildMachine(engine, {
    version: 'test',
    worker_id: `rig-${Math.random()}`,
    operator,
    budget,
    priorities,
    watch,
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
    burns,
    watch,
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
