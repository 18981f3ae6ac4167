import { z } from 'zod';
import { formatDuration } from '../duration.ts';
import type { RetentionPolicy } from './rule.ts';
import { GUARD_MAX_MS } from './rule-schema.ts';
import { durationSchema } from './schema-parts.ts';

const DAY = 24 * 3_600_000;

/**
 * One day more than the longest window of any guard, so that no guard and no count of autoheal's own
 * error budget ever looks back past what is kept.
 */
const HISTORY_MIN_MS = GUARD_MAX_MS + DAY;
const DELIVERIES_MIN_MS = DAY;
const RETENTION_MAX_MS = 3_650 * DAY;

/** What holds where a policy says nothing. */
const DEFAULTS: RetentionPolicy = {
  audit_ms: 400 * DAY,
  deliveries_ms: 30 * DAY,
  episodes_ms: 400 * DAY,
};

/** How long the sections of history are kept, by age. */
export const Retention = z
  .strictObject({
    audit: durationSchema(HISTORY_MIN_MS, RETENTION_MAX_MS)
      .prefault(formatDuration(DEFAULTS.audit_ms))
      .describe('Entries of the audit log.'),
    deliveries: durationSchema(DELIVERIES_MIN_MS, RETENTION_MAX_MS)
      .prefault(formatDuration(DEFAULTS.deliveries_ms))
      .describe('Bodies of the webhook, as they came.'),
    episodes: durationSchema(HISTORY_MIN_MS, RETENTION_MAX_MS)
      .prefault(formatDuration(DEFAULTS.episodes_ms))
      .describe(
        'Closed episodes with their remediations and runs, since they closed; ended leases and holds.',
      ),
  })
  .prefault({})
  .describe('How long rows are kept.');

/** The parsed section as the engine uses it. */
export function retentionOf(parsed: z.output<typeof Retention>): RetentionPolicy {
  const { audit, deliveries, episodes } = parsed;
  return { audit_ms: audit, deliveries_ms: deliveries, episodes_ms: episodes };
}
