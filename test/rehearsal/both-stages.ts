import { ActionError, type AnyAction } from '../../src/action.ts';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.ts';
import { type World, worldActions } from '../fakes/world.ts';
import type { Rig } from '../engine/rig.ts';
import { bodyOf, START } from './stage.ts';
import { type Event, LAST_MS } from './stories.ts';

/* ---------------------------------------------------------------- both stages */

/** What the next calls of an action meet. */
export type Scripts = { readonly action: string; readonly how: string; left: number }[];

/** A call of which actions takes a turn longer than others; see `LAGS`. */
export type Lag = Partial<Record<'resolve' | 'execute' | 'revert', string>>;

/**
 * Other orders in which the running engine may take what happens at one instant: who is first then is decided by
 * turns of the event loop, and no rule says by which.
 */
export const LAGS: readonly Lag[] = [
  { resolve: 'poke' },
  { resolve: 'set_thing' },
  { execute: 'poke' },
  { execute: 'set_thing' },
  { revert: 'set_thing' },
];

async function lagged(by: string | undefined, action: string): Promise<void> {
  if (by === action) await new Promise((resolve) => setImmediate(resolve));
}

export function actionsOf(world: World, scripts: Scripts, lag: Lag = {}): AnyAction[] {
  return worldActions(world).map((action) => ({
    ...action,
    async resolve(params, ctx) {
      if (lag.resolve !== undefined) await lagged(lag.resolve, action.id);
      return action.resolve(params, ctx);
    },
    async execute(params, target, ctx) {
      if (lag.execute !== undefined) await lagged(lag.execute, action.id);
      await meet(action.id, scripts, ctx.signal);
      return action.execute(params, target, ctx);
    },
    ...(action.revert === undefined
      ? {}
      : {
          revert: async (...args: Parameters<NonNullable<AnyAction['revert']>>) => {
            if (lag.revert !== undefined) await lagged(lag.revert, action.id);
            await meet(action.id, scripts, args[2].signal);
            return (action.revert as NonNullable<AnyAction['revert']>)(...args);
          },
        }),
    rehearse(params, seen) {
      const { thing: name, to, by } = params as { thing: string; to?: number; by?: number };
      const id = `thing/${name}`;
      const observed = seen.observed(id);
      if (observed === undefined && action.id === 'poke')
        throw new ActionError('not_found', `there is no thing ${name}`, { retryable: false });
      const desired = action.id === 'poke' ? null : (to ?? Number(observed ?? 0) + (by ?? 0));
      return [
        {
          id,
          parents: name.includes('.') ? [`thing/${name.split('.')[0]}`] : [],
          name,
          opt_in_hint: '',
          observed: observed ?? null,
          desired,
          cmd: desired === null ? `poke ${name}` : `set ${name}=${desired}`,
          ...seen.about(id),
        },
      ];
    },
  }));
}

async function meet(action: string, scripts: Scripts, signal: AbortSignal): Promise<void> {
  const script = scripts.find((one) => one.action === action && one.left > 0);
  if (script === undefined) return;
  script.left -= 1;
  if (script.how === 'hang')
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  throw new ActionError(script.how as 'conflict', 'so it is', {
    retryable: script.how === 'unavailable',
  });
}

/** A running engine and a rehearsal, as a story drives them. */
interface Stage {
  deliver(body: Uint8Array): Promise<void>;
  advanceTo(at: number): Promise<void>;
  script(action: string, how: 'unavailable' | 'conflict' | 'hang', times: number): void;
  promql(holds: boolean): void;
  set(thing: string, to: number): void;
  readonly machine: Rig['machine'];
  readonly engine: Rig['engine'];
  settle(): Promise<void>;
}

export function rehearsed(rehearsal: Rehearsal): Stage {
  return {
    ...rehearsal,
    deliver: (body) => rehearsal.deliver(body, 'alertmanager'),
    script: (action, how, times) =>
      rehearsal.world.script({
        action,
        outcome: how === 'hang' ? { hangs: true } : { fails: how },
        times,
      }),
    promql: (holds) => rehearsal.world.change({ promql: { 'up > 0': holds } }),
    set: (name, to) => rehearsal.world.change({ targets: { [`thing/${name}`]: { value: to } } }),
  };
}

export function running(rig: Rig, scripts: Scripts): Stage {
  return {
    machine: rig.machine,
    engine: rig.engine,
    settle: () => rig.settle(),
    async deliver(body) {
      await rig.machine.intake.accept({
        body,
        source: 'alertmanager',
        trace_id: null,
        parent_span_id: null,
      });
      await rig.settle();
    },
    async advanceTo(at) {
      for (let now = rig.clock.now(); now < at; now = rig.clock.now()) {
        await rig.clock.advance(Math.min(at, rig.clock.nextWakeAt() ?? at) - now);
        await rig.settle();
      }
    },
    script: (action, how, times) => scripts.push({ action, how, left: times }),
    promql: (holds) => rig.promql.set('up > 0', holds),
    set: (name, to) => rig.world.values.set(name, to),
  };
}

export async function playOn(
  events: readonly { gap: number; event: Event }[],
  on: Stage,
): Promise<void> {
  const firing: { labels: Record<string, string>; since: number }[] = [];
  let at = START;
  for (const { gap, event: one } of events) {
    at += gap;
    await on.advanceTo(at);
    if (one.kind === 'fire') {
      const said = one.labels as Record<string, string>;
      const before = firing.find((each) => JSON.stringify(each.labels) === JSON.stringify(said));
      const since = before?.since ?? at;
      if (before === undefined) firing.push({ labels: said, since });
      await on.deliver(bodyOf(said, 'firing', since));
    } else if (one.kind === 'resolve') {
      const [over] = firing.splice(one.nth % Math.max(1, firing.length), 1);
      if (over !== undefined) await on.deliver(bodyOf(over.labels, 'resolved', over.since, at));
    } else if (one.kind === 'script') on.script(one.action, one.how, one.times);
    else if (one.kind === 'promql') on.promql(one.holds);
    else if (one.kind === 'change') on.set(one.thing, one.to);
    else if (one.kind === 'pause')
      await on.engine.operator.pause({ actor: 'x', reason: 'x', until: at + one.s * 1_000 });
    else
      await on.machine.holds.place({
        kind: 'hold',
        alertname: null,
        fingerprint: null,
        episode: null,
        rule: null,
        target: `thing/${one.thing}`,
        actor: 'x',
        reason: 'x',
        until: at + 5_000,
      });
    await on.settle();
  }
  await on.advanceTo(at + LAST_MS);
}
