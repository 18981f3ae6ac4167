import { readDelivery } from '../core/alerts/alert.ts';
import { AutohealError } from '../core/errors.ts';
import type { Clock, Ids, Log, Metrics } from '../ports.ts';
import type { Store } from '../store.ts';
import type { Accepted, Intake, Post } from './api.ts';

/** Deliveries accepted and not drained yet; beyond this the sender is told to send again. */
export const PENDING_MAX = 100_000;

interface IntakeDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Deliveries that wait for the drain. */
  readonly pending: () => number;
  /** A delivery is on disk. */
  readonly stored: () => void;
}

/** Accepted = on disk: the raw body in one synced transaction, before the answer (DESIGN §3). */
export function createIntake(deps: IntakeDeps): Intake {
  return {
    async accept(post: Post): Promise<Accepted> {
      const read = readDelivery(post.body);
      if (!read.ok) throw new AutohealError(read.code, read.detail);
      if (deps.pending() >= PENDING_MAX)
        throw new AutohealError('overloaded', `${PENDING_MAX} deliveries wait already`);
      const { alerts, unusable } = read.delivery;
      const id = deps.ids.next();
      const { source, trace_id, body } = post;
      const delivery = { id, received_at: deps.clock.now(), source, trace_id, body };
      try {
        await deps.store.commit([{ kind: 'delivery_add', delivery }]);
      } catch (error) {
        deps.log.error({ err: error }, 'a delivery could not be stored');
        throw new AutohealError('not_stored', 'the database did not take it');
      }
      deps.stored();
      const drill = alerts.length > 0 && alerts.every((alert) => alert.drill);
      return { delivery: id, alerts: alerts.length, unusable, drill };
    },
  };
}
