import { readDelivery } from '../core/alerts/alert.ts';
import { AutohealError } from '../core/errors.ts';
import type { Clock, Ids, Log, Metrics, Tracer } from '../ports.ts';
import type { NewDelivery, Store } from '../store.ts';
import type { Accepted, Intake, Post } from './api.ts';
import { webhookSpan, webhookTrace } from './spans.ts';

/** Deliveries accepted and not drained yet; beyond this the sender is told to send again. */
export const PENDING_MAX = 100_000;

interface IntakeDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  /** Deliveries that wait for the drain. */
  readonly pending: () => number;
  /** A delivery is on disk. */
  readonly stored: () => void;
}

/** Accepted = on disk: the raw body in one synced transaction, before the answer (DESIGN §3). */
export function createIntake(deps: IntakeDeps): Intake {
  return {
    accept(post: Post): Promise<Accepted> {
      const id = deps.ids.next();
      const trace_id = webhookTrace(deps, post, id);
      return deps.tracer.span(webhookSpan(post, trace_id, id), async (span) => {
        const accepted = await accept(deps, post, { id, trace_id });
        const { alerts, unusable, drill } = accepted;
        span.set({
          'autoheal.alerts': alerts,
          'autoheal.unusable': unusable.length,
          'autoheal.drill': drill,
        });
        return accepted;
      });
    },
  };
}

async function accept(
  deps: IntakeDeps,
  post: Post,
  known: { readonly id: string; readonly trace_id: string | null },
): Promise<Accepted> {
  const read = readDelivery(post.body);
  if (!read.ok) throw new AutohealError(read.code, read.detail);
  if (deps.pending() >= PENDING_MAX)
    throw new AutohealError('overloaded', `${PENDING_MAX} deliveries wait already`);
  const { alerts, unusable } = read.delivery;
  const { source, body } = post;
  await keep(deps, { ...known, received_at: deps.clock.now(), source, body });
  deps.stored();
  const drill = alerts.length > 0 && alerts.every((alert) => alert.drill);
  return { delivery: known.id, alerts: alerts.length, unusable, drill };
}

async function keep(deps: IntakeDeps, delivery: NewDelivery): Promise<void> {
  try {
    await deps.tracer.span({ name: 'commit' }, () =>
      deps.store.commit([{ kind: 'delivery_add', delivery }]),
    );
  } catch (error) {
    deps.log.error({ err: error, trace_id: delivery.trace_id }, 'a delivery could not be stored');
    throw new AutohealError('not_stored', 'the database did not take it');
  }
}
