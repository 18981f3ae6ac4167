import type { EarlyFacts, PlanFacts } from './guard-facts.ts';
import { ALLOW, type GuardWord, type Verdict } from './guard-words.ts';
import * as early from './guards-early.ts';
import * as risk from './guards-risk.ts';
import * as target from './guards-target.ts';

interface Guard<F> {
  readonly word: GuardWord;
  readonly check: (facts: F) => Verdict;
}

/** DESIGN §7, in its order: first those that need no plan ... */
export const EARLY_GUARDS: readonly Guard<EarlyFacts>[] = [
  { word: 'paused', check: early.paused },
  { word: 'held', check: early.held },
  { word: 'stale', check: early.stale },
  { word: 'resolved', check: early.resolved },
  { word: 'silenced', check: early.silenced },
  { word: 'blind', check: early.blind },
  { word: 'precondition', check: early.precondition },
  { word: 'not_during', check: early.notDuring },
];
/** ... then those on the plan. */
export const PLAN_GUARDS: readonly Guard<PlanFacts>[] = [
  { word: 'not_opted_in', check: target.notOptedIn },
  { word: 'busy', check: target.busy },
  { word: 'leased', check: target.leased },
  { word: 'cooldown', check: target.cooldown },
  { word: 'limit', check: target.limit },
  { word: 'quarantined', check: target.quarantined },
  { word: 'min_healthy', check: risk.minHealthy },
  { word: 'blast_radius', check: risk.blastRadius },
  { word: 'common_cause', check: risk.commonCause },
  { word: 'budget', check: risk.budget },
  { word: 'breaker_open', check: risk.breakerOpen },
  { word: 'approval', check: risk.approval },
  { word: 'dry_run', check: risk.dryRun },
];

/** The first verdict that is not "allow", else "allow". */
export function runGuards<F>(guards: readonly Guard<F>[], facts: F): Verdict {
  for (const guard of guards) {
    const verdict = guard.check(facts);
    if (verdict.kind !== 'allow') return verdict;
  }
  return ALLOW;
}

/** A guard's answer that is more than "allow", kept for "why not?". */
export interface GuardValue {
  readonly guard: GuardWord;
  readonly verdict: Verdict['kind'];
  readonly detail: string | null;
}

/**
 * What each guard has to say at this moment, the later ones too: what would stop it next is worth knowing.
 * Those that are not in the list allow it.
 */
export function guardValues<F>(guards: readonly Guard<F>[], facts: F): readonly GuardValue[] {
  return guards.flatMap(({ word, check }) => {
    const verdict = check(facts);
    if (verdict.kind === 'allow' && verdict.detail === undefined) return [];
    return [{ guard: word, verdict: verdict.kind, detail: verdict.detail ?? null }];
  });
}
