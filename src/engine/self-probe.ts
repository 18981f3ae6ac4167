import { judgeDelivery } from '../core/alerts/judge.ts';
import { AutohealError } from '../core/errors.ts';
import { formatDuration } from '../core/duration.ts';
import { isoTime } from '../core/time.ts';
import type {
  Clock,
  Component,
  ComponentStatus,
  Log,
  SelfProbeMetrics,
  SelfProbeResult,
} from '../ports.ts';
import type { Store } from '../store.ts';
import { PENDING_MAX } from './intake.ts';
import { createSparing } from './sparing.ts';

/** What is kept of a probe: one row, written again each time. */
export const SELF_PROBE_KEY = 'self_probe';

export interface ProbeAnswer {
  readonly result: SelfProbeResult;
  /** Why it is not `ok`, in words. */
  readonly detail: string;
}
/** One delivery over a socket of its own. Never rejects; ends soon after the signal does. */
export type ProbeSend = (body: Uint8Array, signal: AbortSignal) => Promise<ProbeAnswer>;

/** Autoheal as its own client. */
export interface SelfProbe {
  readonly component: Component;
  /**
   * The far end: the delivery of the probe, behind the gate. What a delivery goes through, but instead of a delivery
   * one row is written: nothing to drain, to list or to audit. @throws AutohealError as `Intake.accept`.
   */
  take(body: Uint8Array): Promise<void>;
  /** Once it listens. `send`: a string says why it cannot be. */
  start(send: ProbeSend | string): void;
  /** No further probe; the one under way is given up. */
  stop(): Promise<void>;
}

interface SelfProbeDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: SelfProbeMetrics;
  readonly store: Pick<Store, 'commit'>;
  /** Null: it is turned off. */
  readonly every_ms: number | null;
  /** Deliveries that wait for the drain. */
  readonly pending: () => number;
}

/** Posts a delivery to its own listener, over and over: does what a sender needs work, from the socket to the disk? */
export function createSelfProbe(deps: SelfProbeDeps): SelfProbe {
  const { clock, every_ms } = deps;
  const stopping = new AbortController();
  const note = createNote(deps);
  let status: ComponentStatus = { status: 'off', detail: 'it does not listen yet' };
  let running: Promise<void> = Promise.resolve();

  async function run(send: ProbeSend, pause_ms: number): Promise<void> {
    for (;;) {
      await clock.sleep(pause_ms, stopping.signal).catch(() => undefined);
      if (stopping.signal.aborted) return;
      const began_at = clock.now();
      const answer = await send(bodyOf(began_at), stopping.signal);
      if (stopping.signal.aborted) return;
      status = note(answer, clock.now() - began_at);
    }
  }

  return {
    component: { name: 'self_probe', status: async () => status },
    take: (body) => take(deps, body),
    start(send) {
      if (every_ms === null) status = { status: 'off', detail: 'AUTOHEAL_SELF_PROBE is off' };
      else if (typeof send === 'string') status = { status: 'degraded', detail: send };
      else {
        status = { status: 'ok', detail: `the first one comes in ${formatDuration(every_ms)}` };
        running = run(send, every_ms);
      }
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Counts an answer and says what it means; at most one line a minute. */
function createNote({ log, metrics, clock }: SelfProbeDeps) {
  const sparing = createSparing(clock);
  return ({ result, detail }: ProbeAnswer, took_ms: number): ComponentStatus => {
    metrics.selfProbe(result, took_ms / 1_000);
    if (result === 'ok') return { status: 'ok', detail: `a delivery to itself took ${took_ms} ms` };
    const left_out = sparing('failed');
    if (left_out !== undefined)
      log.warn({ result, why: detail, left_out }, 'autoheal could not deliver to itself');
    return { status: 'degraded', detail: `a delivery to itself failed (${result}): ${detail}` };
  };
}

async function take({ store, clock, pending }: SelfProbeDeps, body: Uint8Array): Promise<void> {
  const judged = judgeDelivery(body);
  if (!judged.ok) throw new AutohealError(judged.code, judged.detail);
  if (pending() >= PENDING_MAX)
    throw new AutohealError('overloaded', `${PENDING_MAX} deliveries wait already`);
  try {
    const value = { at: isoTime(clock.now()) };
    await store.commit([{ kind: 'setting_put', key: SELF_PROBE_KEY, value }]);
  } catch {
    // Why, is in the log of those who write for people.
    throw new AutohealError('not_stored', 'the database did not take it');
  }
}

/** What Alertmanager would send of one alert. */
function bodyOf(at: number): Uint8Array {
  const alert = {
    status: 'firing',
    labels: { alertname: 'AutohealSelfProbe', service: 'autoheal' },
    annotations: {},
    startsAt: isoTime(at),
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: '',
    fingerprint: '',
  };
  const body = { version: '4', status: 'firing', receiver: 'self-probe', alerts: [alert] };
  return new TextEncoder().encode(JSON.stringify(body));
}
