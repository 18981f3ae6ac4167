import type Docker from 'dockerode';
import type { KubeConfig } from '@kubernetes/client-node';
import type { z } from 'zod';
import { ACTION_FAILURES } from './core/errors.ts';
import type { Json, JsonObject, Labels } from './core/json.ts';
import type { Target, TargetGroup } from './core/healing/remediation.ts';

/** Stable codes of failed actions; they reach audit (`reason`), metrics and notifications. */
export type ActionErrorCode = keyof typeof ACTION_FAILURES;
export const ACTION_ERROR_CODES = Object.keys(ACTION_FAILURES) as readonly ActionErrorCode[];

/** An action's failure. `retryable`: may the same call, made again, succeed? The engine alone retries. */
export class ActionError extends Error {
  override readonly name = 'ActionError';
  readonly code: ActionErrorCode;
  readonly retryable: boolean;
  constructor(
    code: ActionErrorCode,
    message: string,
    options: { retryable: boolean; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable;
  }
}

/** A flag's declared type is the type of its default. */
export type FlagValue = boolean | string | number;

/** The flags of the policy, as an action sees them. */
export interface Flags {
  /** The declared flag with its value now; `undefined` when the policy does not declare it. */
  read(key: string): Promise<{ readonly value: FlagValue; readonly stored: FlagValue } | undefined>;
  /**
   * Sets the stored value if it is still `expected`, with an audit entry `flag_changed`, synced.
   * @returns false when somebody else changed it meanwhile: nothing was written.
   */
  compareAndSet(
    key: string,
    expected: FlagValue,
    value: FlagValue,
    cause: FlagCause,
  ): Promise<boolean>;
}
export interface FlagCause {
  readonly actor: string;
  readonly remediation: string | null;
  readonly rule: string | null;
  readonly reason: string;
  readonly trace_id?: string | null;
}

/** What a notifier sends to people. */
export interface Notification {
  readonly title: string;
  readonly text: string;
  readonly fields: JsonObject;
}
/** The notifiers of the policy. */
export interface Notifiers {
  has(name: string): boolean;
  /** Sends once. @throws ActionError `not_configured`, `unavailable`, `rejected`, `timeout`. */
  send(name: string, message: Notification, options: SendOptions): Promise<JsonObject>;
}
export interface SendOptions {
  readonly signal: AbortSignal;
  readonly idempotency_key: string;
}

/** The clients an action may use. Each loads its library on first use, so an idle service stays small. */
export interface ActionClients {
  /** @throws ActionError `not_configured`. */
  docker(): Promise<Docker>;
  /** Kubeconfig or in-cluster credentials. @throws ActionError `not_configured`. */
  kubernetes(): Promise<KubeConfig>;
  readonly flags: Flags;
  readonly notifiers: Notifiers;
  readonly silences: Silences;
  /** A connection to a database of the policy. @throws ActionError `not_configured`, `unavailable`, `timeout`. */
  postgres(name: string, signal: AbortSignal): Promise<Postgres>;
  /** Programs of this host. The policy's allow-list is asked by the action, through `allowed`. */
  readonly commands: Commands;
  /** What the policy's allow-lists let actions reach. Nothing is on them by default. */
  readonly allowed: Allowed;
}

/** Silences of Alertmanager, made and ended by us. */
export interface Silences {
  /** Those that are active or pending and that autoheal made. @throws ActionError `not_configured`, ... */
  ours(signal: AbortSignal): Promise<readonly Silence[]>;
  /** @returns the new silence's id. @throws ActionError `not_configured`, `unavailable`, `rejected`, `timeout`. */
  create(silence: NewSilence, signal: AbortSignal): Promise<string>;
  /** Ends it now; one that has ended already is fine. */
  expire(id: string, signal: AbortSignal): Promise<void>;
}
export interface SilenceMatcher {
  readonly name: string;
  readonly value: string;
  readonly is_regex: boolean;
  readonly is_equal: boolean;
}
export interface NewSilence {
  readonly matchers: readonly SilenceMatcher[];
  /** Ms since the epoch. */
  readonly ends_at: number;
  /** Says for what it was made; carries the idempotency key. */
  readonly comment: string;
}
export interface Silence extends NewSilence {
  readonly id: string;
}

/** A connection to PostgreSQL, for one call; the caller ends it. */
export interface Postgres {
  query(
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Readonly<Record<string, unknown>>[]>;
  end(): Promise<void>;
}

export interface Commands {
  /**
   * Runs a program without a shell, in a process group of its own, with an environment of its own;
   * aborting kills the whole group. Output is bounded. @throws ActionError `not_found`, `forbidden`, `timeout`.
   */
  run(argv: readonly string[], options: CommandOptions): Promise<CommandResult>;
}
export interface CommandOptions {
  readonly signal: AbortSignal;
  /** Added to a minimal environment (PATH, LANG). */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}
export interface CommandResult {
  /** Null where a signal ended it. */
  readonly rc: number | null;
  readonly signal: string | null;
  /** The first and last bytes where it was longer than the limit. */
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
}

export interface Allowed {
  /** Does the policy's `commands` hold a line that this argv fits? */
  command(argv: readonly string[]): boolean;
  /** Is the address's origin in the policy's `hosts`? */
  host(url: URL): boolean;
}

/** What an action may use while it runs. Everything that waits takes `signal`. */
export interface ActionContext {
  readonly signal: AbortSignal;
  /** Stable across retries and restarts: pass it on to whatever can deduplicate. */
  readonly idempotency_key: string;
  /** Counted from 1. */
  readonly attempt: number;
  /** Name and ids of what it runs for. */
  readonly cause: ActionCause;
  readonly log: ActionLog;
  readonly clients: ActionClients;
  /** True when the policy's `targets` opts this target in by name. */
  readonly allows: (target_id: string, name: string) => boolean;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** Resolves after `ms`; rejects when `signal` aborts. */
  readonly sleep: (ms: number) => Promise<void>;
}
export interface ActionCause {
  readonly fingerprint: string;
  readonly rule: string;
  readonly remediation: string;
  readonly alertname: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** When the intent was committed; null while planning. Ms since the epoch. */
  readonly intent_at: number | null;
  /** The trace it belongs to, 32 hex digits; for what the action's clients record. */
  readonly trace_id: string | null;
}
export type ActionLog = (event: string, fields?: Readonly<Record<string, unknown>>) => void;

/** What the target itself says after the action. */
export type Health = 'healthy' | 'pending' | 'failed';

/** What a crash left: was the intent carried out? */
export type Probe = 'done' | 'not_done' | 'unknown';

/** How the end of a lease went. `changed_elsewhere`: somebody else moved the target; it was left alone. */
export interface Reverted {
  readonly result: 'reverted' | 'changed_elsewhere';
  /** What was done, as a person would type it; null where nothing was. */
  readonly cmd: string | null;
  readonly evidence: JsonObject;
}

/**
 * A plug-in: what a step does. One file in `actions/`, default export of `defineAction`.
 * The engine calls `resolve`, runs the guards, commits the intent, then calls `execute` for each
 * target; it owns retry, deadline, breaker, chaos and audit.
 */
export interface Action<P> {
  /** snake_case; the file is the same in kebab-case: `restart_container`, actions/restart-container.ts. */
  readonly id: string;
  readonly summary: string;
  /** Whose breaker counts its failures: `docker`, `workers`, `flags`, `notify`. */
  readonly backend: string;
  /** Strict zod object. Checked when the rule loads (templates standing in) and again after rendering. */
  readonly params: z.ZodType<P>;
  /** May `execute` be begun again after a crash without asking the target first? */
  readonly safe_to_repeat: boolean;
  /** Can a step carry `lease:`? True needs `revert`, and `observed`/`desired` on every target. */
  readonly leasable: boolean;
  /**
   * Finds the targets, observes them, makes relative changes absolute. Reads only, changes nothing.
   * @throws ActionError `not_found`, `ambiguous`, `limit_reached`, `unavailable`, ...
   */
  readonly resolve: (params: P, ctx: ActionContext) => Promise<readonly Target[]>;
  /** What would change, in a line a person can read; reads only. */
  readonly preview: (params: P, target: Target, ctx: ActionContext) => Promise<string>;
  /** Acts on one target: compares with `target.observed`, sets `target.desired`; returns evidence. */
  readonly execute: (params: P, target: Target, ctx: ActionContext) => Promise<JsonObject>;
  /** Health of the target after acting, for `verify: { health: true }`. */
  readonly verify?: (
    params: P,
    target: Target,
    evidence: JsonObject,
    ctx: ActionContext,
  ) => Promise<Health>;
  /** After a crash between intent and outcome: was it done? Needed unless `safe_to_repeat`. */
  readonly probe?: (params: P, target: Target, ctx: ActionContext) => Promise<Probe>;
  /** Restores `original` if the target still has `value`. Safe to repeat by contract. */
  readonly revert?: (target: Target, undo: Undo, ctx: ActionContext) => Promise<Reverted>;
  /**
   * For rule tests and backtests: the targets it would have, from parameters and a world of data alone.
   * `'as_is'`: it touches only clients that a rehearsal has (flags, notifiers, silences), so it runs itself.
   * Absent: one target, named by the action and its parameters. @throws ActionError as `resolve`.
   */
  readonly rehearse?: 'as_is' | ((params: P, world: RehearsedWorld) => readonly Target[]);
}
/** What a world of data says of targets. Ids are by name: `docker/crm-api`, `k8s/prod/deployment/worker`. */
export interface RehearsedWorld {
  /** The state of a target; `undefined`: the world says nothing of it, and a sane default stands in. */
  observed(target_id: string): Json | undefined;
  /** @throws ActionError `not_found` when the world says that it is not there. Opted in unless it says otherwise. */
  about(target_id: string): { readonly opted_in: boolean; readonly group?: TargetGroup };
  /** What the policy's allow-lists let actions reach, and what the plan is for: as in `ActionContext`. */
  readonly clients: Pick<ActionClients, 'allowed'>;
  readonly cause: ActionCause;
}
export interface Undo {
  readonly params: JsonObject;
  readonly original: Json;
  readonly value: Json;
}

/** The registry's view: an action of any parameter type. */
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyAction = Action<any>;

const made = new WeakSet<object>();

export function defineAction<P>(action: Action<P>): Action<P> {
  made.add(action);
  return action;
}

/** Only what came out of `defineAction` is an action: the brand cannot be forged by shape. */
export function isAction(value: unknown): value is AnyAction {
  return typeof value === 'object' && value !== null && made.has(value);
}
