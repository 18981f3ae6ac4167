import { writeSync } from 'node:fs';
import { systemClock } from '../../src/adapters/clock.ts';
import { createIds } from '../../src/adapters/ids.ts';
import { openSqliteStore } from '../../src/adapters/store/open.ts';
import { auditEntry } from '../../src/core/audit/audit.ts';

/** Commits deliveries, each with its audit entry, until it is killed; says each id once acknowledged. */
const WRITERS = 8;

const store = await openSqliteStore({
  path: process.argv[2] as string,
  metrics: { auditWrite: () => {} },
  clock: systemClock,
});
const ids = createIds(systemClock);

async function write(): Promise<never> {
  for (;;) {
    const id = ids.next();
    await store.commit([
      {
        kind: 'delivery_add',
        delivery: {
          id,
          received_at: systemClock.now(),
          source: 'curl',
          trace_id: null,
          body: new TextEncoder().encode(`{"id":"${id}"}`.padEnd(1000)),
        },
      },
      {
        kind: 'audit',
        entry: auditEntry(id, systemClock.now(), { kind: 'webhook_received', detail: { id } }),
      },
    ]);
    // Written at once, past every buffer: what the parent reads was acknowledged.
    writeSync(1, `${id}\n`);
  }
}

await Promise.all(Array.from({ length: WRITERS }, write));
