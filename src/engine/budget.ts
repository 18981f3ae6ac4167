import { burnRate } from '../core/slo.ts';
import { SLOS } from '../core/slo-table.ts';
import { stepOutcomes } from '../core/slo-steps.ts';
import type { BudgetFact } from '../core/healing/guard-facts.ts';
import type { Clock, Log, Metrics } from '../ports.ts';
import type { Store } from '../store.ts';

/** As the alert AutohealFailureRateBurnFast: at this rate an hour spends 2 % of a month's budget. */
export const BURN_MAX = 14.4;
const WINDOW_MS = 3_600_000;
/** Fewer failures than this are no trend, whatever share of few steps they are. */
export const BAD_MIN = 3;
const COUNT_EVERY_MS = 30_000;
/** Newest step ends looked at; with more in an hour the newest say enough. */
const ENTRIES_MAX = 1_000;

export interface Budget {
  /** As it was last counted. */
  current(): Omit<BudgetFact, 'enforce'>;
  /** Counts anew when the last count has grown old. */
  tick(): Promise<void>;
}

/**
 * Autoheal's own error budget, from the audit log: the share of its steps that failed within the hour,
 * over the share that the objective `action_success` allows. It is spent while it burns faster than a
 * page would tell; drills do not count, failures injected on purpose do.
 */
export function createBudget({
  store,
  clock,
  metrics,
  log,
}: {
  readonly store: Store;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'budgetSpent'>;
  readonly log: Log;
}): Budget {
  const allowed = SLOS.find(({ slo }) => slo === 'action_success')?.budget ?? 1;
  let counted_at = Number.NEGATIVE_INFINITY;
  let fact: Omit<BudgetFact, 'enforce'> = { spent: false, detail: 'not counted yet' };
  return {
    current: () => fact,
    async tick() {
      const now = clock.now();
      if (now - counted_at < COUNT_EVERY_MS) return;
      counted_at = now;
      const { items } = await store.audit({
        kind: ['action_ok', 'action_fail'],
        drill: false,
        since: now - WINDOW_MS,
        order: 'desc',
        limit: ENTRIES_MAX,
      });
      const { bad, total } = stepOutcomes(items);
      const burn = burnRate(bad, total, allowed) ?? 0;
      const spent = bad >= BAD_MIN && burn >= BURN_MAX;
      // Who asked a person only because of it need not wait for the answer any longer.
      if (fact.spent && !spent) await store.commit([{ kind: 'waiting_wake', reasons: ['budget'] }]);
      const detail = `${bad} of ${total} steps failed within the hour: the error budget burns ${burn.toFixed(1)} times as fast as it may`;
      metrics.budgetSpent(spent);
      if (spent && !fact.spent)
        log.warn({ detail }, 'the error budget of autoheal itself is spent');
      fact = { spent, detail };
    },
  };
}
