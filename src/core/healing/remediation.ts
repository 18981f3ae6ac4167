import type { Json, JsonObject } from '../json.ts';
import type { GuardValue } from './guards.ts';

/**
 * Where a remediation stands.
 * `ready` to be planned · `waiting` for a guard · `acting`: an intent is committed, its outcome is not ·
 * `verifying` · `escalating`: the ladder is exhausted, a human is being told · `done`.
 */
export const REMEDIATION_STATES = [
  'ready',
  'waiting',
  'acting',
  'verifying',
  'escalating',
  'done',
] as const;
export type RemediationState = (typeof REMEDIATION_STATES)[number];

/** How a remediation ended. `reason` beside it has the guard's or the failure's word. */
export const OUTCOMES = ['healed', 'escalated', 'refused', 'dry_run', 'cancelled'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** A canonical thing that an action touches, as the plan found it. */
export interface Target {
  /** e.g. `docker/3f2a...`, `k8s/prod/deployment/worker`, `flag/heuristics-only`. */
  readonly id: string;
  /** Targets that lock together with this one: the Compose service of a container. */
  readonly parents: readonly string[];
  /** What people call it: `crm-api`. */
  readonly name: string;
  /** True when its owner allowed autoheal to touch it: label, annotation or policy. */
  readonly opted_in: boolean;
  /** How its owner can opt in, or why it counts as opted in; for messages. */
  readonly opt_in_hint: string;
  /** The state that the plan saw; the comparand of execute and the original value of a lease. */
  readonly observed: Json;
  /** The absolute state wanted, null where the action has none (a restart). */
  readonly desired: Json;
  /** What will be done, as a person would type it. */
  readonly cmd: string;
  /** The like of it, where there is any: the other containers of its service, the other pods. */
  readonly group?: TargetGroup;
}

/** Siblings of a target, as the plan found them. */
export interface TargetGroup {
  /** `compose/shop/crm-api`, `k8s/prod/deployment/worker`. */
  readonly id: string;
  /** All members, the target among them. */
  readonly total: number;
  /** Healthy members besides the target. */
  readonly healthy: number;
  /** Does the target itself still serve? */
  readonly serves: boolean;
}

/** One step made concrete: rendered parameters and observed targets. Made anew after any wait. */
export interface Plan {
  readonly step: number;
  readonly action: string;
  readonly params: JsonObject;
  readonly targets: readonly Target[];
  readonly made_at: number;
}

/** Progress of a verification. Times in ms since the epoch. */
export interface VerifyProgress {
  readonly started_at: number;
  readonly deadline_at: number;
  /** Since when the check holds without a break; null while it does not. */
  readonly holds_since: number | null;
  /** True once it held at all: what then does not hold any more has flapped. */
  readonly held: boolean;
  /** What the last look found, in words. */
  readonly last: string;
  /** True when the last look could not be made (Prometheus away): never success. */
  readonly blind: boolean;
  readonly checks: number;
}

/** `planned`: the guards on the plan were asked too. Guards without a value allow it. */
export interface GuardsAsked {
  readonly at: number;
  readonly planned: boolean;
  readonly values: readonly GuardValue[];
}

/** One run of one rule for one episode; durable. Times in ms since the epoch. */
export interface Remediation {
  readonly id: string;
  readonly episode_id: string;
  readonly fingerprint: string;
  readonly alertname: string;
  readonly rule: string;
  /** Hash of the rule's text: pinned, so a reload never changes it under way. */
  readonly rule_hash: string;
  readonly state: RemediationState;
  readonly outcome: Outcome | null;
  /** Guard word while waiting, or `holdout`; the ending's word when done. */
  readonly reason: string | null;
  /** The same in a sentence. */
  readonly detail: string | null;
  /** Step under way, counted from 0. */
  readonly step: number;
  /** Attempts of what is under way (escalation tries). */
  readonly tries: number;
  readonly plan: Plan | null;
  readonly verify: VerifyProgress | null;
  /** What the guards said when they were last asked; null before. */
  readonly guards: GuardsAsked | null;
  /** An operator wants no further step; null: nobody does. Written by whoever asks, never by the worker. */
  readonly cancel: { readonly actor: string; readonly reason: string; readonly at: number } | null;
  /** Who started it by hand; null: the alert did. */
  readonly started_by: string | null;
  readonly drill: boolean;
  /** How soon it gets a place: see core/healing/priority.ts. Raised while it waits, never by the worker. */
  readonly priority: number;
  /** Whose burn rate the priority follows: `service=checkout`; null: nobody's. */
  readonly priority_of: string | null;
  /** Left alone until then to learn what happens without it (core/healing/holdout.ts); null: not. */
  readonly held_out_until: number | null;
  readonly trace_id: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly ended_at: number | null;
  /** When the worker looks at it next. */
  readonly next_at: number;
  /** Raised by whoever wants the worker to look at once; see `remediation_put` in ports.ts. */
  readonly wakes: number;
  /** Fencing number, raised by each claim. */
  readonly fence: number;
  readonly claimed_by: string | null;
  readonly claim_until: number;
}

/** One action on one target within one step: the intent row, later with its outcome. */
export interface ActionRun {
  /** Idempotency key: `<remediation>/<step>/<target>`. */
  readonly id: string;
  readonly remediation_id: string;
  readonly rule: string;
  readonly step: number;
  readonly action: string;
  readonly target: Target;
  readonly params: JsonObject;
  readonly state: 'intent' | 'ok' | 'failed';
  /** Attempts begun. */
  readonly attempts: number;
  /** Drawn by chaos to fail on purpose. */
  readonly chaos: boolean;
  readonly started_at: number;
  readonly finished_at: number | null;
  readonly evidence: JsonObject | null;
  /** Error code when failed. */
  readonly error: string | null;
}
