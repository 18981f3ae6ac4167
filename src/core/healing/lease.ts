import type { Json, JsonObject } from '../json.ts';
import type { Target } from './remediation.ts';

/** A remediation that wants the leased value to stand. */
export interface LeaseHolder {
  readonly remediation_id: string;
  readonly episode_id: string;
  /** How long after the last evidence of firing it lasts. */
  readonly lease_ms: number;
  readonly expires_at: number;
  /** `resolved`, `expired`, `operator`, `failed`; null while it holds. */
  readonly released: string | null;
}

/**
 * A change with an end and a stored undo (DESIGN §6). One stands per target, with holders and one
 * original value; when the last holder lets go, the original comes back.
 */
export interface Lease {
  readonly id: string;
  readonly target: Target;
  readonly action: string;
  readonly params: JsonObject;
  readonly original: Json;
  readonly value: Json;
  /** `superseded`: somebody else changed the target since, and it was left alone. */
  readonly state: 'active' | 'reverting' | 'reverted' | 'superseded' | 'failed';
  readonly holders: readonly LeaseHolder[];
  readonly rule: string;
  readonly alertname: string;
  readonly fingerprint: string;
  readonly drill: boolean;
  readonly trace_id: string | null;
  readonly tries: number;
  /**
   * How often in a row the alert fired again soon after our own revert of the same value: the cure may
   * hide the symptom. Each time the next revert waits twice as long; then a human is told.
   */
  readonly relapses: number;
  /** When a human was told that it stands and is not undone by itself; null: nobody was. */
  readonly told_at: number | null;
  /** The operator who ended it; null: nobody. Written by whoever ends it, never by the worker. */
  readonly ended_by: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly next_at: number;
  readonly wakes: number;
  readonly fence: number;
  readonly claimed_by: string | null;
  readonly claim_until: number;
}
