/**
 * The words of DESIGN §7, in the order the guards run. One word is the same in log, audit, metric
 * and API.
 */
export const GUARD_WORDS = [
  'paused',
  'held',
  'stale',
  'resolved',
  'silenced',
  'blind',
  'precondition',
  'not_during',
  'not_opted_in',
  'busy',
  'leased',
  'cooldown',
  'limit',
  'quarantined',
  'min_healthy',
  'blast_radius',
  'common_cause',
  'budget',
  'breaker_open',
  'approval',
  'dry_run',
] as const;
export type GuardWord = (typeof GUARD_WORDS)[number];

/**
 * A guard's answer. `retry_at`: ms since the epoch when it may have lifted; the engine looks again then.
 * `ask`: a person has to grant the plan first. An `allow` with a `detail` reports without stopping.
 */
export type Verdict =
  | { readonly kind: 'allow'; readonly detail?: string }
  | {
      readonly kind: 'wait';
      readonly reason: GuardWord;
      readonly retry_at: number;
      readonly detail: string;
    }
  | { readonly kind: 'ask'; readonly reason: GuardWord; readonly detail: string }
  | {
      readonly kind: 'refuse';
      readonly reason: GuardWord;
      readonly detail: string;
      /** A human is told: nobody else will see that nothing was done. */
      readonly tell?: true;
    };

export const ALLOW: Verdict = { kind: 'allow' };

/** Where nothing says when it lifts, the engine looks again after this; events wake it sooner. */
export const RECHECK_MS = 15_000;

export function wait(reason: GuardWord, retry_at: number, detail: string): Verdict {
  return { kind: 'wait', reason, retry_at, detail };
}

export function refuse(reason: GuardWord, detail: string): Verdict {
  return { kind: 'refuse', reason, detail };
}

/** Refused, and not quietly. */
export function refuseLoudly(reason: GuardWord, detail: string): Verdict {
  return { kind: 'refuse', reason, detail, tell: true };
}

/** Allowed, and said nevertheless: what only reports. */
export function report(detail: string): Verdict {
  return { kind: 'allow', detail };
}

export function seconds(ms: number): string {
  return `${Math.round(ms / 1000)}s`;
}
