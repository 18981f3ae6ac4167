import { fileURLToPath } from 'node:url';
import { createIds } from '../../adapters/ids.ts';
import { IN_MEMORY, openSqliteStore } from '../../adapters/store/open.ts';
import { NO_TRACER } from '../../adapters/tracing.ts';
import { loadActions } from '../../engine/registry.ts';
import type { Metrics } from '../../ports.ts';
import type { RehearsalOptions } from '../../rehearsal/rehearsal.ts';

const ACTIONS = fileURLToPath(new URL('../../../actions/', import.meta.url));

function nothing(): void {}

/** Nobody scrapes a rehearsal. */
export const NO_METRICS: Metrics = {
  heartbeat: nothing,
  webhook: nothing,
  remediation: nothing,
  attempt: nothing,
  auditWrite: nothing,
  guard: nothing,
  remediationDone: nothing,
  harmSuspected: nothing,
  budgetSpent: nothing,
  burnsRead: nothing,
  revert: nothing,
  alerts: nothing,
  deliveryParked: nothing,
  authDenied: nothing,
  rulesReload: nothing,
  watchdog: nothing,
  chaos: nothing,
  breaker: nothing,
  backendCall: nothing,
  auditVerified: nothing,
  reconcilePoll: nothing,
  reconcileFinding: nothing,
  retained: nothing,
  alertmanagerPolled: nothing,
};

/** What every rehearsal needs of the adapters: the shipped actions, a store in memory, ids. */
export async function rehearsalParts(): Promise<
  Pick<RehearsalOptions, 'actions' | 'openStore' | 'parts'>
> {
  return {
    actions: await loadActions(ACTIONS),
    openStore: (clock) => openSqliteStore({ path: IN_MEMORY, metrics: NO_METRICS, clock }),
    parts: { ids: createIds, metrics: NO_METRICS, tracer: NO_TRACER },
  };
}
