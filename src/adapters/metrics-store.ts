import type { Metrics, StoreTimings } from '../ports.ts';
import { counter, gauge, histogram } from './metrics-series.ts';
import type { Registry } from './prom-client.ts';

const OPS = ['commit', 'claim', 'read'] as const;

/** How long the store takes, and whether what it keeps of the past can be believed. */
export function storeMetrics(registry: Registry): StoreTimings & Pick<Metrics, 'auditVerified'> {
  const seconds = histogram(
    registry,
    'autoheal_store_seconds',
    'What the database took; commit: one synced transaction, claim: with the wait for it, read: one read. Below 0.1 for 95 of 100 is what to expect',
    { op: OPS },
  );
  const chain_ok = gauge(
    registry,
    'autoheal_audit_chain_ok',
    '0 when the audit log was found changed behind our back. The log says at which entry',
  );
  const verified = gauge(
    registry,
    'autoheal_audit_verified_timestamp_seconds',
    'When the audit log was last gone through from end to end and held; 0: not since the start. Once an hour, a long log over several',
  );
  const breaks = counter(
    registry,
    'autoheal_audit_breaks_total',
    'Times the audit log was gone through and did not hold',
    {},
  );
  // Nothing found is nothing known to be wrong; the timestamp says whether anybody looked.
  chain_ok.set(1);
  return {
    store: (op, took) => seconds.observe({ op }, took),
    auditVerified(at) {
      chain_ok.set(at === null ? 0 : 1);
      if (at === null) breaks.inc();
      else verified.set(at / 1_000);
    },
  };
}
