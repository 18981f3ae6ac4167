import { isoTime } from '../core/time.ts';
import type { Clock, Component, ComponentStatus, Tracer } from '../ports.ts';
import type { Store } from '../store.ts';
import type { Operator, Reporter, Rulebook, StatusView } from './api.ts';
import type { Budget } from './budget.ts';
import type { Chaos } from './chaos.ts';
import type { Loop } from './loop.ts';
import type { Priorities } from './priorities.ts';

/** A part that does not answer within this is degraded. */
const COMPONENT_TIMEOUT_MS = 2_000;
/** The worker comes round at least every second; silent for this long, it hangs. */
const HUNG_MS = 30_000;

interface ReporterDeps {
  readonly version: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly operator: Operator;
  readonly rulebook: Rulebook;
  readonly chaos: Chaos;
  readonly budget: Pick<Budget, 'current'>;
  readonly priorities: Pick<Priorities, 'view'>;
  readonly worker: Loop;
  readonly tracer: Tracer;
  /** Docker, Kubernetes, Prometheus, ...: shown, never a reason to be unready. */
  readonly components: readonly Component[];
  readonly process: { readonly rss_bytes: () => number; readonly heap_used_bytes: () => number };
  /** Bytes left where the database is; null where there is no such thing. */
  readonly diskFree: () => Promise<number | null>;
  readonly started: () => boolean;
}

export function createReporter(deps: ReporterDeps): Reporter {
  const { clock } = deps;
  const began_at = clock.now();

  return {
    async status(): Promise<StatusView> {
      const found = await components(deps);
      const degraded = Object.values(found).some((part) => part.status === 'degraded');
      return {
        status: degraded ? 'degraded' : 'ok',
        version: deps.version,
        uptime_seconds: Math.floor((clock.now() - began_at) / 1000),
        mode: deps.operator.mode(),
        pause: deps.operator.paused() ?? null,
        chaos: chaosView(deps.chaos),
        otel: { enabled: deps.tracer.enabled },
        oidc: { enabled: false },
        rules: rulesView(deps.rulebook),
        budget: budgetView(deps),
        priority: priorityView(deps.priorities),
        components: found,
      };
    },
    async readiness() {
      const db = await database(deps.store);
      const reasons = [
        ...(db.status === 'ok' ? [] : [`database: ${db.detail}`]),
        ...(deps.rulebook.current() === undefined ? [`rules: ${rules(deps.rulebook).detail}`] : []),
        ...(deps.started() ? [] : ['starting']),
      ];
      return { ready: reasons.length === 0, reasons };
    },
    live() {
      const last = deps.worker.lastTurnAt();
      return clock.now() - Math.max(last, began_at) < HUNG_MS;
    },
    started: deps.started,
    async resources() {
      return {
        rss_bytes: deps.process.rss_bytes(),
        heap_used_bytes: deps.process.heap_used_bytes(),
        disk_free_bytes: await deps.diskFree(),
      };
    },
  };
}

async function bounded(part: Component, clock: Clock): Promise<ComponentStatus> {
  const timer = new AbortController();
  const late = clock.sleep(COMPONENT_TIMEOUT_MS, timer.signal).then(
    (): ComponentStatus => ({
      status: 'degraded',
      detail: `no answer within ${COMPONENT_TIMEOUT_MS} ms`,
    }),
  );
  late.catch(() => undefined);
  try {
    return await Promise.race([part.status(), late]);
  } finally {
    timer.abort();
  }
}

async function components(deps: ReporterDeps): Promise<Record<string, ComponentStatus>> {
  const named = await Promise.all(
    deps.components.map(async (part) => [part.name, await bounded(part, deps.clock)] as const),
  );
  return {
    database: await database(deps.store),
    rules: rules(deps.rulebook),
    ...Object.fromEntries(named),
  };
}

async function database(store: Store): Promise<ComponentStatus> {
  try {
    await store.ping();
    return { status: 'ok', detail: 'reads and writes' };
  } catch (error) {
    return { status: 'degraded', detail: error instanceof Error ? error.message : String(error) };
  }
}

function rules(rulebook: Rulebook): ComponentStatus {
  const set = rulebook.current();
  if (set === undefined)
    return { status: 'degraded', detail: 'no rules could be loaded; see the log' };
  if (rulebook.last()?.ok === false)
    return {
      status: 'degraded',
      detail: 'the last reload was rejected; the set before it is in force',
    };
  return { status: 'ok', detail: `${set.rules.length} rules` };
}

function rulesView(rulebook: Rulebook): StatusView['rules'] {
  const set = rulebook.current();
  if (set === undefined) return null;
  return {
    version: set.version,
    loaded: set.rules.length,
    enabled: set.rules.filter((rule) => rule.enabled).length,
    last_reload_ok: rulebook.last()?.ok ?? true,
  };
}

function chaosView(chaos: Chaos): StatusView['chaos'] {
  const { enabled, failure_rate_pct, ends_at } = chaos.view();
  return { enabled, failure_rate_pct, ends_at: ends_at === null ? null : isoTime(ends_at) };
}

function budgetView({
  budget,
  rulebook,
}: Pick<ReporterDeps, 'budget' | 'rulebook'>): StatusView['budget'] {
  const { spent, detail } = budget.current();
  return { spent, enforced: rulebook.current()?.policy.budget.enforce ?? false, detail };
}

function priorityView(priorities: Pick<Priorities, 'view'>): StatusView['priority'] {
  const { read_at, ...view } = priorities.view();
  return { ...view, read_at: read_at === null ? null : isoTime(read_at) };
}
