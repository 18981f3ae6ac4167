import { judgeDelivery } from '../core/alerts/judge.ts';
import { AutohealError } from '../core/errors.ts';
import type { Clock, Ids, Log, Metrics, Tracer } from '../ports.ts';
import type { NewDelivery, Store } from '../store.ts';
import { redactBody } from '../core/alerts/redact.ts';
import type { Accepted, Intake, Post, Rulebook } from './api.ts';
import { createSparing } from './sparing.ts';
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
  readonly rulebook: Pick<Rulebook, 'redaction'>;
  /** Deliveries that wait for the drain. */
  readonly pending: () => number;
  /** A delivery is on disk. */
  readonly stored: () => void;
}

interface Parts extends IntakeDeps {
  /** Senders try again and again while the database is away: not each of them is a line. */
  readonly sparing: (key: string) => number | undefined;
}

/** Accepted = on disk: the raw body in one synced transaction, before the answer (DESIGN §3). */
export function createIntake(given: IntakeDeps): Intake {
  const deps = { ...given, sparing: createSparing(given.clock) };
  return {
    accept(post: Post): Promise<Accepted> {
      const id = deps.ids.next();
      return deps.tracer.enabled
        ? acceptTraced(deps, post, id)
        : accept(deps, post, id, post.trace_id);
    },
  };
}

function acceptTraced(deps: Parts, post: Post, id: string): Promise<Accepted> {
  const trace_id = webhookTrace(deps, post, id);
  return deps.tracer.span(webhookSpan(post, trace_id, id), async (span) => {
    const accepted = await accept(deps, post, id, trace_id);
    const { alerts, unusable, drill } = accepted;
    span.set({
      'autoheal.alerts': alerts,
      'autoheal.unusable': unusable.length,
      'autoheal.drill': drill,
    });
    return accepted;
  });
}

async function accept(
  deps: Parts,
  post: Post,
  id: string,
  trace_id: string | null,
): Promise<Accepted> {
  const judged = judgeDelivery(post.body);
  if (!judged.ok) throw new AutohealError(judged.code, judged.detail);
  if (deps.pending() >= PENDING_MAX)
    throw new AutohealError('overloaded', `${PENDING_MAX} deliveries wait already`);
  const { source } = post;
  const body = redactBody(post.body, deps.rulebook.redaction());
  const delivery = { id, received_at: deps.clock.now(), source, trace_id, body };
  try {
    await keep(deps, delivery);
  } catch (error) {
    const left_out = deps.sparing(String(error));
    if (left_out !== undefined)
      deps.log.error({ err: error, trace_id, left_out }, 'a delivery could not be stored');
    throw new AutohealError('not_stored', 'the database did not take it');
  }
  deps.stored();
  const { alerts, unusable, drill } = judged;
  return { delivery: id, alerts, unusable, drill };
}

function keep({ store, tracer }: IntakeDeps, delivery: NewDelivery): Promise<void> {
  const changes = [{ kind: 'delivery_add', delivery }] as const;
  if (!tracer.enabled) return store.commit(changes);
  return tracer.span({ name: 'commit' }, () => store.commit(changes));
}
