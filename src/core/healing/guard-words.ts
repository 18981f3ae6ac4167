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

/** A guard's word for people; docs/reference/guards.md is made of these. */
export interface GuardText {
  /** What it answers where it does not allow. */
  readonly verdicts: readonly Exclude<Verdict['kind'], 'allow'>[];
  readonly means: string;
  /** When it allows again. */
  readonly lifts: string;
  /** What a person can do. */
  readonly advice: string;
}
export const GUARD_TEXTS: Readonly<Record<GuardWord, GuardText>> = {
  paused: {
    verdicts: ['wait'],
    means: 'An operator, or `AUTOHEAL_MODE=paused`, stopped healing of everything.',
    lifts: "Somebody resumes, or the pause's time is over.",
    advice: '`npx autoheal resume`, or `DELETE /api/v1/pause`.',
  },
  held: {
    verdicts: ['wait'],
    means: 'An operator holds this alert, rule or target, or acknowledged the alert.',
    lifts: 'The hold is ended, or its time is over.',
    advice: 'End it: `npx autoheal holds`, then `npx autoheal unhold ID`.',
  },
  stale: {
    verdicts: ['refuse'],
    means: "The last evidence that it fires is older than the rule's `max_age`.",
    lifts: 'The next repeat of the alert starts a new run.',
    advice: "Shorten Alertmanager's `repeat_interval`.",
  },
  resolved: {
    verdicts: ['refuse', 'wait'],
    means:
      "The alert no longer fires. Where only Alertmanager's API no longer shows it, it waits: the word may be under way.",
    lifts: 'The API shows it again, or the episode closes.',
    advice: 'Nothing is wrong.',
  },
  silenced: {
    verdicts: ['wait'],
    means:
      'A silence, an inhibition or a mute time hides it in Alertmanager. Silences that autoheal made do not count.',
    lifts: 'Nothing hides it any more.',
    advice: 'Look at the silence that the detail names.',
  },
  blind: {
    verdicts: ['wait'],
    means:
      'A Prometheus or Alertmanager that is configured does not answer, or the Watchdog that the policy expects is missing: an alert that cannot be seen is not a healed one.',
    lifts: 'They answer again.',
    advice: 'The detail says which; `autoheal doctor`.',
  },
  precondition: {
    verdicts: ['wait'],
    means: "A `promql` of the rule's `when` does not hold, or cannot be read.",
    lifts: 'It holds.',
    advice: 'The detail has the expression and what it gave.',
  },
  not_during: {
    verdicts: ['wait'],
    means: "A time interval of the rule's `when` is now.",
    lifts: 'The interval is over.',
    advice: 'Wait, or change the interval in the policy.',
  },
  not_opted_in: {
    verdicts: ['refuse'],
    means: 'The target does not carry `autoheal=true`, and the policy does not name it.',
    lifts: 'It is opted in, and the alert repeats.',
    advice: "Label it (Kubernetes: annotate it), or name it under the policy's `targets`.",
  },
  busy: {
    verdicts: ['wait'],
    means: 'Another remediation holds the target, from its intent to its verdict.',
    lifts: 'The other has its verdict.',
    advice: 'See who: the detail names it.',
  },
  leased: {
    verdicts: ['wait'],
    means: 'Another rule leased the target at another value.',
    lifts: 'That lease ends.',
    advice:
      '`npx autoheal undo ID`, or `POST /api/v1/remediations/{id}/undo`, for the one that the lease is of.',
  },
  cooldown: {
    verdicts: ['wait'],
    means: 'A remediation on this target ended less than `cooldown` ago.',
    lifts: 'The time is over.',
    advice: "Wait, or shorten the rule's `guard.cooldown`.",
  },
  limit: {
    verdicts: ['wait'],
    means:
      "As many runs as a window of `limit` (this rule on this target), `limit_rule` (this rule) or the policy's `limits` (all rules) allows.",
    lifts: 'The oldest run leaves the window.',
    advice: 'Look why it comes back so often.',
  },
  quarantined: {
    verdicts: ['refuse'],
    means:
      'The rule healed this target in none of its last runs, or it is suspected of harm and the policy enforces that. A human is told.',
    lifts: "Somebody releases it, or the policy's `quarantine.for` is over.",
    advice: 'Mend the rule, then release it: `npx autoheal holds`, then `npx autoheal unhold ID`.',
  },
  min_healthy: {
    verdicts: ['wait'],
    means:
      'The target still serves, and fewer than `min_healthy` of its siblings are healthy and left alone.',
    lifts: 'Enough are.',
    advice: 'Heal the others first, by hand.',
  },
  blast_radius: {
    verdicts: ['wait'],
    means: 'Too many targets, or too large a share of one group, were touched within the window.',
    lifts: 'The oldest leaves the window.',
    advice: 'Look for one cause of so many.',
  },
  common_cause: {
    verdicts: ['wait'],
    means:
      'So many alerts at once have one cause elsewhere: network, monitoring. Only where the policy enforces it; else it is only said.',
    lifts: 'Fewer ask for healing within that time.',
    advice: 'Look at the network first.',
  },
  budget: {
    verdicts: ['ask'],
    means: "autoheal's own error budget is spent, and the policy enforces it.",
    lifts: 'A person grants the plan.',
    advice:
      '`npx autoheal approvals`; `GET /` says under `budget` how many of its steps failed: look why.',
  },
  breaker_open: {
    verdicts: ['wait'],
    means: 'Three calls in a row to the backend failed.',
    lifts: 'After 30 s one call is let through; it succeeds.',
    advice: 'Look at the component in `GET /`.',
  },
  approval: {
    verdicts: ['ask'],
    means:
      'The service or the rule is in `approve` mode. Denied, it ends; unanswered for `approval.within` (10m) it ends and a human is told.',
    lifts: 'A person grants this very plan.',
    advice: '`npx autoheal approvals`, then `npx autoheal approve` or `npx autoheal deny`.',
  },
  dry_run: {
    verdicts: ['refuse'],
    means:
      'The service or the rule is in dry-run: everything else allowed it, and the preview is in the audit log.',
    lifts: 'The mode is another, and the alert repeats.',
    advice: "Read the preview; to let it act, change the rule's `mode` or `AUTOHEAL_MODE`.",
  },
};

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
