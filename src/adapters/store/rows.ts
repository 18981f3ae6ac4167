import type { AuditLink } from '../../core/audit/audit-chain.ts';
import type { AuditRecord } from '../../core/audit/audit.ts';
import type { Approval } from '../../core/healing/approval.ts';
import type { Hold } from '../../core/healing/hold.ts';
import type { Episode } from '../../core/alerts/episode.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Lease } from '../../core/healing/lease.ts';
import type { ActionRun, Remediation } from '../../core/healing/remediation.ts';
import type { Delivery, DeliverySummary } from '../../store.ts';
import type { Row, Value } from './sqlite.ts';

/**
 * How a field is kept. `ms`: a time; a fraction (backoff with jitter makes them) is rounded.
 * `json`: text; JSON's null is SQL's null.
 */
type Codec = 'text' | 'number' | 'ms' | 'bool' | 'json';

/** A domain type and its table. Every field of the type is named, so a new one needs a migration. */
export interface Table<T> {
  readonly name: string;
  readonly columns: readonly string[];
  /** Values in the order of `columns`. @throws TypeError when a field is missing. */
  readonly encode: (value: T) => Value[];
  readonly decode: (row: Row) => T;
}

function table<T extends object>(
  name: string,
  codecs: Readonly<Record<keyof T & string, Codec>>,
  derived: Readonly<Record<string, (value: T) => Value>> = {},
): Table<T> {
  const fields = Object.entries(codecs) as [keyof T & string, Codec][];
  const extras = Object.entries(derived);
  return {
    name,
    columns: [...fields.map(([field]) => field), ...extras.map(([column]) => column)],
    // A loop, not `map` and spread: each acted alert is some fifteen rows.
    encode: (value) => {
      const values: Value[] = [];
      for (const [field, codec] of fields) values.push(toColumn(codec, value[field], field));
      for (const [, of] of extras) values.push(of(value));
      return values;
    },
    decode: (row) => {
      const value: Record<string, unknown> = {};
      for (const [field, codec] of fields) value[field] = fromColumn(codec, row[field] ?? null);
      return value as T;
    },
  };
}

function toColumn(codec: Codec, value: unknown, field: string): Value {
  if (value === null) return null;
  if (value === undefined) throw new TypeError(`${field} is missing`);
  switch (codec) {
    case 'text':
      // A lone surrogate has no UTF-8; it becomes U+FFFD here, not whatever the driver makes of it.
      return typeof value === 'string' ? value.toWellFormed() : (value as Value);
    case 'number':
      return value as number;
    case 'ms':
      return Math.round(value as number);
    case 'bool':
      return value === true ? 1 : 0;
    case 'json':
      return JSON.stringify(value);
  }
}

function fromColumn(codec: Codec, value: Value): unknown {
  if (value === null) return null;
  if (codec === 'bool') return value === 1;
  return codec === 'json' ? JSON.parse(value as string) : value;
}

export const EPISODES = table<Episode>('episodes', {
  id: 'text',
  fingerprint: 'text',
  alertname: 'text',
  labels: 'json',
  annotations: 'json',
  source: 'text',
  generator_url: 'text',
  state: 'text',
  starts_at: 'ms',
  opened_at: 'ms',
  last_firing_at: 'ms',
  closed_at: 'ms',
  ended_at: 'ms',
  close_reason: 'text',
  firings: 'number',
  matched_rules: 'text',
  drill: 'bool',
  trace_id: 'text',
});

/** What a repeat of the alert may change of its episode; the id, last, says which. None of it is in an index. */
export const EPISODE_REPEATS = table<
  Pick<
    Episode,
    | 'annotations'
    | 'source'
    | 'generator_url'
    | 'starts_at'
    | 'last_firing_at'
    | 'firings'
    | 'matched_rules'
    | 'id'
  >
>('episodes', {
  annotations: 'json',
  source: 'text',
  generator_url: 'text',
  starts_at: 'ms',
  last_firing_at: 'ms',
  firings: 'number',
  matched_rules: 'text',
  id: 'text',
});

export const REMEDIATIONS = table<Remediation>('remediations', {
  id: 'text',
  episode_id: 'text',
  fingerprint: 'text',
  alertname: 'text',
  rule: 'text',
  rule_hash: 'text',
  state: 'text',
  outcome: 'text',
  reason: 'text',
  detail: 'text',
  step: 'number',
  tries: 'number',
  plan: 'json',
  verify: 'json',
  guards: 'json',
  cancel: 'json',
  started_by: 'text',
  drill: 'bool',
  priority: 'number',
  priority_of: 'text',
  held_out_until: 'ms',
  trace_id: 'text',
  created_at: 'ms',
  updated_at: 'ms',
  ended_at: 'ms',
  next_at: 'ms',
  wakes: 'number',
  fence: 'number',
  claimed_by: 'text',
  claim_until: 'ms',
});

export const RUNS = table<ActionRun>(
  'runs',
  {
    id: 'text',
    remediation_id: 'text',
    rule: 'text',
    step: 'number',
    action: 'text',
    target: 'json',
    params: 'json',
    state: 'text',
    attempts: 'number',
    chaos: 'bool',
    started_at: 'ms',
    finished_at: 'ms',
    evidence: 'json',
    error: 'text',
  },
  { target_id: (run) => run.target.id.toWellFormed() },
);

export const LEASES = table<Lease>(
  'leases',
  {
    id: 'text',
    target: 'json',
    action: 'text',
    params: 'json',
    original: 'json',
    value: 'json',
    state: 'text',
    holders: 'json',
    rule: 'text',
    alertname: 'text',
    fingerprint: 'text',
    drill: 'bool',
    trace_id: 'text',
    tries: 'number',
    relapses: 'number',
    told_at: 'ms',
    ended_by: 'text',
    created_at: 'ms',
    updated_at: 'ms',
    next_at: 'ms',
    wakes: 'number',
    fence: 'number',
    claimed_by: 'text',
    claim_until: 'ms',
  },
  { target_id: (lease) => lease.target.id.toWellFormed() },
);

export const HOLDS = table<Hold>('holds', {
  id: 'text',
  kind: 'text',
  alertname: 'text',
  fingerprint: 'text',
  episode: 'text',
  rule: 'text',
  target: 'text',
  reason: 'text',
  actor: 'text',
  since: 'ms',
  until: 'ms',
  ended_at: 'ms',
});

export const APPROVALS = table<Approval>('approvals', {
  id: 'text',
  remediation_id: 'text',
  plan_hash: 'text',
  state: 'text',
  role: 'text',
  cmds: 'json',
  why: 'text',
  asked_at: 'ms',
  expires_at: 'ms',
  answered_at: 'ms',
  answered_by: 'text',
  reason: 'text',
});

/** `detail` stays text here: it is hashed as it is stored. */
export const AUDIT = table<AuditLink>('audit', {
  seq: 'number',
  id: 'text',
  ts: 'number',
  kind: 'text',
  alertname: 'text',
  fingerprint: 'text',
  episode: 'text',
  rule: 'text',
  remediation: 'text',
  step: 'number',
  attempt: 'number',
  action: 'text',
  target: 'text',
  cmd: 'text',
  result: 'text',
  reason: 'text',
  rc: 'number',
  duration_ms: 'number',
  chaos: 'bool',
  drill: 'bool',
  dry_run: 'bool',
  actor: 'text',
  trace_id: 'text',
  detail: 'text',
  prev_hash: 'text',
  hash: 'text',
});

export function auditRecord(row: Row): AuditRecord {
  const link = AUDIT.decode(row);
  return { ...link, detail: JSON.parse(link.detail) as JsonObject };
}

/** The columns of a delivery are its fields, so its row is one already. */
export function delivery(row: Row): Delivery {
  return { ...row } as unknown as Delivery;
}
export function deliverySummary(row: Row): DeliverySummary {
  return { ...row } as unknown as DeliverySummary;
}
