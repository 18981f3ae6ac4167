import type { Redaction } from '../alerts/redact.ts';
import type { Json, JsonObject, Labels } from '../json.ts';
import type { TimeInterval } from '../time-intervals.ts';
import type { Matcher } from './matcher.ts';

/** A rule as the engine runs it (DESIGN §5). Made by `compileRule` only; durations in ms. */
export interface Rule {
  /** Equals the file name without `.yaml`. */
  readonly name: string;
  readonly summary: string;
  readonly runbook: string | null;
  readonly enabled: boolean;
  readonly mode: RuleMode;
  /** False: the first rule that matches wins. */
  readonly continue: boolean;
  readonly matchers: readonly Matcher[];
  /** All must hold before it acts; one that cannot be read waits. */
  readonly when: readonly Precondition[];
  readonly steps: readonly RuleStep[];
  readonly guard: RuleGuard;
  /** The share of firings that is left alone first, and for how long; null: none. */
  readonly holdout: { readonly share_pct: number; readonly for_ms: number } | null;
  /** A notifier of the policy, or `log`. */
  readonly otherwise: string;
  /** `rules/import-backlog.yaml` */
  readonly file: string;
  readonly text: string;
  /** Hex SHA-256 of `text`. */
  readonly hash: string;
}
export type RuleMode = 'auto' | 'approve' | 'dry-run';

/** `expr` may hold templates. `interval`: a time interval of the policy. */
export type Precondition =
  | { readonly kind: 'promql'; readonly expr: string }
  | { readonly kind: 'not_during'; readonly interval: string };

export interface RuleStep {
  readonly action: string;
  /** Parameters with their templates; see template.ts. */
  readonly with: JsonObject;
  /** Null: the change has no end of its own. */
  readonly lease_ms: number | null;
  readonly verify: VerifySpec;
  /** For all attempts of the step together. */
  readonly deadline_ms: number;
}

export interface VerifySpec {
  readonly within_ms: number;
  /** Waited after the action before the first look. */
  readonly settle_ms: number;
  /** How long the check must hold without a break. */
  readonly for_ms: number;
  readonly check:
    | { readonly kind: 'resolved' }
    | { readonly kind: 'promql'; readonly expr: string }
    | { readonly kind: 'health' }
    | HttpCheck
    | TcpCheck;
}
/** `url` with its templates: see `renderUrl`. `status`: what counts as healthy; null: any 2xx. */
export interface HttpCheck {
  readonly kind: 'http';
  readonly url: string;
  readonly status: readonly number[] | null;
}
/** `address` (`host:port`) with its templates: see `renderAddress`. */
export interface TcpCheck {
  readonly kind: 'tcp';
  readonly address: string;
}

export interface RuleGuard {
  readonly cooldown_ms: number;
  /** On one target. */
  readonly limit: readonly RunLimit[];
  /** On all targets of the rule together; empty: none. */
  readonly limit_rule: readonly RunLimit[];
  /** Since the last evidence of firing. */
  readonly max_age_ms: number;
  /** Healthy siblings that must be there besides the target; null: not asked. */
  readonly min_healthy: number | null;
  /** Who may grant, and for how long it is waited, where an approval is asked for. */
  readonly approval: { readonly role: 'operator' | 'admin'; readonly within_ms: number };
}
/** `3/1h`: at most `count` runs in any window of `window_ms`. */
export interface RunLimit {
  readonly count: number;
  readonly window_ms: number;
  readonly text: string;
}

/** What a template may look up. */
export interface TemplateScope {
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** The policy file (`autoheal.yaml`), compiled. Made by `compilePolicy` only. */
export interface Policy extends PolicyGuards {
  readonly notifiers: Readonly<Record<string, NotifierConfig>>;
  readonly flags: Readonly<Record<string, FlagDeclaration>>;
  /** Targets opted in by name: `docker/crm-api`, `compose/import-worker`, `k8s/prod/deployment/*`. */
  readonly targets: readonly string[];
  /** What `run_command` may run, argument by argument; a `*` ends an argument's pattern. */
  readonly commands: readonly (readonly string[])[];
  /** Origins that `http_request` may send to: `https://crm.example.com`. */
  readonly hosts: readonly string[];
  readonly databases: Readonly<Record<string, DatabaseConfig>>;
  readonly retention: RetentionPolicy;
  /** What of deliveries is not stored; null: they are stored as they come. */
  readonly redact: Redaction | null;
  readonly file: string;
}
/** How long rows are kept, by age. */
export interface RetentionPolicy {
  readonly audit_ms: number;
  /** Raw bodies of the webhook. */
  readonly deliveries_ms: number;
  /** Closed episodes with their remediations and runs; ended leases and holds. */
  readonly episodes_ms: number;
}
/** What the policy says of guarding the whole service. */
export interface PolicyGuards {
  readonly time_intervals: readonly TimeInterval[];
  /** Runs of all rules together; empty: none. */
  readonly limits: readonly RunLimit[];
  /** Targets touched within the window: share of a kind, and in all; null: not limited. */
  readonly blast_radius: {
    readonly share_pct: number | null;
    readonly total: number | null;
    readonly window_ms: number;
  };
  /** A rule that healed a target in none of its last `after` runs leaves it alone for so long. */
  readonly quarantine: { readonly after: number; readonly for_ms: number };
  /** So many targets at once have one cause elsewhere. Not enforced: reported only. */
  readonly common_cause: {
    readonly targets: number;
    readonly within_ms: number;
    readonly enforce: boolean;
  };
  readonly budget: { readonly enforce: boolean };
  /** Burn rates that order the work; null: nothing does. */
  readonly priority: PriorityPolicy | null;
  readonly harm: { readonly within_ms: number; readonly enforce: boolean };
  readonly alertmanager: {
    /** Names of receivers; empty: all alerts are ours. */
    readonly receivers: readonly string[];
    readonly resend_delay_ms: number;
  };
  /** Without the always-firing alert for so long autoheal is blind; null: not asked for. */
  readonly watchdog: { readonly within_ms: number } | null;
  /** Who is told that an approval waits: a notifier, `log`, or null: nobody. */
  readonly approvals: { readonly notify: string | null };
}
/** `promql`: the burn rate for each value of `label`, an alert's label. */
export interface PriorityPolicy {
  readonly label: string;
  readonly promql: string;
  readonly every_ms: number;
}
/** A PostgreSQL that actions may talk to. Exactly one of the two is set. */
export interface DatabaseConfig {
  readonly url: string | null;
  readonly url_file: string | null;
}
export interface NotifierConfig {
  /** `slack`: {text} · `json`: the whole message with its fields. */
  readonly format: 'slack' | 'json';
  /** Exactly one of `url` and `url_file`. */
  readonly url: string | null;
  readonly url_file: string | null;
  /** Sent as `Authorization: Bearer ...`. */
  readonly bearer_token_file: string | null;
  readonly timeout_ms: number;
}
export interface FlagDeclaration {
  /** Its type is the flag's type. */
  readonly default: boolean | string | number;
  readonly summary: string;
}

/** Everything that is swapped at once on a reload. */
export interface RuleSet {
  /** Hex SHA-256 over the rules' and the policy's texts. */
  readonly version: string;
  /** In file-name order, disabled ones too. */
  readonly rules: readonly Rule[];
  readonly policy: Policy;
  readonly loaded_at: number;
}

export type { Json };
