import type { Episode } from '../core/alerts/episode.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import type { Rule } from '../core/rules/rule.ts';
import type { Engine } from './deps.ts';

/** A run of the rule for the episode, due at once. */
export function newRemediation(
  engine: Pick<Engine, 'clock' | 'ids'>,
  episode: Episode,
  rule: Rule,
): Remediation {
  const now = engine.clock.now();
  return {
    id: engine.ids.next(),
    episode_id: episode.id,
    fingerprint: episode.fingerprint,
    alertname: episode.alertname,
    rule: rule.name,
    rule_hash: rule.hash,
    state: 'ready',
    outcome: null,
    reason: null,
    detail: null,
    step: 0,
    tries: 0,
    plan: null,
    verify: null,
    guards: null,
    cancel: null,
    started_by: null,
    drill: episode.drill,
    trace_id: episode.trace_id,
    created_at: now,
    updated_at: now,
    ended_at: null,
    next_at: now,
    wakes: 0,
    fence: 0,
    claimed_by: null,
    claim_until: 0,
  };
}
