import type { ActionClients, AnyAction } from '../action.ts';
import { type AuditDraft, auditEntry } from '../core/audit/audit.ts';
import type {
  Backend,
  Clock,
  Ids,
  Log,
  Metrics,
  Probes,
  PromQuery,
  Random,
  Tracer,
} from '../ports.ts';
import type { Change, Store } from '../store.ts';
import type { Operator, Rulebook } from './api.ts';
import type { BudgetFact } from '../core/healing/guard-facts.ts';
import type { Breakers } from './breakers.ts';
import type { Places } from './places.ts';
import type { Priorities } from './priorities.ts';
import type { Watch } from './watch.ts';
import type { Watchdog } from './watchdog.ts';
import type { Chaos } from './chaos.ts';

/** What the engine works with; built once in src/app.ts and passed on, never reached for. */
export interface Engine {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  readonly rulebook: Rulebook;
  readonly operator: Operator;
  readonly actions: ReadonlyMap<string, AnyAction>;
  readonly clients: ActionClients;
  readonly backends: ReadonlyMap<string, Backend>;
  readonly prometheus: PromQuery;
  readonly probes: Probes;
  readonly breakers: Breakers;
  readonly places: Places;
  readonly chaos: Chaos;
  /** What can be seen of the world beside the webhook. */
  readonly watch: Pick<Watch, 'configured' | 'recheck' | 'blind'>;
  readonly watchdog: Watchdog;
  /** Autoheal's own error budget, as it was last counted. */
  readonly budget: () => Omit<BudgetFact, 'enforce'>;
  /** How urgent an alert is, by the burn rate of what it is about. */
  readonly priorities: Pick<Priorities, 'of'>;
}

/** The change that keeps an audit entry, stamped now. */
export function auditChange(
  engine: { readonly ids: Ids; readonly clock: Clock },
  draft: AuditDraft,
): Change {
  return { kind: 'audit', entry: auditEntry(engine.ids.next(), engine.clock.now(), draft) };
}
