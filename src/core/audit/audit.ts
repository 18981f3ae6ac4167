import type { JsonObject } from '../json.ts';

/** Every kind of audit entry (DESIGN §8). Kinds of parts not built yet are added with the part. */
export const AUDIT_KINDS = [
  'webhook_received',
  'alert_firing',
  'alert_resolved',
  'decision_run',
  'decision_skip',
  'decision_wait',
  'approval_requested',
  'approval_granted',
  'approval_denied',
  'action_start',
  'action_ok',
  'action_fail',
  'action_dry_run',
  'verify_ok',
  'verify_fail',
  'revert_ok',
  'revert_fail',
  'lease_expired',
  'escalated',
  'remediation_done',
  'ack',
  'unack',
  'hold',
  'unhold',
  'pause',
  'resume',
  'flag_changed',
  'rules_loaded',
  'rules_rejected',
  'chaos_armed',
  'chaos_disarmed',
  'auth_denied',
  'audit_checkpoint',
  'service_started',
  'service_stopped',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** What an author of an entry says. The store adds `seq`, `prev_hash` and `hash` at commit. */
export interface AuditEntry {
  /** UUIDv7. */
  readonly id: string;
  /** Milliseconds since the epoch, UTC. */
  readonly ts: number;
  readonly kind: AuditKind;
  readonly alertname: string | null;
  readonly fingerprint: string | null;
  /** Episode id. */
  readonly episode: string | null;
  readonly rule: string | null;
  /** Remediation id. */
  readonly remediation: string | null;
  /** Step of the ladder, counted from 1 for people. */
  readonly step: number | null;
  /** Attempt within the step, counted from 1. */
  readonly attempt: number | null;
  readonly action: string | null;
  readonly target: string | null;
  /** What was done, as a person would type it: `docker restart crm-api`. */
  readonly cmd: string | null;
  readonly result: string | null;
  /** One word: a guard's, an ending's or an error's code. */
  readonly reason: string | null;
  readonly rc: number | null;
  readonly duration_ms: number | null;
  readonly chaos: boolean;
  readonly drill: boolean;
  readonly dry_run: boolean;
  /** `autoheal`, `alertmanager`, or the signed-in person or token. */
  readonly actor: string;
  readonly trace_id: string | null;
  readonly detail: JsonObject;
}

/** An entry as the store keeps it: numbered and chained. */
export interface AuditRecord extends AuditEntry {
  /** Position in the chain, from 1, without gaps. */
  readonly seq: number;
  /** Hex hash of the entry before, 64 zeros for the first. */
  readonly prev_hash: string;
  readonly hash: string;
}

export type AuditDraft = Partial<Omit<AuditEntry, 'id' | 'ts' | 'kind'>> & {
  readonly kind: AuditKind;
};

const EMPTY: Omit<AuditEntry, 'id' | 'ts' | 'kind'> = {
  alertname: null,
  fingerprint: null,
  episode: null,
  rule: null,
  remediation: null,
  step: null,
  attempt: null,
  action: null,
  target: null,
  cmd: null,
  result: null,
  reason: null,
  rc: null,
  duration_ms: null,
  chaos: false,
  drill: false,
  dry_run: false,
  actor: 'autoheal',
  trace_id: null,
  detail: {},
};

/** A whole entry from the fields that matter; the rest are null. `id` and `ts` come from the ports. */
export function auditEntry(id: string, ts: number, draft: AuditDraft): AuditEntry {
  return { ...EMPTY, ...draft, id, ts };
}

export const GENESIS_HASH = '0'.repeat(64);
