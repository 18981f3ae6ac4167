import { z } from 'zod';
import { isoTime } from '../core/time.ts';
import type { AuditRecord } from '../core/audit/audit.ts';
import type { Episode } from '../core/alerts/episode.ts';
import type { ActionRun, Plan, Remediation, Target } from '../core/healing/remediation.ts';
import type { Pause } from '../engine/api.ts';
import type { DeliverySummary } from '../store.ts';

/**
 * What goes out: the stored values with times as RFC 3339 UTC, without the fields that only the
 * worker's bookkeeping needs. Each view stands beside its schema.
 */

/** RFC 3339, or null. */
export const Time = z.iso.datetime();
export const NullableTime = Time.nullable();
export const Labels = z.record(z.string(), z.string());
const Text = z.string();
const NullableText = z.string().nullable();
const NullableInt = z.int().nullable();
export const JsonObject = z.record(z.string(), z.json());

export function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}

/** A copy without some of its fields. */
export function without<T extends object, K extends keyof T>(
  value: T,
  keys: readonly K[],
): Omit<T, K> {
  const copy: Partial<T> = { ...value };
  for (const key of keys) delete copy[key];
  return copy as Omit<T, K>;
}

/** A page of anything: the next one is asked for with `cursor`. */
export function pageOf(item: z.ZodType): z.ZodType {
  return z.strictObject({ items: z.array(item), next_cursor: NullableText });
}

export const AuditItem = z
  .strictObject({
    seq: z.int(),
    id: Text,
    ts: Time,
    kind: Text,
    alertname: NullableText,
    fingerprint: NullableText,
    episode: NullableText,
    rule: NullableText,
    remediation: NullableText,
    step: NullableInt,
    attempt: NullableInt,
    action: NullableText,
    target: NullableText,
    cmd: NullableText,
    result: NullableText,
    reason: NullableText,
    rc: NullableInt,
    duration_ms: z.number().nullable(),
    chaos: z.boolean(),
    drill: z.boolean(),
    dry_run: z.boolean(),
    actor: Text,
    trace_id: NullableText,
    detail: JsonObject,
    prev_hash: Text,
    hash: Text,
  })
  .meta({ id: 'AuditEntry' });
/** In the order of DESIGN §8, whatever order the store keeps. */
export function auditView(record: AuditRecord): object {
  const { seq, id, ts, detail, prev_hash, hash, ...rest } = record;
  return { seq, id, ts: isoTime(ts), ...rest, detail, prev_hash, hash };
}

export const EpisodeItem = z
  .strictObject({
    id: Text,
    fingerprint: Text,
    alertname: Text,
    labels: Labels,
    annotations: Labels,
    source: Text,
    generator_url: Text,
    state: z.enum(['open', 'closed']),
    starts_at: NullableTime,
    opened_at: Time,
    last_firing_at: Time,
    closed_at: NullableTime,
    ended_at: NullableTime,
    close_reason: NullableText,
    firings: z.int(),
    matched_rules: Text,
    drill: z.boolean(),
    trace_id: NullableText,
  })
  .meta({ id: 'Episode' });
export function episodeView(episode: Episode): object {
  return {
    ...episode,
    starts_at: timeOrNull(episode.starts_at),
    opened_at: isoTime(episode.opened_at),
    last_firing_at: isoTime(episode.last_firing_at),
    closed_at: timeOrNull(episode.closed_at),
    ended_at: timeOrNull(episode.ended_at),
  };
}

const TargetItem = z.strictObject({
  id: Text,
  parents: z.array(Text),
  name: Text,
  opted_in: z.boolean(),
  opt_in_hint: Text,
  observed: z.json(),
  desired: z.json(),
  cmd: Text,
  group: z
    .strictObject({ id: Text, total: z.int(), healthy: z.int(), serves: z.boolean() })
    .optional(),
}) satisfies z.ZodType<{ [K in keyof Target]: unknown }>;

export const PlanItem = z.strictObject({
  step: z.int(),
  action: Text,
  params: JsonObject,
  targets: z.array(TargetItem),
  made_at: Time,
});
export function planView(plan: Plan): object {
  return { ...plan, step: plan.step + 1, made_at: isoTime(plan.made_at) };
}

export const RemediationItem = z
  .strictObject({
    id: Text,
    episode_id: Text,
    fingerprint: Text,
    alertname: Text,
    rule: Text,
    rule_hash: Text,
    state: Text,
    outcome: NullableText,
    reason: NullableText,
    detail: NullableText,
    /** Counted from 1, as in the audit. */
    step: z.int(),
    tries: z.int(),
    plan: PlanItem.nullable(),
    verify: z
      .strictObject({
        started_at: Time,
        deadline_at: Time,
        holds_since: NullableTime,
        held: z.boolean(),
        last: Text,
        blind: z.boolean(),
        checks: z.int(),
      })
      .nullable(),
    /** An operator wants no further step. */
    cancel: z.strictObject({ actor: Text, reason: Text, at: Time }).nullable(),
    /** Who started it by hand. */
    started_by: NullableText,
    drill: z.boolean(),
    /** Who gets a place first: tenths of a burn rate; 0: none. */
    priority: z.int(),
    /** Whose burn rate it follows: `service=checkout`. */
    priority_of: NullableText,
    /** Left alone until then, to learn what happens without the rule. */
    held_out_until: NullableTime,
    trace_id: NullableText,
    created_at: Time,
    updated_at: Time,
    ended_at: NullableTime,
    /** When the worker looks at it next; null: as soon as it can, or never again when done. */
    next_at: NullableTime,
    claimed_by: NullableText,
  })
  .meta({ id: 'Remediation' });
export function remediationView(remediation: Remediation): object {
  const { plan, verify, cancel, ...rest } = remediation;
  return {
    // What the guards said is on /api/v1/explain.
    ...without(rest, ['wakes', 'fence', 'claim_until', 'guards']),
    step: rest.step + 1,
    cancel: cancel && { ...cancel, at: isoTime(cancel.at) },
    plan: plan && planView(plan),
    verify: verify && {
      ...verify,
      started_at: isoTime(verify.started_at),
      deadline_at: isoTime(verify.deadline_at),
      holds_since: timeOrNull(verify.holds_since),
    },
    created_at: isoTime(rest.created_at),
    updated_at: isoTime(rest.updated_at),
    ended_at: timeOrNull(rest.ended_at),
    held_out_until: timeOrNull(rest.held_out_until),
    next_at: dueAt(rest),
  };
}

function dueAt({ next_at, state }: Pick<Remediation, 'next_at' | 'state'>): string | null {
  return state === 'done' || next_at <= 0 ? null : isoTime(next_at);
}

export const RunItem = z
  .strictObject({
    id: Text,
    remediation_id: Text,
    rule: Text,
    step: z.int(),
    action: Text,
    target: TargetItem,
    params: JsonObject,
    state: z.enum(['intent', 'ok', 'failed']),
    attempts: z.int(),
    chaos: z.boolean(),
    started_at: Time,
    finished_at: NullableTime,
    evidence: JsonObject.nullable(),
    error: NullableText,
  })
  .meta({ id: 'Run' });
export function runView(run: ActionRun): object {
  return {
    ...run,
    step: run.step + 1,
    started_at: isoTime(run.started_at),
    finished_at: timeOrNull(run.finished_at),
  };
}

export const DeliveryItem = z
  .strictObject({
    seq: z.int(),
    id: Text,
    received_at: Time,
    source: Text,
    bytes: z.int(),
    state: z.enum(['pending', 'drained', 'parked']),
    error: NullableText,
  })
  .meta({ id: 'Delivery' });
export function deliveryView(delivery: DeliverySummary): object {
  return { ...delivery, received_at: isoTime(delivery.received_at) };
}

export const PauseItem = z
  .strictObject({
    reason: Text,
    actor: Text,
    since: Time,
    until: NullableTime,
  })
  .meta({ id: 'Pause' });
export function pauseView(pause: Pause): object {
  return { ...pause, since: isoTime(pause.since), until: timeOrNull(pause.until) };
}
