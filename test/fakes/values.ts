import type { Episode } from '../../src/core/alerts/episode.ts';
import type { Approval } from '../../src/core/healing/approval.ts';
import type { PlanFacts } from '../../src/core/healing/guard-facts.ts';
import type { Hold } from '../../src/core/healing/hold.ts';
import type { Lease } from '../../src/core/healing/lease.ts';
import type { Remediation, Target } from '../../src/core/healing/remediation.ts';

/** Whole values for tests, of which only the part that matters is named. Times in ms since the epoch. */
export function episode(over: Partial<Episode> = {}): Episode {
  return {
    id: 'episode-1',
    fingerprint: '00000000000000aa',
    alertname: 'ThingDown',
    labels: { alertname: 'ThingDown', thing: 'a' },
    annotations: {},
    source: 'alertmanager',
    generator_url: '',
    state: 'open',
    starts_at: 1_000,
    opened_at: 1_000,
    last_firing_at: 1_000,
    closed_at: null,
    ended_at: null,
    close_reason: null,
    firings: 1,
    matched_rules: 'v1',
    drill: false,
    trace_id: null,
    ...over,
  };
}

export function target(id: string, over: Partial<Target> = {}): Target {
  return {
    id,
    parents: [],
    name: id,
    opted_in: true,
    opt_in_hint: 'label it autoheal=true',
    observed: null,
    desired: null,
    cmd: `poke ${id}`,
    ...over,
  };
}

export function remediation(over: Partial<Remediation> = {}): Remediation {
  return {
    id: 'remediation-1',
    episode_id: 'episode-1',
    fingerprint: '00000000000000aa',
    alertname: 'ThingDown',
    rule: 'thing-down',
    rule_hash: 'hash',
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
    drill: false,
    priority: 0,
    priority_of: null,
    held_out_until: null,
    trace_id: null,
    created_at: 1_000,
    updated_at: 1_000,
    ended_at: null,
    next_at: 1_000,
    wakes: 0,
    fence: 0,
    claimed_by: null,
    claim_until: 0,
    ...over,
  };
}

export function lease(over: Partial<Lease> = {}): Lease {
  return {
    id: 'lease-1',
    target: target('thing/a', { observed: 1, desired: 2 }),
    action: 'set_thing',
    params: {},
    original: 1,
    value: 2,
    state: 'active',
    holders: [],
    rule: 'thing-down',
    alertname: 'ThingDown',
    fingerprint: '00000000000000aa',
    drill: false,
    trace_id: null,
    tries: 0,
    relapses: 0,
    told_at: null,
    ended_by: null,
    created_at: 1_000,
    updated_at: 1_000,
    next_at: 1_000,
    wakes: 0,
    fence: 0,
    claimed_by: null,
    claim_until: 0,
    ...over,
  };
}

export function hold(over: Partial<Hold> = {}): Hold {
  return {
    id: 'hold-1',
    kind: 'hold',
    alertname: null,
    fingerprint: null,
    episode: null,
    rule: null,
    target: null,
    reason: 'we look at it',
    actor: 'ann',
    since: 1_000,
    until: null,
    ended_at: null,
    ...over,
  };
}

export function approval(over: Partial<Approval> = {}): Approval {
  return {
    id: 'approval-1',
    remediation_id: 'remediation-1',
    plan_hash: 'plan-hash',
    state: 'asked',
    role: 'operator',
    cmds: ['poke thing/a'],
    why: 'the rule asks before it acts',
    asked_at: 1_000,
    expires_at: 20_000_000,
    answered_at: null,
    answered_by: null,
    reason: null,
    ...over,
  };
}

/** Facts with which every guard allows. `now` is `FACTS_NOW`. */
export const FACTS_NOW = 10_000_000;
export function planFacts(over: Partial<PlanFacts> = {}): PlanFacts {
  const thing = target('thing/a', { observed: null, desired: null });
  return {
    now: FACTS_NOW,
    mode: 'auto',
    paused_until: null,
    pause_detail: 'because',
    rule: 'thing-down',
    episode: episode({ last_firing_at: FACTS_NOW - 1_000 }),
    targets: [thing],
    guard: {
      cooldown_ms: 300_000,
      limit: [{ count: 3, window_ms: 3_600_000, text: '3/1h' }],
      limit_rule: [],
      max_age_ms: 900_000,
      min_healthy: null,
      approval: { role: 'operator', within_ms: 1_800_000 },
    },
    holds: [],
    seen: undefined,
    blind: [],
    preconditions: [],
    windows: [],
    rule_mode: 'auto',
    plan: { step: 0, action: 'poke', params: {}, targets: [thing], made_at: FACTS_NOW },
    lock_holder: undefined,
    on: [
      { target: thing, lease: undefined, siblings_busy: 0, last_end: undefined, run_starts: [] },
    ],
    starts: null,
    limits: [],
    blast: null,
    common_cause: { targets: 5, within_ms: 120_000, enforce: false, seen: 0 },
    budget: { enforce: false, spent: false, detail: '' },
    breaker: { backend: 'world', state: 'closed', open_until: 0 },
    approval: undefined,
    ...over,
  };
}

/** The same with these targets in the plan. */
export function factsOn(targets: readonly Target[], over: Partial<PlanFacts> = {}): PlanFacts {
  const facts = planFacts(over);
  return {
    ...facts,
    targets,
    plan: { ...facts.plan, targets },
    on: targets.map((each) => ({
      target: each,
      lease: undefined,
      siblings_busy: 0,
      last_end: undefined,
      run_starts: [],
    })),
  };
}
