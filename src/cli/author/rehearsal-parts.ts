import { fileURLToPath } from 'node:url';
import { createIds } from '../../adapters/ids.ts';
import { IN_MEMORY, openSqliteStore } from '../../adapters/store/open.ts';
import { NO_TRACER } from '../../adapters/tracing.ts';
import { MUTE_METRICS } from '../../engine/mute.ts';
import { loadActions } from '../../engine/registry.ts';
import type { RehearsalOptions } from '../../rehearsal/rehearsal.ts';

const ACTIONS = fileURLToPath(new URL('../../../actions/', import.meta.url));

/** What every rehearsal needs of the adapters: the shipped actions, a store in memory, ids. */
export async function rehearsalParts(): Promise<
  Pick<RehearsalOptions, 'actions' | 'openStore' | 'parts'>
> {
  return {
    actions: await loadActions(ACTIONS),
    openStore: (clock) => openSqliteStore({ path: IN_MEMORY, metrics: MUTE_METRICS, clock }),
    parts: { ids: createIds, metrics: MUTE_METRICS, tracer: NO_TRACER },
  };
}
