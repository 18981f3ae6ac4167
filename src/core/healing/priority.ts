import type { Labels } from '../json.ts';

/**
 * Which remediation gets a place first. Priority orders, it never skips a guard: what may not act now may
 * not act because its service burns either.
 */

/** Tenths of a burn rate. A service of 99.9 % that fails whole burns 1,000 times as fast as it may. */
export const PRIORITY_MAX = 10_000;
/** Below this burn rate a service keeps within its budget, and nothing of it is urgent. */
export const BURN_MIN = 1;
/** Raised in steps of one burn rate, in tenths: a rate that trembles writes nothing. */
export const RAISE_STEP = 10;
/** Due for so long and not looked at, it comes before everything urgent: nobody starves. */
export const STARVING_AFTER_MS = 5 * 60_000;

/** What a remediation gets from the error budget of what its alert is about. */
export interface Urgency {
  /** 0: none, to `PRIORITY_MAX`. */
  readonly priority: number;
  /** Whose burn rate it follows: `service=checkout`; null: nobody's. */
  readonly of: string | null;
  /** `checkout burns 22x`; null where there is nothing to say. */
  readonly why: string | null;
}
export const NOT_URGENT: Urgency = { priority: 0, of: null, why: null };

/** What the burn rates of all values of the label were, when they were last read. */
export interface Burns {
  readonly label: string;
  readonly by_value: ReadonlyMap<string, number>;
}

/** A burn rate as a priority: tenths, whole, at most `PRIORITY_MAX`; 0 for what is no number. */
export function priorityOf(burn: number): number {
  if (!(burn >= BURN_MIN)) return 0;
  return Math.min(PRIORITY_MAX, Math.round(burn * 10));
}

/** `burns` undefined: they could not be read lately, so nothing is known of anybody. */
export function urgencyOf(labels: Labels, label: string, burns: Burns | undefined): Urgency {
  const value = Object.hasOwn(labels, label) ? labels[label] : undefined;
  if (value === undefined || value === '') return NOT_URGENT;
  const of = `${label}=${value}`;
  const burn = burns?.label === label ? burns.by_value.get(value) : undefined;
  if (burn === undefined) return { priority: 0, of, why: null };
  return { priority: priorityOf(burn), of, why: `${value} burns ${burnText(burn)}` };
}

/** `22x`, `1.4x`. */
export function burnText(burn: number): string {
  return `${burn >= 10 ? burn.toFixed(0) : burn.toFixed(1)}x`;
}

export interface Queued {
  /** Absent: a lease, which has none. */
  readonly priority?: number;
  readonly next_at: number;
  readonly updated_at: number;
}

/** Due and not looked at for longer than `STARVING_AFTER_MS`. A wake makes due at once, so both times count. */
export function isStarving({ next_at, updated_at }: Queued, now: number): boolean {
  return Math.max(next_at, updated_at) <= now - STARVING_AFTER_MS;
}

/** Less than 0: `a` gets a place first. 0: whoever was there first. */
export function compareQueued(a: Queued, b: Queued, now: number): number {
  const [a_starves, b_starves] = [isStarving(a, now), isStarving(b, now)];
  if (a_starves !== b_starves) return a_starves ? -1 : 1;
  return (a_starves ? 0 : (b.priority ?? 0) - (a.priority ?? 0)) || byAge(a, b);
}

/** Whoever is due for longer; of those that were woken, whoever was not looked at for longer. */
function byAge(a: Queued, b: Queued): number {
  return a.next_at - b.next_at || a.updated_at - b.updated_at;
}
