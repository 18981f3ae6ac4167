import { ActionError } from '../action.ts';
import {
  type Burns,
  burnText,
  NOT_URGENT,
  priorityOf,
  RAISE_STEP,
  type Urgency,
  urgencyOf,
} from '../core/healing/priority.ts';
import type { Labels } from '../core/json.ts';
import type { PriorityPolicy } from '../core/rules/rule.ts';
import type { Clock, Ids, Log, Metrics, PromSample, PromSamples } from '../ports.ts';
import type { Store } from '../store.ts';
import { auditChange } from './deps.ts';

/** Values of the label that are kept, those that burn most. */
export const VALUES_MAX = 1_000;
/** A burn rate that is older than so many of its own rhythms is no burn rate any more. */
const STALE_ROUNDS = 3;
const ASK_TIMEOUT_MS = 3_000;
/** Remediations whose raise the audit log names; the others are counted in it. */
const RAISED_SAID_MAX = 100;

export interface Priorities {
  /** How urgent an alert with these labels is, by the burn rates as they were last read. */
  of(labels: Labels): Urgency;
  /** Asks Prometheus when it is time to, without waiting for its answer: the heartbeat must not. */
  tick(): Promise<void>;
  /** For people: what steers, and whether it does. */
  view(): PrioritiesView;
  /** Resolves when nothing is asked any more. */
  stop(): Promise<void>;
}
export interface PrioritiesView {
  readonly enabled: boolean;
  /** When the burn rates were read, ms since the epoch; null: never. */
  readonly read_at: number | null;
  /** Whose burn rates are within their age; 0 with `enabled`: nothing gets a priority now. */
  readonly services: number;
  /** Why there are none; null: all is well. */
  readonly problem: string | null;
}
interface Parts {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'burnsRead'>;
  readonly prometheus: PromSamples;
  readonly policy: () => { readonly priority: PriorityPolicy | null } | undefined;
}

/** Where no burn rates are asked for: rehearsals. */
export const NO_PRIORITIES: Priorities = {
  of: () => NOT_URGENT,
  tick: async () => undefined,
  view: () => ({ enabled: false, read_at: null, services: 0, problem: null }),
  stop: async () => undefined,
};

/**
 * Burn rates from Prometheus, kept in memory: a restart, or a Prometheus that is away, leaves everything in the
 * order of its arrival. Raises what waits when its burn rate rises; lowers nothing, because a burn rate that falls
 * while a remediation waits was its own.
 */
export function createPriorities(parts: Parts): Priorities {
  const { clock, log } = parts;
  let asked_at = Number.NEGATIVE_INFINITY;
  let read: { readonly at: number; readonly promql: string; readonly burns: Burns } | undefined;
  let problem: string | null = 'not asked yet';
  let under_way: Promise<void> | undefined;
  const stopping = new AbortController();

  function policy(): PriorityPolicy | null {
    return parts.policy()?.priority ?? null;
  }
  /** Those of the policy in force, unless they have grown old. */
  function fresh(wanted: PriorityPolicy): Burns | undefined {
    if (read === undefined || read.promql !== wanted.promql) return undefined;
    return clock.now() - read.at <= wanted.every_ms * STALE_ROUNDS ? read.burns : undefined;
  }

  async function ask(wanted: PriorityPolicy): Promise<void> {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]);
    try {
      const samples = await parts.prometheus.samples(wanted.promql, signal);
      const burns = burnsOf(samples, wanted.label);
      read = { at: clock.now(), promql: wanted.promql, burns };
      parts.metrics.burnsRead(clock.now());
      problem = burns.by_value.size > 0 ? null : `no sample has the label ${wanted.label}`;
      await raise(burns, parts);
    } catch (error) {
      if (stopping.signal.aborted) return;
      const why = error instanceof ActionError ? `${error.code}: ${error.message}` : String(error);
      // Once for each kind of trouble, not for each time it is asked.
      if (problem !== why) log.warn({ err: error }, 'burn rates for priorities could not be read');
      problem = why;
    }
  }

  return {
    of(labels) {
      const wanted = policy();
      return wanted === null ? NOT_URGENT : urgencyOf(labels, wanted.label, fresh(wanted));
    },
    async tick() {
      const wanted = policy();
      if (wanted === null || under_way !== undefined) return;
      const now = clock.now();
      if (now - asked_at < wanted.every_ms) return;
      asked_at = now;
      under_way = ask(wanted).finally(() => {
        under_way = undefined;
      });
    },
    view() {
      const wanted = policy();
      if (wanted === null) return NO_PRIORITIES.view();
      const services = fresh(wanted)?.by_value.size ?? 0;
      return { enabled: true, read_at: read?.at ?? null, services, problem };
    },
    async stop() {
      stopping.abort();
      await under_way;
    },
  };
}

/** By value of the label: the highest, where there are several; those that burn most, where there are too many. */
function burnsOf(samples: readonly PromSample[], label: string): Burns {
  const highest = new Map<string, number>();
  for (const { labels, value } of samples) {
    const name = Object.hasOwn(labels, label) ? labels[label] : undefined;
    if (name === undefined || name === '' || !Number.isFinite(value)) continue;
    highest.set(name, Math.max(value, highest.get(name) ?? Number.NEGATIVE_INFINITY));
  }
  if (highest.size <= VALUES_MAX) return { label, by_value: highest };
  const most = [...highest].toSorted(([, a], [, b]) => b - a).slice(0, VALUES_MAX);
  return { label, by_value: new Map(most) };
}

/** Raises what waits behind its burn rate by now; each value is one commit with its entry. */
async function raise({ label, by_value }: Burns, parts: Parts): Promise<void> {
  for (const [value, burn] of by_value) {
    const of = `${label}=${value}`;
    const priority = priorityOf(burn);
    if (priority === 0) continue;
    const below = Math.max(1, priority - RAISE_STEP + 1);
    const ids = await parts.store.belowPriority(of, below, RAISED_SAID_MAX + 1);
    if (ids.length === 0) continue;
    const detail = {
      priority,
      priority_why: `${value} burns ${burnText(burn)}`,
      remediations: ids.slice(0, RAISED_SAID_MAX),
      more: ids.length > RAISED_SAID_MAX,
    };
    await parts.store.commit([
      { kind: 'priority_raise', of, priority },
      auditChange(parts, { kind: 'decision_run', result: 'raised', detail }),
    ]);
  }
}
