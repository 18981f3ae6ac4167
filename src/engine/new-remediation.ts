import type { Episode } from '../core/alerts/episode.ts';
import { heldOutUntil } from '../core/healing/holdout.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import type { JsonObject } from '../core/json.ts';
import type { Rule } from '../core/rules/rule.ts';
import type { Engine } from './deps.ts';

/**
 * A run of the rule for the episode, due at once. `first`: the alert just began to fire and nobody chose the rule;
 * only then it may be left alone first, so that no firing is left alone twice.
 */
export function newRemediation(
  engine: Pick<Engine, 'clock' | 'ids' | 'priorities'>,
  episode: Episode,
  rule: Rule,
  first = false,
): Remediation {
  const now = engine.clock.now();
  const urgency = engine.priorities.of(episode.labels);
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
    priority: urgency.priority,
    priority_of: urgency.of,
    held_out_until: first ? heldOutUntil(rule, episode, now) : null,
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

/** What the audit entry of the decision says of its priority: nothing where the policy asks for none. */
export function prioritySaid(
  { priority, priority_of }: Remediation,
  { labels }: Episode,
  { priorities }: Pick<Engine, 'priorities'>,
): JsonObject {
  if (priority_of === null) return {};
  return { priority, priority_why: priorities.of(labels).why ?? `no burn rate of ${priority_of}` };
}
