import type { Episode } from '../alerts/episode.ts';
import type { Seen } from '../alerts/seen.ts';
import type { PolicyGuards, RuleGuard, RuleMode, RunLimit } from '../rules/rule.ts';
import type { Approval } from './approval.ts';
import type { BreakerState } from './breaker.ts';
import type { Hold } from './hold.ts';
import type { Lease } from './lease.ts';
import type { Plan, Target } from './remediation.ts';

/** What the guards that need no plan look at. Times in ms since the epoch. */
export interface EarlyFacts {
  readonly now: number;
  readonly mode: 'auto' | 'approve' | 'dry-run' | 'paused';
  /** When an operator's pause ends by itself; null when it does not. */
  readonly paused_until: number | null;
  readonly pause_detail: string;
  readonly rule: string;
  readonly episode: Episode;
  /** Empty before the plan is made. */
  readonly targets: readonly Target[];
  readonly guard: RuleGuard;
  /** All that stand. */
  readonly holds: readonly Hold[];
  /** What Alertmanager's API shows of the alert now; undefined where it has no say in it. */
  readonly seen: Seen | undefined;
  /** What is configured and cannot be seen by, in words; empty when all is well. */
  readonly blind: readonly string[];
  readonly preconditions: readonly PreconditionFact[];
  readonly windows: readonly WindowFact[];
}
export interface PreconditionFact {
  readonly expr: string;
  /** `unreadable`: nobody could tell; it waits. */
  readonly state: 'holds' | 'fails' | 'unreadable';
  readonly detail: string;
}
/** A named time interval in which the rule does not act. */
export interface WindowFact {
  readonly name: string;
  readonly inside: boolean;
  /** When that may change. */
  readonly until: number;
}

/** What the guards on a plan look at besides. One entry of `on` for each target of the plan. */
export interface PlanFacts extends EarlyFacts {
  readonly rule_mode: RuleMode;
  readonly plan: Plan;
  /** Another remediation that holds one of the targets. */
  readonly lock_holder: string | undefined;
  readonly on: readonly TargetFacts[];
  /** What `startCount` said before the windows over all targets were read; null: none are set. */
  readonly starts: number | null;
  /** Windows over all targets: the rule's `limit_rule` and the policy's `limits`. */
  readonly limits: readonly LimitFact[];
  /** Null: the policy sets none. */
  readonly blast: BlastFacts | null;
  readonly common_cause: PolicyGuards['common_cause'] & { readonly seen: number };
  readonly budget: BudgetFact;
  readonly breaker: {
    readonly backend: string;
    readonly state: BreakerState;
    readonly open_until: number;
  };
  /** The newest question asked about this very plan. */
  readonly approval: Approval | undefined;
}
export interface TargetFacts {
  readonly target: Target;
  readonly lease: Lease | undefined;
  /** Siblings that other remediations work on now: they do not count as healthy. */
  readonly siblings_busy: number;
  /** End of the last remediation, other than this, that acted on the target. */
  readonly last_end: number | undefined;
  /** Starts of this rule's other runs on the target, newest first, within the widest window. */
  readonly run_starts: readonly number[];
}
export interface LimitFact {
  readonly of: 'rule' | 'service';
  readonly window: RunLimit;
  /** Start of the run that has to leave the window before one more fits; undefined when one fits now. */
  readonly blocking: number | undefined;
}
export interface BlastFacts {
  readonly policy: PolicyGuards['blast_radius'];
  /** Other targets that remediations began to touch within the window, newest start each. */
  readonly touched: readonly Touched[];
}
export interface Touched {
  readonly target: string;
  readonly group: string | null;
  readonly at: number;
}
export interface BudgetFact {
  readonly enforce: boolean;
  readonly spent: boolean;
  readonly detail: string;
}
