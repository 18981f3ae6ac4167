import { z } from 'zod';
import { defineAction } from '../../src/action.ts';
import { auditEntry, type AuditRecord } from '../../src/core/audit/audit.ts';
import type { Episode } from '../../src/core/alerts/episode.ts';
import type { ActionRun, Remediation, Target } from '../../src/core/healing/remediation.ts';
import { POLICY_GUARD_DEFAULTS } from '../../src/core/rules/policy-guards.ts';
import type { Rule, RuleSet } from '../../src/core/rules/rule.ts';
import type { FlagView, StatusView } from '../../src/engine/api.ts';
import type { DeliverySummary } from '../../src/store.ts';

export const NOW = Date.UTC(2026, 2, 1, 12, 0, 0);

export const RESTART = defineAction({
  id: 'restart_container',
  summary: 'Restarts a container.',
  backend: 'docker',
  params: z.strictObject({ container: z.string(), grace_s: z.number().default(10) }),
  safe_to_repeat: false,
  leasable: false,
  resolve: async () => [],
  preview: async () => '',
  execute: async () => ({}),
});

export const FLAG: FlagView = {
  key: 'heuristics-only',
  type: 'boolean',
  summary: 'Answer without the model.',
  default: false,
  value: true,
  lease: { id: 'l-1', rule: 'ai-errors', until: NOW + 60_000 },
  updated_at: NOW - 1_000,
  actor: 'autoheal',
};

export const STATUS: StatusView = {
  status: 'degraded',
  version: '0.1.0',
  uptime_seconds: 12.5,
  mode: 'paused',
  pause: { reason: 'release', actor: 'local', since: NOW, until: null },
  chaos: { enabled: true, failure_rate_pct: 5, ends_at: '2026-03-01T12:15:00.000Z' },
  otel: { enabled: false },
  oidc: { enabled: false },
  rules: { version: 'v1', loaded: 3, enabled: 2, last_reload_ok: true },
  budget: { spent: false, enforced: false, detail: '0 of 3 steps failed' },
  priority: { enabled: false, read_at: null, services: 0, problem: null },
  components: { docker: { status: 'degraded', detail: 'the socket does not answer' } },
};

const RULE: Rule = {
  name: 'ai-errors',
  summary: 'Answer without the model.',
  runbook: null,
  enabled: true,
  mode: 'auto',
  continue: false,
  matchers: [
    {
      label: 'alertname',
      op: '=',
      value: 'AIErrorRateHigh',
      text: 'alertname="AIErrorRateHigh"',
      test: (value) => value === 'AIErrorRateHigh',
    },
  ],
  when: [],
  steps: [
    {
      action: 'set_flag',
      with: { flag: 'heuristics-only', value: true },
      lease_ms: 1_800_000,
      verify: { within_ms: 600_000, settle_ms: 0, for_ms: 0, check: { kind: 'resolved' } },
      deadline_ms: 30_000,
    },
  ],
  guard: {
    cooldown_ms: 300_000,
    limit: [{ count: 3, window_ms: 3_600_000, text: '3/1h' }],
    limit_rule: [],
    max_age_ms: 900_000,
    min_healthy: null,
    approval: { role: 'operator', within_ms: 1_800_000 },
  },
  holdout: null,
  otherwise: 'log',
  file: 'rules/ai-errors.yaml',
  text: 'name: ai-errors\n',
  hash: 'cd'.repeat(32),
};
export const RULES: RuleSet = {
  version: 'v1',
  rules: [RULE],
  policy: {
    ...POLICY_GUARD_DEFAULTS,
    notifiers: {},
    flags: {},
    targets: [],
    commands: [],
    hosts: [],
    databases: {},
    redact: null,
    retention: { audit_ms: 1, deliveries_ms: 1, episodes_ms: 1 },
    file: 'autoheal.yaml',
  },
  loaded_at: NOW,
};

export const EPISODE: Episode = {
  id: 'e-1',
  fingerprint: 'f00d',
  alertname: 'AIErrorRateHigh',
  labels: { alertname: 'AIErrorRateHigh' },
  annotations: {},
  source: 'alertmanager',
  generator_url: '',
  state: 'open',
  starts_at: NOW - 5_000,
  opened_at: NOW - 4_000,
  last_firing_at: NOW - 1_000,
  closed_at: null,
  ended_at: null,
  close_reason: null,
  firings: 2,
  matched_rules: 'v1',
  drill: false,
  trace_id: null,
};

const TARGET: Target = {
  id: 'flag/heuristics-only',
  parents: [],
  name: 'heuristics-only',
  opted_in: true,
  opt_in_hint: 'declared in the policy',
  observed: false,
  desired: true,
  cmd: 'set flag heuristics-only=true',
};
export const REMEDIATION: Remediation = {
  id: 'r-1',
  episode_id: 'e-1',
  fingerprint: 'f00d',
  alertname: 'AIErrorRateHigh',
  rule: 'ai-errors',
  rule_hash: RULE.hash,
  state: 'verifying',
  outcome: null,
  reason: null,
  detail: null,
  step: 0,
  tries: 0,
  plan: {
    step: 0,
    action: 'set_flag',
    params: { flag: 'heuristics-only', value: true },
    targets: [TARGET],
    made_at: NOW - 3_000,
  },
  verify: {
    started_at: NOW - 2_000,
    deadline_at: NOW + 600_000,
    holds_since: null,
    held: false,
    last: 'still firing',
    blind: false,
    checks: 1,
  },
  guards: null,
  cancel: null,
  started_by: null,
  drill: false,
  priority: 220,
  priority_of: 'service=checkout',
  held_out_until: null,
  trace_id: null,
  created_at: NOW - 4_000,
  updated_at: NOW - 2_000,
  ended_at: null,
  next_at: NOW + 5_000,
  wakes: 7,
  fence: 9,
  claimed_by: null,
  claim_until: 0,
};
export const RUN: ActionRun = {
  id: 'r-1/1/flag/heuristics-only',
  remediation_id: 'r-1',
  rule: 'ai-errors',
  step: 0,
  action: 'set_flag',
  target: TARGET,
  params: { flag: 'heuristics-only', value: true },
  state: 'ok',
  attempts: 1,
  chaos: false,
  started_at: NOW - 3_000,
  finished_at: NOW - 2_900,
  evidence: { before: false, after: true },
  error: null,
};
export const DELIVERY: DeliverySummary = {
  seq: 1,
  id: 'd-1',
  received_at: NOW - 4_500,
  source: 'alertmanager',
  bytes: 1_024,
  state: 'drained',
  error: null,
};

export const AUDIT: AuditRecord[] = (
  [
    { kind: 'webhook_received', actor: 'alertmanager' },
    { kind: 'alert_firing', alertname: 'AIErrorRateHigh', fingerprint: 'f00d' },
    { kind: 'action_ok', alertname: 'AIErrorRateHigh', remediation: 'r-1', rc: 0 },
    { kind: 'pause', actor: 'local', reason: 'release' },
  ] as const
).map((draft, i) => ({
  ...auditEntry(`a-${i + 1}`, NOW - 10_000 + i * 1_000, draft),
  seq: i + 1,
  prev_hash: '0'.repeat(64),
  hash: 'ab'.repeat(32),
}));
