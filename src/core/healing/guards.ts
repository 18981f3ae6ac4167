import type { BreakerState } from './breaker.ts';
import type { Episode } from '../alerts/episode.ts';
import { ALLOW, type GuardWord, type Verdict } from './guard-words.ts';
import { jsonEqual } from '../json.ts';
import type { Plan, Target } from './remediation.ts';
import type { Lease } from './lease.ts';
import type { RuleGuard, RuleMode, RunLimit } from '../rules/rule.ts';

/** What the guards that need no plan look at. Times in ms since the epoch. */
export interface EarlyFacts {
  readonly now: number;
  readonly mode: 'auto' | 'dry-run' | 'paused';
  /** When an operator's pause ends by itself; null when it does not. */
  readonly paused_until: number | null;
  readonly pause_detail: string;
  readonly episode: Episode;
  readonly guard: RuleGuard;
}

/** What the guards on a plan look at besides. One entry of `on` for each target of the plan. */
export interface PlanFacts extends EarlyFacts {
  readonly rule_mode: RuleMode;
  readonly plan: Plan;
  /** Another remediation that holds one of the targets. */
  readonly lock_holder: string | undefined;
  readonly on: readonly TargetFacts[];
  readonly breaker: {
    readonly backend: string;
    readonly state: BreakerState;
    readonly open_until: number;
  };
}
export interface TargetFacts {
  readonly target: Target;
  readonly lease: Lease | undefined;
  /** End of the last remediation, other than this, that acted on the target. */
  readonly last_end: number | undefined;
  /** Starts of this rule's other runs on the target, newest first, within the widest window. */
  readonly run_starts: readonly number[];
}

interface Guard<F> {
  readonly word: GuardWord;
  readonly check: (facts: F) => Verdict;
}

/** Where nothing says when it lifts, the engine looks again after this; events wake it sooner. */
export const RECHECK_MS = 15_000;

/** DESIGN §7, in its order: first those that need no plan ... */
export const EARLY_GUARDS: readonly Guard<EarlyFacts>[] = [
  { word: 'paused', check: paused },
  { word: 'stale', check: stale },
  { word: 'resolved', check: resolved },
];
/** ... then those on the plan. */
export const PLAN_GUARDS: readonly Guard<PlanFacts>[] = [
  { word: 'not_opted_in', check: notOptedIn },
  { word: 'busy', check: busy },
  { word: 'leased', check: leased },
  { word: 'cooldown', check: cooldown },
  { word: 'limit', check: limit },
  { word: 'breaker_open', check: breakerOpen },
  { word: 'dry_run', check: dryRun },
];

/** The first verdict that is not "allow", else "allow". */
export function runGuards<F>(guards: readonly Guard<F>[], facts: F): Verdict {
  for (const guard of guards) {
    const verdict = guard.check(facts);
    if (verdict.kind !== 'allow') return verdict;
  }
  return ALLOW;
}

function wait(reason: GuardWord, retry_at: number, detail: string): Verdict {
  return { kind: 'wait', reason, retry_at, detail };
}

function refuse(reason: GuardWord, detail: string): Verdict {
  return { kind: 'refuse', reason, detail };
}

function paused(facts: EarlyFacts): Verdict {
  if (facts.mode !== 'paused') return ALLOW;
  return wait('paused', facts.paused_until ?? facts.now + RECHECK_MS, facts.pause_detail);
}

function stale({ now, episode, guard }: EarlyFacts): Verdict {
  if (episode.state === 'closed') return ALLOW;
  const age_ms = now - episode.last_firing_at;
  if (age_ms <= guard.max_age_ms) return ALLOW;
  return refuse(
    'stale',
    `the last evidence that it fires is ${seconds(age_ms)} old; max_age is ${seconds(guard.max_age_ms)}`,
  );
}

function resolved({ episode }: EarlyFacts): Verdict {
  if (episode.state === 'open') return ALLOW;
  return refuse('resolved', `the alert no longer fires: ${episode.close_reason ?? 'closed'}`);
}

function notOptedIn({ plan }: PlanFacts): Verdict {
  const stranger = plan.targets.find((target) => !target.opted_in);
  if (stranger === undefined) return ALLOW;
  return refuse('not_opted_in', `${stranger.name} (${stranger.id}): ${stranger.opt_in_hint}`);
}

function busy({ now, lock_holder }: PlanFacts): Verdict {
  if (lock_holder === undefined) return ALLOW;
  return wait('busy', now + RECHECK_MS, `the target is locked by ${lock_holder} until its verdict`);
}

/** A standing lease is joined by whoever wants the same value; another value waits. */
function leased({ now, on }: PlanFacts): Verdict {
  for (const { target, lease } of on) {
    if (lease === undefined || target.desired === null) continue;
    if (lease.state === 'active' && jsonEqual(lease.value, target.desired)) continue;
    return wait(
      'leased',
      now + RECHECK_MS,
      `${target.id} is leased by ${lease.rule} at ${JSON.stringify(lease.value)}`,
    );
  }
  return ALLOW;
}

function cooldown({ now, guard, on }: PlanFacts): Verdict {
  for (const { target, last_end } of on) {
    if (last_end === undefined || changesNothing(target)) continue;
    const until = last_end + guard.cooldown_ms;
    if (now < until)
      return wait('cooldown', until, `${target.id} was remediated ${seconds(now - last_end)} ago`);
  }
  return ALLOW;
}

function limit({ now, guard, on }: PlanFacts): Verdict {
  for (const { target, run_starts } of on) {
    if (changesNothing(target)) continue;
    for (const window of guard.limit) {
      const until = limitedUntil(window, run_starts, now);
      if (until !== undefined)
        return wait('limit', until, `${target.id} had ${window.text} runs of this rule`);
    }
  }
  return ALLOW;
}

/** When a run fits into the window again; undefined when it fits now. */
function limitedUntil(
  window: RunLimit,
  starts: readonly number[],
  now: number,
): number | undefined {
  const inside = starts.filter((start) => start > now - window.window_ms);
  const blocking = inside[window.count - 1];
  return blocking === undefined ? undefined : blocking + window.window_ms;
}

/** Planning asks it by itself, before it asks the backend anything. */
export function breakerOpen({ now, breaker }: Pick<PlanFacts, 'now' | 'breaker'>): Verdict {
  if (breaker.state !== 'open') return ALLOW;
  const retry_at = Math.max(breaker.open_until, now + 1_000);
  return wait('breaker_open', retry_at, `calls to ${breaker.backend} failed; its breaker is open`);
}

function dryRun({ mode, rule_mode }: PlanFacts): Verdict {
  if (mode === 'auto' && rule_mode === 'auto') return ALLOW;
  return refuse(
    'dry_run',
    mode === 'auto' ? 'the rule is in dry-run' : 'the service is in dry-run',
  );
}

/** Joining a lease at the value that stands touches nothing, so it is no run on the target. */
function changesNothing(target: Target): boolean {
  return target.desired !== null && jsonEqual(target.observed, target.desired);
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)}s`;
}
