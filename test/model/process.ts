import { buildMachine, type Machine } from '../../src/engine/build.ts';
import type { Engine } from '../../src/engine/deps.ts';
import { createWatch } from '../../src/engine/watch.ts';
import type { AlertmanagerPeer, Clock } from '../../src/ports.ts';
import type { Change, Store } from '../../src/store.ts';
import { buildEngine } from '../engine/rig-engine.ts';
import { newWorld } from '../fakes/world.ts';
import type { ModelClock } from './clock.ts';
import type { Call, Entry } from './journal.ts';
import { POLICY } from './rules.ts';
import { type ModelWorld, modelActions } from './world.ts';

/** Where a process may die, and where something else may come in between. */
export const POINTS = ['commit', 'committed', 'intent', 'plan', 'before_act', 'after_act'] as const;
export type Point = (typeof POINTS)[number];

/** What outlives a process. */
export interface Surroundings {
  readonly dir: string;
  readonly clock: ModelClock;
  readonly world: ModelWorld;
  readonly peers: readonly AlertmanagerPeer[];
  readonly promql: Map<string, boolean>;
  readonly journal: Entry[];
  /** Rule texts by name, as they are on disk now. */
  readonly files: { rules: Readonly<Record<string, string>> };
  /** Something is to happen here; undefined: nothing is. Never resolves when the process dies here. */
  readonly meet: (point: Point, life: Life) => Promise<void> | undefined;
}

/** One process of autoheal: the real engine on the real store, until it is killed. */
export interface Life {
  readonly number: number;
  readonly engine: Engine;
  readonly machine: Machine;
  /** Past the recorder, for whoever only looks. */
  readonly store: Store;
  /** Calls of the store and the world so far: how the model sees that work goes on. */
  activity(): number;
  dead(): boolean;
  /** Resolves when it is killed. */
  readonly died: Promise<void>;
  /** As kill -9: what it asked of the store may or may not be on disk, and nothing of it goes on. */
  kill(): void;
  /** Whether anybody can see by Alertmanager is noted as it changes. */
  look(): void;
}

/** What a dead process waits for. */
const NEVER = new Promise<never>(() => undefined);
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** Starts a process; `ready` once it works, or has died at its start. */
export async function startLife(
  number: number,
  around: Surroundings,
): Promise<{ readonly life: Life; readonly ready: Promise<unknown> }> {
  const { clock, journal } = around;
  const process = clock.process();
  const death = Promise.withResolvers<void>();
  let dead = false;
  let activity = 0;
  let inner: Store | undefined;
  let blind_since: number | null = null;

  function look(): void {
    const blind = !dead && watch.blind().length > 0;
    blind_since = blind ? (blind_since ?? clock.now()) : null;
  }
  function base() {
    look();
    return { at: clock.now(), life: number, blind_since };
  }
  function meet(point: Point): Promise<void> | undefined {
    return dead ? NEVER : around.meet(point, life);
  }

  async function committed(changes: readonly Change[], before?: Promise<void>): Promise<void> {
    if (before !== undefined) await before;
    if (dead || inner === undefined) return NEVER;
    try {
      await inner.commit(changes);
    } catch (error) {
      return dead ? NEVER : Promise.reject(error);
    }
    // On disk is on disk, whether or not its author still lives.
    journal.push({ ...base(), kind: 'commit', changes });
    await meet('committed');
    return dead ? NEVER : undefined;
  }

  function recorded(store: Store): Store {
    inner = store;
    return new Proxy(store, {
      get(of, key: keyof Store) {
        const member = of[key];
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          if (dead) return NEVER;
          activity += 1;
          if (key === 'commit') {
            const changes = args[0] as readonly Change[];
            const before = changes.some(({ kind }) => kind === 'start_count')
              ? (meet('intent') ?? meet('commit'))
              : meet('commit');
            return committed(changes, before);
          }
          const answer = Reflect.apply(member, of, args) as Promise<unknown>;
          return answer.then((value) => (dead ? NEVER : value));
        };
      },
    });
  }

  const watcher = {
    begin: (call: Call) => {
      activity += 1;
      if (!dead) journal.push({ ...base(), kind: 'begin', call });
    },
    end: (call: Call, did: boolean) => {
      activity += 1;
      if (!dead) journal.push({ ...base(), kind: 'end', call, did });
    },
    probed: (key: string, answer: string) => {
      journal.push({ ...base(), kind: 'probed', key, answer });
    },
    at: async (point: 'plan' | 'before_act' | 'after_act') => {
      activity += 1;
      await meet(point);
      if (dead) return NEVER;
    },
  };
  const watch = createWatch({
    peers: around.peers,
    prometheus: { configured: false, firing: async () => [] },
    clock: process,
    log: SILENT,
    metrics: { reconcilePoll() {}, alertmanagerPolled() {} },
    receivers: () => ['autoheal'],
  });
  const actions = modelActions(around.world, watcher);
  const { engine, operator, budget, priorities } = await buildEngine(
    { rules: {}, policy: POLICY, world: newWorld(), actions, around: recorded },
    {
      sent: [],
      promql: around.promql,
      burns: new Map(),
      hooks: new Map(),
      notifier_failures: [],
      watch,
    },
    around.files,
    around.dir,
    process,
  );
  const machine = buildMachine(engine, {
    version: 'model',
    worker_id: `life-${number}`,
    operator,
    budget,
    priorities,
    watch,
    components: [],
    process: { rss_bytes: () => 0, heap_used_bytes: () => 0 },
    diskFree: async () => null,
  });
  const life: Life = {
    number,
    engine,
    machine,
    store: inner as unknown as Store,
    activity: () => activity,
    dead: () => dead,
    died: death.promise,
    look,
    kill() {
      dead = true;
      clock.forget();
      void inner?.close();
      death.resolve();
    },
  };
  return { life, ready: Promise.race([machine.start(), death.promise]) };
}

/** A turn of the event loop: what was queued, the store's group commit too, has run. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

export type { Clock };
