import type { Episode } from '../../src/core/alerts/episode.ts';
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
    drill: false,
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
