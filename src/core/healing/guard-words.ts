/**
 * The words of DESIGN §7 that this version enforces, in the order the guards run. One word is the
 * same in log, audit, metric and API.
 */
export const GUARD_WORDS = [
  'paused',
  'stale',
  'resolved',
  'not_opted_in',
  'busy',
  'leased',
  'cooldown',
  'limit',
  'breaker_open',
  'dry_run',
] as const;
export type GuardWord = (typeof GUARD_WORDS)[number];

/** A guard's answer. `retry_at`: ms since the epoch when it may have lifted; the engine looks again then. */
export type Verdict =
  | { readonly kind: 'allow' }
  | {
      readonly kind: 'wait';
      readonly reason: GuardWord;
      readonly retry_at: number;
      readonly detail: string;
    }
  | { readonly kind: 'refuse'; readonly reason: GuardWord; readonly detail: string };

export const ALLOW: Verdict = { kind: 'allow' };
