import type { Outcome } from '../healing/remediation.ts';

/** What became of one remediation, as far as its benefit asks. Times in ms since the epoch. */
export interface Treatment {
  /** Order of insertion; pages go by it. */
  readonly n: number;
  readonly episode_id: string;
  /** When the rule was chosen. */
  readonly created_at: number;
  readonly held_out_until: number | null;
  /** Null: under way. */
  readonly outcome: Outcome | null;
  /** Somebody began it: the choice was not the rule's. */
  readonly by_hand: boolean;
  readonly drill: boolean;
  /** When its alert stopped firing; null: it fires. */
  readonly closed_at: number | null;
  /** Start of its first run; null: nothing was done. */
  readonly acted_at: number | null;
  /** Its alert has `severity="critical"`: no hold-out draws it. */
  readonly critical: boolean;
  /** A run of it was made to fail on purpose. */
  readonly chaos: boolean;
  /** Start of the first run of another rule for the same firing; null: none. */
  readonly others_acted_at: number | null;
}
export interface TreatmentQuery {
  readonly rule: string;
  /** Only rows before this `n`. */
  readonly before?: number;
  /** 1 to `TREATMENTS_PAGE_MAX`. */
  readonly limit: number;
}
/** Rows of one look: some 10 ms of the database's time. */
export const TREATMENTS_PAGE_MAX = 250;

/** How far back a rule's benefit looks, where nobody says. */
export const BENEFIT_WINDOW_MS = 30 * 86_400_000;
export const BENEFIT_WINDOW_MAX_MS = 90 * 86_400_000;
