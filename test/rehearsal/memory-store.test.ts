import { describe, expect, test } from 'vitest';
import { IN_MEMORY, openSqliteStore } from '../../src/adapters/store/open.ts';
import { createMemoryStore } from '../../src/rehearsal/memory/store.ts';
import type { Store } from '../../src/store.ts';
import { leaseSuite } from '../conformance/store-suite/leases.ts';
import { lockSuite, runSuite } from '../conformance/store-suite/locks.ts';
import { NOW, type Subject } from '../conformance/store-suite/make.ts';
import { operatorSuite } from '../conformance/store-suite/operators.ts';
import { remediationSuite } from '../conformance/store-suite/remediations.ts';
import { episodeSuite } from '../conformance/store-suite/episodes.ts';
import { inboxSuite } from '../conformance/store-suite/inbox.ts';
import { windowSuite } from '../conformance/store-suite/windows.ts';

/** What every store has to do, as far as a replay asks it; lists are for people. */

async function open(): Promise<Store> {
  const log = await openSqliteStore({
    path: IN_MEMORY,
    metrics: { auditWrite() {} },
    clock: { now: () => NOW },
  });
  return createMemoryStore({
    log,
    audited: () => true,
    now: () => NOW,
    restsOf: () => undefined,
    restFor: () => [],
  }).store;
}

async function subject(): Promise<Subject> {
  const store = await open();
  return {
    store,
    outlives_close: false,
    lists: false,
    reopen: async () => store,
    dispose: () => store.close(),
  };
}

describe('runs', () => runSuite(subject));
describe('locks', () => lockSuite(subject));
describe('windows and siblings', () => windowSuite(subject));
describe('what operators ask for', () => operatorSuite(subject));
describe('leases', () => leaseSuite(subject));
describe('remediations', () => remediationSuite(subject));
describe('episodes', () => episodeSuite(subject));
describe('inbox', () => inboxSuite(subject));

test('what only a service asks is refused by its name', async () => {
  const store = await open();
  await expect(store.listEpisodes({ limit: 1 })).rejects.toThrow('has no listEpisodes');
  await store.close();
});
