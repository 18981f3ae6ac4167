import type { Metrics } from '../ports.ts';
import { gauge } from './metrics-series.ts';
import type { Registry } from './prom-client.ts';

export type SteeringMetrics = Pick<Metrics, 'budgetSpent' | 'burnsRead'>;

/** What steers healing by error budgets: autoheal's own, and those of the services. */
export function steeringMetrics(registry: Registry): SteeringMetrics {
  const spent = gauge(
    registry,
    'autoheal_error_budget_spent',
    "1 while autoheal's own steps fail so often that its error budget counts as spent: with budget.enforce in the policy every plan then asks for an approval",
  );
  const read = gauge(
    registry,
    'autoheal_burn_rates_read_timestamp_seconds',
    'When the burn rates that give priorities were last read; 0: never, or the policy has no priority',
  );
  return {
    budgetSpent: (is_spent) => spent.set(is_spent ? 1 : 0),
    burnsRead: (at) => read.set(at / 1_000),
  };
}
