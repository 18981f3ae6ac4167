import type { Clock, Ids, Log, Metrics } from '../ports.ts';
import type { Store } from '../store.ts';
import { auditChange } from './deps.ts';

/** Clients counted apart within a minute; the rest share one entry, so an attacker cannot fill the log. */
const CLIENTS_MAX = 100;
const OTHERS = 'others';

/** Refused sign-ins, one audit entry for each client and minute. */
export interface AuthAudit {
  denied(client: string, route: string): void;
  /** Writes what has been counted; called once a minute and at the end. */
  flush(): Promise<void>;
}

export function createAuthAudit(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
}): AuthAudit {
  let counted = new Map<string, { count: number; route: string }>();
  return {
    denied(client, route) {
      const key = counted.has(client) || counted.size < CLIENTS_MAX ? client : OTHERS;
      const count = (counted.get(key)?.count ?? 0) + 1;
      counted.set(key, { count, route });
    },
    async flush() {
      if (counted.size === 0) return;
      const batch = counted;
      counted = new Map();
      const changes = [...batch].map(([client, { count, route }]) =>
        auditChange(deps, {
          kind: 'auth_denied',
          actor: client,
          result: 'denied',
          detail: { client, count, last_route: route },
        }),
      );
      await deps.store.commit(changes);
      deps.log.warn(
        { clients: batch.size },
        'requests were refused: no valid token, or too low a role',
      );
    },
  };
}
