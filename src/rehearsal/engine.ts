import { ActionError, type ActionClients } from '../action.ts';
import { createAllowed } from '../core/rules/allow.ts';
import type { RuleSet } from '../core/rules/rule.ts';
import { createBreakers } from '../engine/breakers.ts';
import { createBudget } from '../engine/budget.ts';
import { buildMachine, type Machine } from '../engine/build.ts';
import { createChaos } from '../engine/chaos.ts';
import type { Engine } from '../engine/deps.ts';
import type { FlagBoard, Operator } from '../engine/api.ts';
import { createFlags, flagsBackend } from '../engine/flags.ts';
import { createOperator } from '../engine/operator.ts';
import { MUTE_LOG } from '../engine/mute.ts';
import { createPlaces } from '../engine/places.ts';
import { NO_PRIORITIES } from '../engine/priorities.ts';
import { catalogueFor, createRulebook } from '../engine/rulebook.ts';
import { createWatch } from '../engine/watch.ts';
import { createWatchdog } from '../engine/watchdog.ts';
import type { Clock } from '../ports.ts';
import type { Store } from '../store.ts';
import type { RehearsalOptions } from './rehearsal.ts';
import { withoutDraws } from './no-draws.ts';
import { standIns } from './stand-ins.ts';
import type { InnerWorld } from './world.ts';

/** Nothing is injected: a failure that the test did not ask for would say nothing of the rules. */
const NO_CHAOS = { rate_pct: 0, seed: 1, for_ms: 1 };
/** In the middle of the jitter's range, so that the same story has the same times. */
const NO_CHANCE = 0.5;

export interface RehearsalEngine {
  readonly engine: Engine;
  readonly machine: Machine;
  readonly operator: Operator;
  readonly flags: FlagBoard;
}

/** The object graph of the service (src/graph.ts), with a world of data in place of the outside. */
export function buildRehearsalEngine(
  options: RehearsalOptions,
  world: InnerWorld,
  clock: Clock,
  store: Store,
): RehearsalEngine {
  const { metrics, tracer } = options.parts;
  const ids = options.parts.ids(clock);
  const base = { store, clock, ids, metrics, log: MUTE_LOG, tracer };
  const actions = standIns(options.actions, world);
  const rulebook = withoutDraws(
    createRulebook({
      ...base,
      catalogueOf: catalogueFor(actions),
      files: { read: async () => ({ rules: options.rules, policy: options.policy }) },
    }),
  );
  function policy(): RuleSet['policy'] | undefined {
    return rulebook.current()?.policy;
  }
  const operator = createOperator(base, options.mode);
  const flags = createFlags({ ...base, declared: () => policy()?.flags ?? {} });
  const budget = createBudget(base);
  const watchdog = createWatchdog(clock, policy);
  const watch = createWatch({
    ...base,
    peers: world.sky.peers,
    prometheus: { configured: false, firing: async () => [] },
    receivers: () => policy()?.alertmanager.receivers ?? [],
    missing: () => watchdog.missing(),
  });
  const engine: Engine = {
    ...base,
    random: () => NO_CHANCE,
    rulebook,
    operator,
    actions,
    clients: clientsOf(world, flags, policy),
    backends: new Map([[flagsBackend.name, flagsBackend]]),
    prometheus: world.prometheus,
    probes: world.probes,
    breakers: createBreakers(base),
    places: createPlaces(clock),
    chaos: createChaos(base, NO_CHAOS),
    watch,
    watchdog,
    budget: () => budget.current(),
    priorities: NO_PRIORITIES,
  };
  const machine = buildMachine(engine, {
    version: 'rehearsal',
    worker_id: 'rehearsal',
    operator,
    budget,
    priorities: NO_PRIORITIES,
    watch,
    components: [],
    process: { rss_bytes: () => 0, heap_used_bytes: () => 0 },
    diskFree: async () => null,
  });
  return { engine, machine, operator, flags };
}

/** What a stand-in does not touch is not there. */
function clientsOf(
  world: InnerWorld,
  flags: ActionClients['flags'],
  policy: () => RuleSet['policy'] | undefined,
): ActionClients {
  return {
    docker: notHere,
    kubernetes: notHere,
    postgres: notHere,
    commands: { run: notHere },
    flags,
    silences: world.sky.silences,
    allowed: createAllowed(policy),
    notifiers: {
      has: (name) => name === 'log' || Object.hasOwn(policy()?.notifiers ?? {}, name),
      async send(name, message) {
        world.send(name, message);
        return {};
      },
    },
  };
}

function notHere(): Promise<never> {
  return Promise.reject(
    new ActionError('not_configured', 'a rehearsal touches nothing real', { retryable: false }),
  );
}
