import { formatDuration } from '../duration.ts';
import type { BlastFacts, PlanFacts } from './guard-facts.ts';
import {
  ALLOW,
  RECHECK_MS,
  refuse,
  refuseLoudly,
  report,
  type Verdict,
  wait,
} from './guard-words.ts';
import { changesNothing } from './guards-target.ts';
import type { Target } from './remediation.ts';

/** The guards that look beyond the targets: how much is touched at once, and whether a person has to say yes. */

/** Only while the target itself still serves: one that is down cannot be missed by being restarted. */
export function minHealthy({ now, guard, on, plan }: PlanFacts): Verdict {
  const wanted = guard.min_healthy;
  if (wanted === null) return ALLOW;
  for (const { target, siblings_busy } of on) {
    const { group, name } = target;
    if (group === undefined || !group.serves) continue;
    // Those that this very plan takes down with it are not left alone either.
    const with_it = plan.targets.filter(
      (other) => other.id !== target.id && other.group?.id === group.id && other.group.serves,
    );
    const healthy = Math.max(0, group.healthy - siblings_busy - with_it.length);
    if (healthy >= wanted) continue;
    const said = `${name} serves, and besides it ${healthy} of ${group.id} are healthy and left alone; min_healthy is ${wanted}`;
    return wait('min_healthy', now + RECHECK_MS, said);
  }
  return ALLOW;
}

/** At most so many targets in all, and so large a share of one group, in any window. One is always allowed. */
export function blastRadius({ now, plan, blast }: PlanFacts): Verdict {
  if (blast === null) return ALLOW;
  const wanted = plan.targets.filter((target) => !changesNothing(target));
  const fresh = wanted.filter(({ id }) => !blast.touched.some(({ target }) => target === id));
  if (fresh.length === 0) return ALLOW;
  return totalRadius(blast, fresh, now) ?? shareRadius(blast, fresh, now) ?? ALLOW;
}

function totalRadius(
  blast: BlastFacts,
  fresh: readonly Target[],
  now: number,
): Verdict | undefined {
  const { total, window_ms } = blast.policy;
  if (total === null || (blast.touched.length === 0 && fresh.length === 1)) return undefined;
  const most = Math.max(1, total);
  if (blast.touched.length + fresh.length <= most) return undefined;
  const said = `${blast.touched.length + fresh.length} targets within ${formatDuration(window_ms)}; blast_radius.total is ${total}`;
  return wait('blast_radius', nextPlace(blast.touched, window_ms, now), said);
}

function shareRadius(
  blast: BlastFacts,
  fresh: readonly Target[],
  now: number,
): Verdict | undefined {
  const { share_pct, window_ms } = blast.policy;
  if (share_pct === null) return undefined;
  for (const { group } of fresh) {
    if (group === undefined) continue;
    const most = Math.max(1, Math.floor((group.total * share_pct) / 100));
    const touched = blast.touched.filter((other) => other.group === group.id);
    const mine = fresh.filter((target) => target.group?.id === group.id).length;
    if (touched.length === 0 && mine === 1) continue;
    if (touched.length + mine <= most) continue;
    const said = `${touched.length + mine} of ${group.total} of ${group.id} within ${formatDuration(window_ms)}; blast_radius.share allows ${most}`;
    return wait('blast_radius', nextPlace(touched, window_ms, now), said);
  }
  return undefined;
}

/** When the oldest leaves the window. A plan that alone is too much waits for other rules or another policy. */
function nextPlace(touched: BlastFacts['touched'], window_ms: number, now: number): number {
  if (touched.length === 0) return now + RECHECK_MS;
  return Math.min(...touched.map(({ at }) => at)) + window_ms;
}

export function commonCause({ now, common_cause }: PlanFacts): Verdict {
  const { seen, targets, within_ms, enforce } = common_cause;
  if (seen < targets) return ALLOW;
  const said = `${seen} alerts asked for healing within ${formatDuration(within_ms)}: rather one cause (network, monitoring) than so many`;
  return enforce ? wait('common_cause', now + RECHECK_MS, said) : report(said);
}

/** Autoheal's own error budget. Where the policy enforces it, a spent one makes every plan ask. */
export function budget(facts: PlanFacts): Verdict {
  const { enforce, spent, detail } = facts.budget;
  if (!spent) return ALLOW;
  return enforce ? answered(facts, 'budget', detail) : report(detail);
}

/** Planning asks it by itself, before it asks the backend anything. */
export function breakerOpen({ now, breaker }: Pick<PlanFacts, 'now' | 'breaker'>): Verdict {
  if (breaker.state !== 'open') return ALLOW;
  const retry_at = Math.max(breaker.open_until, now + 1_000);
  return wait('breaker_open', retry_at, `calls to ${breaker.backend} failed; its breaker is open`);
}

export function approval(facts: PlanFacts): Verdict {
  // In dry-run nothing is done, so nobody is asked.
  if (facts.mode === 'dry-run' || facts.rule_mode === 'dry-run') return ALLOW;
  if (facts.mode !== 'approve' && facts.rule_mode !== 'approve') return ALLOW;
  const whose = facts.rule_mode === 'approve' ? 'the rule' : 'the service';
  return answered(facts, 'approval', `${whose} asks before it acts`);
}

/** What the newest question about this plan came to. */
function answered(facts: PlanFacts, word: 'budget' | 'approval', why: string): Verdict {
  const asked = facts.approval;
  if (asked === undefined || asked.state === 'used')
    return { kind: 'ask', reason: word, detail: why };
  if (asked.state === 'granted') return ALLOW;
  if (asked.state === 'denied')
    return refuse(word, `${asked.answered_by ?? 'somebody'} denied it: ${asked.reason ?? ''}`);
  if (facts.now >= asked.expires_at) return refuseLoudly(word, 'nobody answered in time');
  return wait(word, asked.expires_at, `${why}; asked, nobody has answered yet`);
}

export function dryRun({ mode, rule_mode }: PlanFacts): Verdict {
  if (mode !== 'dry-run' && rule_mode !== 'dry-run') return ALLOW;
  return refuse(
    'dry_run',
    rule_mode === 'dry-run' ? 'the rule is in dry-run' : 'the service is in dry-run',
  );
}
