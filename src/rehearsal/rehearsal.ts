import type { AnyAction } from '../action.ts';
import type { AuditRecord } from '../core/audit/audit.ts';
import type { RuleText } from '../core/rules/rule-compile.ts';
import type { FlagBoard, ServiceMode } from '../engine/api.ts';
import type { Machine } from '../engine/build.ts';
import type { Engine } from '../engine/deps.ts';
import type { Clock, Ids, Metrics, Tracer } from '../ports.ts';
import type { Store } from '../store.ts';
import { createBeats } from './beats.ts';
import { virtualClock } from './clock.ts';
import { buildRehearsalEngine, type RehearsalEngine } from './engine.ts';
import { createQuiet } from './quiet.ts';
import { createWorld, type RehearsalWorld } from './world.ts';
import type { WorldSpec } from './world-spec.ts';

export type { WorldSpec } from './world-spec.ts';
export type { RehearsalWorld } from './world.ts';

/** Wakes at one instant; more means that something goes round without end. */
const WAKES_MAX = 10_000;
const PAGE = 1_000;

/** What a rehearsal needs of the adapters; the root hands it in. */
export interface RehearsalParts {
  readonly ids: (clock: Pick<Clock, 'now'>) => Ids;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
}
export interface RehearsalOptions {
  readonly rules: readonly RuleText[];
  /** Null: the defaults stand. */
  readonly policy: RuleText | null;
  /** The real ones; stand-ins are made of them. */
  readonly actions: ReadonlyMap<string, AnyAction>;
  /** A store of its own, in memory. */
  readonly openStore: (clock: Pick<Clock, 'now'>) => Promise<Store>;
  readonly parts: RehearsalParts;
  /** Ms since the epoch. */
  readonly start: number;
  readonly mode: ServiceMode;
  readonly world: WorldSpec;
}

/** The whole engine on a virtual clock, in a world of data. Times in ms since the epoch. */
export interface Rehearsal {
  readonly machine: Machine;
  readonly engine: Engine;
  readonly flags: FlagBoard;
  readonly world: RehearsalWorld;
  readonly now: () => number;
  /** One delivery, as the webhook takes it, and everything that follows at this instant. @throws AutohealError as intake. */
  deliver(body: Uint8Array, source: string): Promise<void>;
  /** Lets everything run that can run at this instant: after a change of the world, after a deed of an operator. */
  readonly settle: () => Promise<void>;
  /** Time goes by; whatever falls due happens at its time, in order. The cost is by events, not by seconds. */
  advanceTo(at: number): Promise<void>;
  /** Audit entries after `seq`, in order. */
  story(after: number): Promise<readonly AuditRecord[]>;
  close(): Promise<void>;
}

/** @throws Error with the rendered problems when rules or policy do not compile. */
export async function openRehearsal(options: RehearsalOptions): Promise<Rehearsal> {
  const { start } = options;
  let built: RehearsalEngine | undefined;
  const clock = virtualClock(start, (loop, at) => beats.napsUntil(loop, at));
  const world = createWorld(options.world, clock.now);
  const beats = createBeats({
    start,
    now: clock.now,
    sky: world.sky,
    pauseEnds: () => built?.operator.paused()?.until ?? null,
    chaosEnds: () => built?.engine.chaos.view().ends_at ?? null,
    budgetEnforced: () => built?.engine.rulebook.current()?.policy.budget.enforce ?? false,
  });
  const quiet = createQuiet();
  const store = quiet.watched(await options.openStore(clock), beats.wrote);
  built = buildRehearsalEngine(options, world, clock, store);
  const { engine, machine, flags } = built;

  /** A poke that the service would do without for a second is not left out here. */
  async function settle(): Promise<void> {
    machine.poke();
    await quiet.settled();
  }

  const rehearsal: Rehearsal = {
    machine,
    engine,
    flags,
    world,
    now: clock.now,
    async deliver(body, source) {
      await machine.intake.accept({ body, source, trace_id: null, parent_span_id: null });
      await quiet.settled();
    },
    settle,
    async advanceTo(at) {
      for (let wakes = 0, last = clock.now(); clock.nextWake() <= at; wakes += 1) {
        clock.moveTo(clock.nextWake());
        // Time alone brings the drain nothing: with nothing to drain it would look in vain.
        if (machine.drain.pending() > 0) machine.drain.poke();
        machine.worker.poke();
        await quiet.settled();
        if (clock.now() > last) wakes = 0;
        last = clock.now();
        if (wakes > WAKES_MAX)
          throw new Error(`the rehearsal does not get on: ${WAKES_MAX} wakes at one instant`);
      }
      clock.moveTo(at);
    },
    async story(after) {
      const entries: AuditRecord[] = [];
      for (let seq = after; ; seq = entries.at(-1)?.seq ?? seq) {
        const { items } = await store.audit({ order: 'asc', limit: PAGE, after: seq });
        entries.push(...items);
        if (items.length < PAGE) return entries;
      }
    },
    // Without the machine's goodbye: whoever hangs here waits for a time that does not come any more.
    close: () => store.close(),
  };
  try {
    await begin(rehearsal, options.world);
    return rehearsal;
  } catch (error) {
    await rehearsal.close();
    throw error;
  }
}

async function begin({ machine, engine, flags, settle }: Rehearsal, world: WorldSpec) {
  await machine.start();
  const loaded = engine.rulebook.last();
  if (loaded?.ok === false) throw new Error(loaded.rendered);
  await settle();
  const by = { actor: 'world', reason: 'so it is at the start' };
  for (const [flag, value] of Object.entries(world.flags ?? {})) await flags.set(flag, value, by);
}
