import type { Clock, Log, Metrics } from '../ports.ts';
import type { Store } from '../store.ts';

/** Entries checked at a time: some 20 ms of work in two slices, every 5 s. 10 million entries take 7 h. */
const SLICE_ENTRIES = 2_000;
/** From the end of one pass to the beginning of the next. */
const EVERY_MS = 3_600_000;
/** The start has better things to do. */
const FIRST_AFTER_MS = 60_000;

export interface AuditCheck {
  /** Checks a slice of the audit log when it is time. */
  tick(): Promise<void>;
}

/**
 * Goes through the whole audit log, over and over: an old entry can be changed as well as a new one. What is
 * found stands in the log of the service and in metrics, not in the audit log: whoever changed that could
 * change it there too.
 */
export function createAuditCheck(engine: {
  readonly store: Pick<Store, 'verifyAudit'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'auditVerified'>;
}): AuditCheck {
  const { store, clock, log, metrics } = engine;
  let next_at = clock.now() + FIRST_AFTER_MS;
  let from = 1;

  function passEnded(now: number): void {
    from = 1;
    next_at = now + EVERY_MS;
  }

  return {
    async tick() {
      const now = clock.now();
      if (now < next_at) return;
      const verdict = await store.verifyAudit(from, SLICE_ENTRIES);
      if (!verdict.ok) {
        const { bad_seq, why } = verdict;
        log.error({ bad_seq, why }, 'the audit log does not verify');
        metrics.auditVerified(null);
        return passEnded(now);
      }
      from = verdict.from + verdict.rows;
      if (verdict.rows === SLICE_ENTRIES) return;
      metrics.auditVerified(now);
      passEnded(now);
    },
  };
}
