import { z } from 'zod';
import {
  type ActionClients,
  ActionError,
  type AnyAction,
  defineAction,
  type NewSilence,
  type Silence,
  type Silences,
} from '../../src/action.ts';
import type { Json, JsonObject } from '../../src/core/json.ts';
import type { Target } from '../../src/core/healing/remediation.ts';

/** A little world that test actions act on: named things with a value, and what was done to them. */
export interface World {
  readonly values: Map<string, Json>;
  /** Every backend call that changed something: `restart a`, `set a=2`, `revert a=1`. */
  readonly acts: string[];
  /** Errors to throw, one for each coming call of execute or revert. */
  readonly failures: (ActionError | 'hang')[];
  readonly strangers: Set<string>;
  probe: 'done' | 'not_done' | 'unknown';
  health: 'healthy' | 'pending' | 'failed';
  /** What `poke` brings back besides. */
  evidence: JsonObject;
  /** Runs inside resolve. */
  onResolve: (() => void | Promise<void>) | undefined;
  /** Runs inside execute, before it changes anything. */
  onExecute: (() => void | Promise<void>) | undefined;
}

export function newWorld(values: Record<string, Json> = {}): World {
  return {
    values: new Map(Object.entries(values)),
    acts: [],
    failures: [],
    strangers: new Set(),
    probe: 'unknown',
    health: 'healthy',
    evidence: {},
    onResolve: undefined,
    onExecute: undefined,
  };
}

function target(world: World, name: string, desired: Json, cmd: string): Target {
  return {
    id: `thing/${name}`,
    parents: name.includes('.') ? [`thing/${name.split('.')[0]}`] : [],
    name,
    opted_in: !world.strangers.has(name),
    opt_in_hint: `label it autoheal=true`,
    observed: world.values.get(name) ?? null,
    desired,
    cmd,
    ...groupOf(world, name),
  };
}

/** `svc.1` is one of all `svc.*`; what has the value 0 is down. */
function groupOf(world: World, name: string): Pick<Target, 'group'> {
  const [service, member] = name.split('.');
  if (member === undefined) return {};
  const siblings = [...world.values].filter(([other]) => other.startsWith(`${service}.`));
  const up = siblings.filter(([other, value]) => other !== name && value !== 0);
  const serves = world.values.get(name) !== 0;
  return {
    group: { id: `group/${service}`, total: siblings.length, healthy: up.length, serves },
  };
}

async function misbehave(world: World, signal: AbortSignal): Promise<void> {
  if (world.onExecute !== undefined) await world.onExecute();
  const failure = world.failures.shift();
  if (failure === 'hang')
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  else if (failure !== undefined) throw failure;
}

/** `poke`: restarts a thing (not safe to repeat, probed). `set_thing`: sets its value (leasable). */
export function worldActions(world: World): AnyAction[] {
  const poke = defineAction({
    id: 'poke',
    summary: 'Restarts a thing.',
    backend: 'world',
    params: z.strictObject({ thing: z.string().min(1) }),
    safe_to_repeat: false,
    leasable: false,
    resolve: async ({ thing }) => {
      // Nothing to wait for takes no turn: whose plan is ready first is decided by such turns.
      if (world.onResolve !== undefined) await world.onResolve();
      if (!world.values.has(thing))
        throw new ActionError('not_found', `there is no thing ${thing}`, { retryable: false });
      return [target(world, thing, null, `poke ${thing}`)];
    },
    preview: async ({ thing }) => `would poke ${thing}`,
    async execute({ thing }, _target, { signal }) {
      await misbehave(world, signal);
      world.acts.push(`poke ${thing}`);
      return { poked: thing, ...world.evidence };
    },
    verify: async () => world.health,
    probe: async () => world.probe,
  });
  const set_thing = defineAction({
    id: 'set_thing',
    summary: 'Sets the value of a thing.',
    backend: 'world',
    params: z.strictObject({ thing: z.string(), to: z.int().optional(), by: z.int().optional() }),
    safe_to_repeat: true,
    leasable: true,
    resolve: async ({ thing, to, by }) => {
      const value = to ?? Number(world.values.get(thing) ?? 0) + (by ?? 0);
      return [target(world, thing, value, `set ${thing}=${value}`)];
    },
    preview: async ({ thing }, { desired }) => `would set ${thing} to ${JSON.stringify(desired)}`,
    async execute({ thing }, { desired }, { signal }) {
      await misbehave(world, signal);
      if (world.values.get(thing) === desired) return { changed: false };
      world.values.set(thing, desired);
      world.acts.push(`set ${thing}=${JSON.stringify(desired)}`);
      return { changed: true };
    },
    async revert({ name }, { original, value }, { signal }) {
      await misbehave(world, signal);
      const now = world.values.get(name) ?? null;
      if (now === original) return { result: 'reverted', cmd: null, evidence: { changed: false } };
      if (now !== value) return { result: 'changed_elsewhere', cmd: null, evidence: { now } };
      world.values.set(name, original);
      world.acts.push(`revert ${name}=${JSON.stringify(original)}`);
      return {
        result: 'reverted',
        cmd: `set ${name}=${JSON.stringify(original)}`,
        evidence: { changed: true },
      };
    },
  });
  const poke_all = defineAction({
    id: 'poke_all',
    summary: 'Restarts every thing.',
    backend: 'world',
    params: z.strictObject({}),
    safe_to_repeat: false,
    leasable: false,
    resolve: async () =>
      [...world.values.keys()].map((name) => target(world, name, null, `poke ${name}`)),
    preview: async () => 'would poke all',
    async execute(_params, { name }, { signal }) {
      await misbehave(world, signal);
      world.acts.push(`poke ${name}`);
      return { poked: name };
    },
    probe: async () => world.probe,
  });
  return [poke, set_thing, poke_all];
}

/** Clients of a world where nothing is configured and nothing is allowed. */
export const NO_CLIENTS: Pick<ActionClients, 'silences' | 'postgres' | 'commands' | 'allowed'> = {
  silences: { ours: nothingHere, create: nothingHere, expire: nothingHere },
  postgres: nothingHere,
  commands: { run: nothingHere },
  allowed: { command: () => false, host: () => false },
};

function nothingHere(): Promise<never> {
  return Promise.reject(
    new ActionError('not_configured', 'nothing is configured here', { retryable: false }),
  );
}

export interface FakeSilences extends Silences {
  /** Those that stand, ours and others'. */
  readonly standing: Map<string, Silence>;
}

/** Alertmanager's silences as its client gives them, in memory. */
export function fakeSilences(): FakeSilences {
  const standing = new Map<string, Silence>();
  return {
    standing,
    ours: async () => [...standing.values()],
    async create(silence: NewSilence) {
      const id = `silence-${standing.size + 1}`;
      standing.set(id, { ...silence, id });
      return id;
    },
    async expire(id) {
      standing.delete(id);
    },
  };
}
