import type { Metrics } from '../ports.ts';
import { counter, gauge } from './metrics-series.ts';
import type { Registry } from './prom-client.ts';

const RESULT = ['ok', 'partial', 'failed'] as const;
const FINDING = ['unseen', 'restarted', 'evidence', 'vanished'] as const;

export type ReconcileMetrics = Pick<
  Metrics,
  'reconcilePoll' | 'reconcileFinding' | 'alertmanagerPolled'
>;

/** What is asked of Alertmanager's API, and what it knew that no delivery told. */
export function reconcileMetrics(registry: Registry): ReconcileMetrics {
  const polls = counter(
    registry,
    'autoheal_reconcile_polls_total',
    "Rounds of questions to Alertmanager's API and Prometheus, every 15 s; partial: some did not answer",
    { result: RESULT },
  );
  const findings = counter(
    registry,
    'autoheal_reconcile_findings_total',
    'Alerts that the API told of and no delivery did. unseen and vanished that keep coming mean that the webhook loses alerts',
    { finding: FINDING },
  );
  const polled = gauge(
    registry,
    'autoheal_alertmanager_last_poll_timestamp_seconds',
    'When every Alertmanager last answered; 0: never, or none is configured',
  );
  return {
    reconcilePoll: (result) => polls.inc({ result }),
    reconcileFinding: (finding, count) => findings.inc({ finding }, count),
    alertmanagerPolled: (at) => polled.set(at / 1_000),
  };
}
