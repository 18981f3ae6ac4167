import { readDelivery } from '../../core/alerts/alert.ts';
import { fingerprintOf } from '../../core/alerts/fingerprint.ts';
import { isFields, siftDelivery, type UsableAlert } from '../../core/alerts/judge.ts';
import { matchRules } from '../../core/rules/match.ts';
import type { RuleSet } from '../../core/rules/rule.ts';
import { WATCHDOG } from '../../engine/decide.ts';

/** A delivery as it was recorded. */
export interface RecordedDelivery {
  /** Ms since the epoch. */
  readonly at: number;
  readonly source: string;
  readonly body: Uint8Array;
}
export interface FilterCounts {
  readonly deliveries: number;
  /** Alerts that can be used, each time they came. */
  readonly alerts: number;
  /** Of them, those that reach the engine. */
  readonly mapped: number;
  /** Deliveries of which nothing can be used, as the webhook would answer them. */
  readonly unusable: number;
}
export interface Filter {
  /** What of it the engine has to see; undefined: nothing. */
  sift(delivery: RecordedDelivery): RecordedDelivery | undefined;
  readonly counts: FilterCounts;
}

/** Label sets whose verdict is remembered. */
const KNOWN_MAX = 200_000;
const UTF8 = new TextEncoder();

/**
 * Leaves out alerts that no rule of any set matches: they decide nothing, and most of a month are such. An alert
 * whose fingerprint is not that of its labels stays, because its next one may have others; and all stay where a
 * policy enforces harm detection, which looks at every alert.
 */
export function createFilter(sets: readonly RuleSet[]): Filter {
  const all = sets.some(({ policy }) => policy.harm.enforce);
  const watchdog = sets.some(({ policy }) => policy.watchdog !== null);
  const known = new Map<string, boolean>();
  const counts = { deliveries: 0, alerts: 0, mapped: 0, unusable: 0 };

  function wanted(alert: UsableAlert): boolean {
    const sent = alert.fields['fingerprint'];
    const key = `${typeof sent === 'string' ? sent : ''} ${JSON.stringify(alert.labels)}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    if (known.size >= KNOWN_MAX) known.clear();
    const found = judge(alert);
    known.set(key, found);
    return found;
  }

  /** By the code that the drain reads by and matches by. */
  function judge({ fields, status }: UsableAlert): boolean {
    // All that its identity and its rules depend on; annotations are most of its bytes.
    const { labels, fingerprint } = fields;
    const body = UTF8.encode(JSON.stringify({ alerts: [{ labels, fingerprint, status }] }));
    const read = readDelivery(body);
    const [alert] = read.ok ? read.delivery.alerts : [];
    if (alert === undefined) return true;
    if (alert.fingerprint !== fingerprintOf(alert.labels)) return true;
    if (watchdog && alert.alertname === WATCHDOG) return true;
    return sets.some(({ rules }) => matchRules(rules, alert.labels).chosen.length > 0);
  }

  return {
    counts,
    sift(delivery) {
      counts.deliveries += 1;
      const sifted = siftDelivery(delivery.body);
      if (!sifted.ok) {
        counts.unusable += 1;
        return undefined;
      }
      const { usable, top } = sifted;
      counts.alerts += usable.length;
      const kept = all ? usable : usable.filter(wanted);
      counts.mapped += kept.length;
      if (kept.length === 0) return undefined;
      if (kept.length === usable.length) return delivery;
      return { ...delivery, body: rebuilt(top, kept) };
    },
  };
}

/** The same body with these alerts only; what else it says stays. */
function rebuilt(top: unknown, kept: readonly UsableAlert[]): Uint8Array {
  const head = isFields(top) ? top : {};
  return UTF8.encode(JSON.stringify({ ...head, alerts: kept.map(({ fields }) => fields) }));
}
