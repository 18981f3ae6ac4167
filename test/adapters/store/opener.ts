import { openSqliteStore } from '../../../src/adapters/store/open.ts';

/** Opens the store named on the command line, says how it went, and ends. */
try {
  const store = await openSqliteStore({
    path: process.argv[2] as string,
    metrics: { auditWrite: () => {} },
    clock: { now: Date.now },
  });
  await store.close();
  process.stdout.write('opened');
} catch (error) {
  process.stdout.write(String(error));
}
