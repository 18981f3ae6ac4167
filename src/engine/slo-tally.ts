import {
  addBeats,
  type Beats,
  EVENT_SLOS,
  isGoodAuditWrite,
  isGoodDelivery,
  isGoodStep,
  MINUTE_MS,
  type MinuteCount,
} from '../core/slo/ledger.ts';
import type { Clock, Metrics } from '../ports.ts';
import type { SloAdd } from '../store-slo.ts';

/**
 * Minutes kept while the database takes none: a week. Later ones are not counted any more; a service that could not
 * write for so long has told of it otherwise.
 */
const MINUTES_MAX = 7 * 24 * 60;

/** Events and heartbeats that are not on disk yet. */
export interface SloTally {
  /** Without taking it away. */
  waiting(): SloAdd;
  /** What was counted since the last time; the caller has it now. */
  take(): SloAdd;
  /** It could not be kept after all. */
  giveBack(add: SloAdd): void;
}
interface Counting extends SloTally {
  beat(): void;
  event(slo: number, drill: boolean, good: boolean | undefined): void;
}

/** Good and all, by SLO and drill: two numbers each. */
const WIDTH = EVENT_SLOS.length * 4;
const [WEBHOOK, STEP, AUDIT] = [0, 1, 2];

function createCounting(clock: Pick<Clock, 'now'>): Counting {
  let minutes = new Map<number, number[]>();
  let beats: readonly Beats[] = [];
  let current: number[] | undefined;
  let current_at = -1;

  /** Of the minute; one comparison in all but the first event of a minute. */
  function row(at: number): number[] | undefined {
    if (at === current_at) return current;
    const known = minutes.get(at);
    if (known === undefined && minutes.size >= MINUTES_MAX) return undefined;
    const found = known ?? Array.from({ length: WIDTH }, () => 0);
    minutes.set(at, found);
    current_at = at;
    current = found;
    return found;
  }

  function add(counts: readonly MinuteCount[]): void {
    for (const { at, slo, drill, good, total } of counts) {
      const found = row(at);
      if (found === undefined) continue;
      const place = EVENT_SLOS.indexOf(slo) * 4 + (drill ? 2 : 0);
      found[place] = (found[place] ?? 0) + good;
      found[place + 1] = (found[place + 1] ?? 0) + total;
    }
  }

  function waiting(): SloAdd {
    return { counts: [...minutes].flatMap(([at, numbers]) => countsOf(at, numbers)), beats };
  }

  return {
    beat() {
      const at = clock.now();
      beats = addBeats(beats, { from: at, to: at });
    },
    event(slo, drill, good) {
      if (good === undefined) return;
      const now = clock.now();
      const found = row(now - (now % MINUTE_MS));
      if (found === undefined) return;
      const place = slo * 4 + (drill ? 2 : 0);
      if (good) found[place] = (found[place] ?? 0) + 1;
      found[place + 1] = (found[place + 1] ?? 0) + 1;
    },
    waiting,
    take() {
      const taken = waiting();
      minutes = new Map();
      beats = [];
      current_at = -1;
      return taken;
    },
    giveBack({ counts, beats: before }) {
      add(counts);
      let all: readonly Beats[] = [];
      for (const stretch of [...before, ...beats]) all = addBeats(all, stretch);
      beats = all;
    },
  };
}

function countsOf(at: number, numbers: readonly number[]): readonly MinuteCount[] {
  return EVENT_SLOS.flatMap((slo, index) =>
    [false, true].flatMap((drill) => {
      const place = index * 4 + (drill ? 2 : 0);
      const [good = 0, total = 0] = numbers.slice(place, place + 2);
      return total === 0 ? [] : [{ at, slo, drill, good, total }];
    }),
  );
}

/**
 * The metrics, counted for the objectives too: one call feeds both, so the two can never tell a different story. Costs
 * a comparison and two additions.
 */
export function tallied<M extends Metrics>(
  metrics: M,
  clock: Pick<Clock, 'now'>,
): { readonly metrics: M; readonly tally: SloTally } {
  const tally = createCounting(clock);
  const counted: Metrics = {
    ...metrics,
    heartbeat() {
      tally.beat();
      metrics.heartbeat();
    },
    webhook(outcome, seconds, drill) {
      tally.event(WEBHOOK, drill, isGoodDelivery(outcome, seconds));
      metrics.webhook(outcome, seconds, drill);
    },
    remediation(action, outcome, drill) {
      tally.event(STEP, drill, isGoodStep(outcome));
      metrics.remediation(action, outcome, drill);
    },
    auditWrite(result, seconds, rows) {
      // One commit can hold live and drill entries: it counts as live.
      tally.event(AUDIT, false, isGoodAuditWrite(result, seconds));
      metrics.auditWrite(result, seconds, rows);
    },
  };
  return { metrics: { ...metrics, ...counted }, tally };
}
