import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type AnyAction, ActionError } from '../../src/action.ts';
import { createIds } from '../../src/adapters/ids.ts';
import { createMetrics } from '../../src/adapters/metrics.ts';
import { createProbes } from '../../src/adapters/probes.ts';
import { openSqliteStore } from '../../src/adapters/store/open.ts';
import { NO_TRACER } from '../../src/adapters/tracing.ts';
import { createBreakers } from '../../src/engine/breakers.ts';
import { createBudget } from '../../src/engine/budget.ts';
import { createChaos } from '../../src/engine/chaos.ts';
import type { Engine } from '../../src/engine/deps.ts';
import { createFlags } from '../../src/engine/flags.ts';
import { createOperator } from '../../src/engine/operator.ts';
import { createPlaces } from '../../src/engine/places.ts';
import { createPriorities } from '../../src/engine/priorities.ts';
import { catalogueFor, createRulebook } from '../../src/engine/rulebook.ts';
import type { Watch } from '../../src/engine/watch.ts';
import { createWatchdog } from '../../src/engine/watchdog.ts';
import type { Clock, Log } from '../../src/ports.ts';
import type { Store } from '../../src/store.ts';
import { NO_CLIENTS, worldActions } from '../fakes/world.ts';
import type { Rig, RigOptions } from './rig.ts';

/** The engine of a rig: everything real but the outside world, the clock and what can be seen. */

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export async function buildEngine(
  options: RigOptions,
  rig: Pick<Rig, 'sent' | 'promql' | 'burns' | 'hooks' | 'notifier_failures'> & {
    readonly watch: Watch;
  },
  files: { rules: RigOptions['rules'] },
  dir: string,
  clock: Clock,
) {
  const actions: ReadonlyMap<string, AnyAction> = new Map(
    (options.actions ?? worldActions(options.world)).map((action) => [action.id, action]),
  );
  const ids = createIds(clock);
  const metrics = createMetrics({
    version: 'test',
    actions: [...actions.keys()],
    backends: ['world'],
    scrape: () => Promise.reject(new Error('not scraped')),
  });
  const opened = await openSqliteStore({ path: join(dir, 'autoheal.db'), metrics, clock });
  const { store, commits } = counted(options.around?.(opened) ?? opened, rig.hooks);
  const base = { store, clock, ids, metrics, log: SILENT, tracer: options.tracer ?? NO_TRACER };
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
  const budget = createBudget(base);
  const priorities = createPriorities({
    ...base,
    policy: () => rulebook.current()?.policy,
    prometheus: {
      async samples(expr) {
        const samples = rig.burns.get(expr);
        if (samples === undefined)
          throw new ActionError('unavailable', 'no answer', { retryable: true });
        return Object.entries(samples).map(([service, value]) => ({ labels: { service }, value }));
      },
    },
  });
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
    places: createPlaces(clock),
    chaos: createChaos(base, options.chaos ?? { rate_pct: 0, seed: 1, for_ms: 1 }),
    watch: rig.watch,
    watchdog: createWatchdog(clock, () => rulebook.current()?.policy),
    budget: () => budget.current(),
    priorities,
  };
  return { engine, operator, budget, priorities, commits };
}

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
