import { isoTime } from '../../core/time.ts';
import { AutohealError } from '../../core/errors.ts';
import { GUARD_MAX_MS } from '../../core/rules/rule-schema.ts';
import type { RecordedDelivery } from './filter.ts';
import { createRecordedWorld, type RecordedWorld } from './record.ts';
import { createReplayStore, type ReplayStore } from './store.ts';
import { createTeller, type Tally, type Teller } from './tally.ts';
import { openRehearsal, type Rehearsal, type RehearsalOptions } from '../rehearsal.ts';
import type { WorldSpec } from '../world-spec.ts';

/** One rule set, that a record is played to. */
export interface Lane {
  /** The next delivery, in the order of arrival. */
  take(delivery: RecordedDelivery): Promise<void>;
  /** What it did; nothing is taken after this. */
  finish(): Promise<Tally>;
}
export type LaneOptions = Pick<
  RehearsalOptions,
  'rules' | 'policy' | 'actions' | 'openStore' | 'parts' | 'mode'
> & {
  /** What is true besides the record; it stands above it. */
  readonly world: WorldSpec;
  /** Rows that no guard can look at any more are removed; 0: never. Ms of the record between two times. */
  readonly retain_every_ms?: number;
  /** False: every look of every wait is made, also those that change nothing. */
  readonly rest?: boolean;
  /** True: on the database of `openStore` as the service has it, and every look is made. */
  readonly plain?: boolean;
};

const DAY_MS = 86_400_000;

/**
 * Opens a rehearsal for the first delivery. In its world everything exists and has opted in, every look holds, and what
 * a rule verifies by holds once its alerts have resolved in the record.
 */
export function openLane(options: LaneOptions): Lane {
  const teller = createTeller();
  let playing: Playing | undefined;
  return {
    async take(delivery) {
      playing ??= await begin(options, delivery.at, teller);
      await play(playing, delivery, options.retain_every_ms ?? DAY_MS);
    },
    async finish() {
      if (playing !== undefined) await end(playing);
      return teller.tally;
    },
  };
}

interface Playing {
  readonly rehearsal: Rehearsal;
  readonly record: RecordedWorld;
  readonly given: WorldSpec;
  readonly replay: ReplayStore;
  retain_at: number;
}

async function begin(options: LaneOptions, start: number, teller: Teller): Promise<Playing> {
  const { world } = options;
  // With an Alertmanager to ask, a replay asks for lists, and other things than the record change what a look finds.
  const alone = (world.alertmanager ?? 'absent') === 'absent';
  let replay: ReplayStore | undefined;
  const rehearsal = await openRehearsal({
    ...options,
    start,
    world: { otherwise: true, ...world },
    openStore: async (clock) => {
      const log = await options.openStore(clock);
      replay = createReplayStore(log, teller, clock.now, alone && options.plain !== true);
      return replay.store;
    },
  });
  const set = rehearsal.engine.rulebook.current();
  if (set === undefined || replay === undefined)
    throw new Error('a rehearsal began without rules or without a store');
  replay.playing(set, { rest: options.rest !== false });
  const record = createRecordedWorld(set);
  wireHealth(rehearsal, record, world);
  const retain_at = start + (options.retain_every_ms ?? DAY_MS);
  return { rehearsal, record, given: world, replay, retain_at };
}

/** @throws Error when deliveries still wait: a loop that fails says so nowhere else. */
async function end({ rehearsal }: Playing): Promise<void> {
  const { pending } = await rehearsal.engine.store.inboxDepth();
  await rehearsal.close();
  if (pending > 0)
    throw new Error(`autoheal itself failed: ${pending} deliveries were not decided`);
}

async function play(
  playing: Playing,
  delivery: RecordedDelivery,
  retain_every_ms: number,
): Promise<void> {
  const { rehearsal, record, given } = playing;
  // A clock that went back between two deliveries: time does not.
  const at = Math.max(delivery.at, rehearsal.now());
  if (retain_every_ms > 0 && at >= playing.retain_at) {
    await rehearsal.advanceTo(playing.retain_at);
    await retain(rehearsal);
    playing.retain_at = at + retain_every_ms;
  }
  await rehearsal.advanceTo(at);
  const noted = record.note({ ...delivery, at });
  if (noted !== undefined) {
    rehearsal.world.change(besides(noted.world, given));
    playing.replay.moved(noted.moved);
  }
  try {
    await rehearsal.deliver(delivery.body, delivery.source);
  } catch (error) {
    // What the webhook refused then, it refuses now.
    if (!(error instanceof AutohealError)) throw error;
  }
  const why = playing.replay.broken();
  if (why !== undefined)
    throw new Error(`autoheal itself failed at ${isoTime(at)} of the record: ${why}`);
}

/**
 * Bodies that are drained, and entries older than any window of a guard. Episodes, remediations and runs stay: what
 * a rule did long ago still counts for its quarantine.
 */
async function retain({ engine, now }: Rehearsal): Promise<void> {
  const at = now();
  for (let more = true; more; ) {
    const retained = await engine.store.retain({
      now: at,
      audit_before: at - GUARD_MAX_MS,
      deliveries_before: at,
      episodes_before: 0,
      slo_before: 0,
      runs_since: at - GUARD_MAX_MS,
      checkpoint_id: engine.ids.next(),
    });
    ({ more } = retained);
  }
}

/* ---------------------------------------------------------------- the world */

/** What the world was given by name is not changed by the record. */
function besides(seen: WorldSpec, given: WorldSpec): WorldSpec {
  const kinds = (['promql', 'http', 'tcp'] as const).map((kind) => {
    const entries = Object.entries(seen[kind] ?? {});
    return [
      kind,
      Object.fromEntries(entries.filter(([what]) => given[kind]?.[what] === undefined)),
    ];
  });
  return Object.fromEntries(kinds) as WorldSpec;
}

/** A target is as well as the alert that it is looked at for, unless the world was given its health. */
function wireHealth({ engine }: Rehearsal, record: RecordedWorld, given: WorldSpec): void {
  for (const action of engine.actions.values()) {
    const { verify } = action;
    if (verify === undefined) continue;
    Object.assign(action, {
      verify: (async (params, target, evidence, ctx) =>
        given.targets?.[target.id]?.health === undefined
          ? record.health(ctx.cause.fingerprint)
          : verify(params, target, evidence, ctx)) satisfies typeof verify,
    });
  }
}
