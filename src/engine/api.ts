import type { Redaction } from '../core/alerts/redact.ts';
import type { FlagValue } from '../action.ts';
import type { EpisodeDecision } from '../core/alerts/episode-apply.ts';
import type { Episode } from '../core/alerts/episode.ts';
import type { AlertStatus, UnusableAlert } from '../core/alerts/judge.ts';
import type { Benefit } from '../core/benefit/benefit.ts';
import type { Approval } from '../core/healing/approval.ts';
import type { Hold, HoldSelector } from '../core/healing/hold.ts';
import type { Lease } from '../core/healing/lease.ts';
import type { Plan, Remediation } from '../core/healing/remediation.ts';
import type { JsonObject, Labels } from '../core/json.ts';
import type { Problem } from '../core/rules/diagnostic.ts';
import type { Rule, RuleSet } from '../core/rules/rule.ts';
import type { ComponentStatus } from '../ports.ts';

/** What the engine offers to whoever drives it: the HTTP layer, the CLI, tests. */

export interface Intake {
  /**
   * Stores one webhook body as it came. Resolves only when it is synced to disk.
   * @throws AutohealError `not_json`, `not_a_webhook`, `no_usable_alert` (400), `not_stored`, `overloaded` (503).
   */
  accept(post: Post): Promise<Accepted>;
}
export interface Post {
  readonly body: Uint8Array;
  /** `alertmanager`, `grafana`, `curl`, ...: from the User-Agent. */
  readonly source: string;
  /** From the W3C `traceparent`, 32 hex digits. */
  readonly trace_id: string | null;
  /** From there too, 16 hex digits: what sent it. */
  readonly parent_span_id: string | null;
}
export interface Accepted {
  readonly delivery: string;
  readonly alerts: number;
  /** Alerts of the body that cannot be used, by index, with the reason. */
  readonly unusable: readonly { readonly index: number; readonly why: string }[];
  /** Every alert carries drill="true". */
  readonly drill: boolean;
}

/** The stricter of what the environment and the operators said. */
export type ServiceMode = 'auto' | 'approve' | 'dry-run' | 'paused';
export interface Pause {
  readonly reason: string;
  readonly actor: string;
  readonly since: number;
  /** Ms since the epoch; null: until somebody resumes. */
  readonly until: number | null;
}
export interface Operator {
  mode(): ServiceMode;
  /** The operators' pause; undefined when there is none. */
  paused(): Pause | undefined;
  /** Survives restarts. Nothing begins while it stands; what is under way is verified and recorded. */
  pause(by: {
    readonly actor: string;
    readonly reason: string;
    readonly until: number | null;
  }): Promise<Pause>;
  /** @throws AutohealError `conflict` when the environment paused the service, or nothing is paused. */
  resume(by: { readonly actor: string }): Promise<void>;
}

/** Who does it, as signed in, and why: both are audited. */
export interface Deed {
  readonly actor: string;
  readonly reason: string;
}

export interface HoldBoard {
  /** Those that stand: holds, acknowledgements, quarantines. */
  standing(): Promise<readonly Hold[]>;
  /** Ends by itself at `until` (ms since the epoch), where given. @throws AutohealError `invalid_request`, `conflict`. */
  place(
    hold: Deed & HoldSelector & { readonly kind: 'hold' | 'ack'; readonly until: number | null },
  ): Promise<Hold>;
  /** A person looks after this episode: healing of it is held. @throws AutohealError `not_found`, `conflict`. */
  acknowledge(
    ack: Deed & { readonly episode: string; readonly until: number | null },
  ): Promise<Hold>;
  /** @throws AutohealError `not_found`, `conflict` when it is over. */
  end(id: string, by: Deed): Promise<Hold>;
}

export interface Approvals {
  /**
   * Grants the plan with this hash, for one run. @throws AutohealError `not_found`, `forbidden` (the rule wants
   * an admin), `conflict` (never asked, another plan by now, answered, expired).
   */
  grant(remediation_id: string, by: Answer): Promise<Approval>;
  /** Denies it: the remediation ends. @throws as `grant`. */
  deny(remediation_id: string, by: Answer): Promise<Approval>;
  /** Questions that wait, oldest first. */
  open(): Promise<readonly Approval[]>;
  /** The newest question of a remediation. */
  of(remediation_id: string): Promise<Approval | undefined>;
}
export interface Answer extends Deed {
  readonly plan_hash: string;
  readonly role: 'operator' | 'admin';
}

export interface Operations {
  /**
   * Starts a rule for an alert that fires, whether it matches or not; every guard asks as ever.
   * @throws AutohealError `not_found`, `conflict` (not firing, or under way already).
   */
  run(of: Deed & { readonly rule: string; readonly fingerprint: string }): Promise<Remediation>;
  /** No further step; what is under way is verified and recorded. @throws AutohealError `not_found`, `conflict`. */
  cancel(remediation_id: string, by: Deed): Promise<Remediation>;
  /** Reverts what is temporary of it now, whoever else holds it. @throws AutohealError `not_found`, `conflict`. */
  undo(remediation_id: string, by: Deed): Promise<readonly Lease[]>;
}

/** "What would be done?", asked of the same code that does it. Nothing is changed by asking. */
export interface WhatIf {
  /**
   * Of each alert of a webhook body, as if it came alone and now.
   * @throws AutohealError `not_json`, `not_a_webhook`, `no_usable_alert` (400), `not_ready`, `overloaded` (503).
   */
  payload(body: Uint8Array): Promise<PayloadAnswer>;
  /** Of an episode as it stands; empty while no rules are loaded. @throws AutohealError `overloaded`. */
  episode(episode: Episode): Promise<readonly RuleAnswer[]>;
}
export interface PayloadAnswer {
  /** Ms since the epoch. */
  readonly asked_at: number;
  readonly mode: ServiceMode;
  readonly alerts: readonly AlertAnswer[];
  /** Alerts that can be used and were not looked at: beyond the limit of one question, or of its time. */
  readonly left_out: number;
  readonly unusable: readonly UnusableAlert[];
}
export interface AlertAnswer {
  readonly status: AlertStatus;
  readonly alertname: string;
  readonly fingerprint: string;
  readonly labels: Labels;
  /** What it would be to the newest episode of its fingerprint; `why`: where that leaves nothing to do. */
  readonly becomes: EpisodeDecision['kind'];
  readonly why: string | null;
  /** That episode; null: there is none, or a new one would begin. */
  readonly episode: string | null;
  readonly rules: readonly RuleAnswer[];
}
/** One rule in force, in the order they are tried. */
export interface RuleAnswer {
  readonly rule: string;
  readonly matches: boolean;
  /** As it is written; null where all hold. */
  readonly first_failing_matcher: string | null;
  /** Why a rule that matches is not taken. */
  readonly why: string | null;
  /** Null: it is not taken. */
  readonly would: Would | null;
}
export interface Would {
  /** The remediation that stands for it; null: one would be made. */
  readonly remediation: string | null;
  /** The step that is next, counted from 0. */
  readonly step: number;
  readonly ladder: readonly Rung[];
  /** Of that step; null: none was made, and `unplanned` says why where one was tried. */
  readonly plan: Plan | null;
  readonly unplanned: string | null;
  /** What the guards said, as a remediation keeps it. */
  readonly asked: Pick<Remediation, 'guards' | 'state' | 'reason' | 'detail'>;
  readonly decision: Decision;
}
/** A step with the parameters it would get; null: `problem` says why it gets none. */
export interface Rung {
  /** Counted from 0. */
  readonly step: number;
  readonly action: string;
  readonly params: JsonObject | null;
  readonly problem: string | null;
  readonly lease_ms: number | null;
}
export const WOULD = [
  'act',
  'preview',
  'wait',
  'ask',
  'refuse',
  'fail',
  'go_on',
  'nothing',
] as const;
export interface Decision {
  readonly would: (typeof WOULD)[number];
  /** A guard's word, the failure's code, or what the alert would be. */
  readonly reason: string | null;
  /** When the guard may have lifted, ms since the epoch; null: nothing says. */
  readonly until: number | null;
  /** The same in a sentence. */
  readonly text: string;
}

/** What a rule is good for, from its history: docs/benefit.md. */
export interface Benefits {
  /** Of the last `window_ms`, at most a minute old. */
  of(rule: Rule, window_ms: number): Promise<Benefit>;
}

export interface FlagView {
  readonly key: string;
  readonly type: 'boolean' | 'string' | 'number';
  readonly summary: string;
  readonly default: FlagValue;
  /** What applications get now: the lease's value while it stands, evaluated at read time. */
  readonly value: FlagValue;
  readonly lease: { readonly id: string; readonly rule: string; readonly until: number } | null;
  readonly updated_at: number | null;
  readonly actor: string | null;
}
export interface FlagBoard {
  list(): Promise<readonly FlagView[]>;
  get(key: string): Promise<FlagView | undefined>;
  /**
   * An operator sets the stored value. @throws AutohealError `not_found`, `invalid_request` (wrong type),
   * `conflict` (a lease stands on it, or it moved meanwhile).
   */
  set(
    key: string,
    value: FlagValue,
    by: { readonly actor: string; readonly reason: string },
  ): Promise<FlagView>;
}

export interface Rulebook {
  /** The set in force; undefined until the first good load. */
  current(): RuleSet | undefined;
  /** What of deliveries must not be stored; null: nothing. Known also while rules do not compile. */
  redaction(): Redaction | null;
  /** The rule with this hash: of the set in force, or from the store, compiled again. */
  byHash(hash: string): Promise<Rule | undefined>;
  /** Reads and compiles everything, then swaps. On any error the last good set stays. Never throws. */
  reload(actor: string): Promise<ReloadResult>;
  /** The last load's result. */
  last(): ReloadResult | undefined;
}
export type ReloadResult =
  | {
      readonly ok: true;
      readonly version: string;
      readonly rules: number;
      readonly changed: boolean;
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly rendered: string };

export interface StatusView {
  readonly status: 'ok' | 'degraded';
  readonly version: string;
  readonly uptime_seconds: number;
  readonly mode: ServiceMode;
  readonly pause: Pause | null;
  readonly chaos: {
    readonly enabled: boolean;
    readonly failure_rate_pct: number;
    readonly ends_at: string | null;
  };
  readonly otel: { readonly enabled: boolean };
  readonly oidc: { readonly enabled: boolean };
  readonly rules: {
    readonly version: string;
    readonly loaded: number;
    readonly enabled: number;
    readonly last_reload_ok: boolean;
  } | null;
  /** Autoheal's own error budget. `enforced`: while it is spent, every plan asks for an approval. */
  readonly budget: { readonly spent: boolean; readonly enforced: boolean; readonly detail: string };
  /** Burn rates of services that order the work. `services`: how many are known now. */
  readonly priority: {
    readonly enabled: boolean;
    readonly read_at: string | null;
    readonly services: number;
    readonly problem: string | null;
  };
  readonly components: Readonly<Record<string, ComponentStatus>>;
}
export interface Reporter {
  /** Bounded in time: a part that does not answer within 2 s is `degraded`. */
  status(): Promise<StatusView>;
  /** Throws nothing; `ready` is false with reasons while the database or the rules cannot serve. */
  readiness(): Promise<{ readonly ready: boolean; readonly reasons: readonly string[] }>;
  /** False when the worker loop has not come round for too long. */
  live(): boolean;
  /** True once the first load and the recovery after a restart are through. */
  started(): boolean;
  resources(): Promise<{
    readonly rss_bytes: number;
    readonly heap_used_bytes: number;
    readonly disk_free_bytes: number | null;
  }>;
}
