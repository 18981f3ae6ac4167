import type { Labels } from '../json.ts';

/** One firing of one alert, from the first firing to its close (DESIGN §2). Times in ms since the epoch. */
export interface Episode {
  readonly id: string;
  readonly fingerprint: string;
  readonly alertname: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Who sent it: `alertmanager`, `grafana`, `curl`, ... Only `alertmanager` is rechecked and reconciled. */
  readonly source: string;
  readonly generator_url: string;
  readonly state: 'open' | 'closed';
  /** The earliest startsAt seen. It moves at the sender, so it is a hint, never an identity. */
  readonly starts_at: number | null;
  readonly opened_at: number;
  readonly last_firing_at: number;
  /** Our clock when it was closed. */
  readonly closed_at: number | null;
  /** The sender's endsAt of the closing delivery, else our clock: what late duplicates are held against. */
  readonly ended_at: number | null;
  readonly close_reason: string | null;
  /** Deliveries that said "firing" during this episode. */
  readonly firings: number;
  /** Version of the rule set that last looked at it; a newer one looks again at the next repeat. */
  readonly matched_rules: string;
  readonly drill: boolean;
  readonly trace_id: string | null;
}
