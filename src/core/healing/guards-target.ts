import { jsonEqual } from '../json.ts';
import type { RunLimit } from '../rules/rule.ts';
import type { PlanFacts } from './guard-facts.ts';
import {
  ALLOW,
  RECHECK_MS,
  refuse,
  refuseLoudly,
  seconds,
  type Verdict,
  wait,
} from './guard-words.ts';
import { covering } from './guards-early.ts';
import type { Target } from './remediation.ts';

/** The guards on each target of the plan: whose it is, who is at it, what was done to it lately. */

export function notOptedIn({ plan }: PlanFacts): Verdict {
  const stranger = plan.targets.find((target) => !target.opted_in);
  if (stranger === undefined) return ALLOW;
  return refuse('not_opted_in', `${stranger.name} (${stranger.id}): ${stranger.opt_in_hint}`);
}

export function busy({ now, lock_holder }: PlanFacts): Verdict {
  if (lock_holder === undefined) return ALLOW;
  return wait('busy', now + RECHECK_MS, `the target is locked by ${lock_holder} until its verdict`);
}

/** A standing lease is joined by whoever wants the same value; another value waits. */
export function leased({ now, on }: PlanFacts): Verdict {
  for (const { target, lease } of on) {
    if (lease === undefined || target.desired === null) continue;
    const standing = lease.state === 'active' && lease.ended_by === null;
    if (standing && jsonEqual(lease.value, target.desired)) continue;
    return wait(
      'leased',
      now + RECHECK_MS,
      `${target.id} is leased by ${lease.rule} at ${JSON.stringify(lease.value)}`,
    );
  }
  return ALLOW;
}

export function cooldown({ now, guard, on }: PlanFacts): Verdict {
  for (const { target, last_end } of on) {
    if (last_end === undefined || changesNothing(target)) continue;
    const until = last_end + guard.cooldown_ms;
    if (now < until)
      return wait('cooldown', until, `${target.id} was remediated ${seconds(now - last_end)} ago`);
  }
  return ALLOW;
}

/** Every window has to have room: the rule's on each target, the rule's in all, the service's. */
export function limit({ now, guard, on, limits, plan }: PlanFacts): Verdict {
  for (const { target, run_starts } of on) {
    if (changesNothing(target)) continue;
    for (const window of guard.limit) {
      const until = limitedUntil(window, run_starts, now);
      if (until !== undefined)
        return wait('limit', until, `${target.id} had ${window.text} runs of this rule`);
    }
  }
  if (plan.targets.every(changesNothing)) return ALLOW;
  for (const { of, window, blocking } of limits) {
    if (blocking === undefined) continue;
    const whose = of === 'rule' ? 'this rule' : 'autoheal in all';
    return wait('limit', blocking + window.window_ms, `${whose} had ${window.text} runs`);
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

export function quarantined(facts: PlanFacts): Verdict {
  const hold = covering(facts, (kind) => kind === 'quarantine');
  return hold === undefined ? ALLOW : refuseLoudly('quarantined', hold.reason);
}

/** Joining a lease at the value that stands touches nothing, so it is no run on the target. */
export function changesNothing(target: Target): boolean {
  return target.desired !== null && jsonEqual(target.observed, target.desired);
}
