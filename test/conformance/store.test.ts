import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { IN_MEMORY, openSqliteStore } from '../../src/adapters/store/open.ts';
import type { Store } from '../../src/store.ts';
import { auditSuite } from './store-suite/audit.ts';
import { batchSuite } from './store-suite/batch.ts';
import { episodeSuite } from './store-suite/episodes.ts';
import { inboxSuite } from './store-suite/inbox.ts';
import { leaseSuite, smallSuite } from './store-suite/leases.ts';
import { lockSuite, runSuite } from './store-suite/locks.ts';
import { NOW, type OpenSubject, type Subject } from './store-suite/make.ts';
import { objectiveSuite } from './store-suite/objectives.ts';
import { operatorSuite } from './store-suite/operators.ts';
import { orderSuite } from './store-suite/order.ts';
import { remediationSuite } from './store-suite/remediations.ts';
import { windowSuite } from './store-suite/windows.ts';
import { retentionSuite } from './store-suite/retention.ts';

/** What every store has to do (src/store.ts). Each test gets a store of its own. */
export function describeStore(name: string, open: OpenSubject): void {
  describe(name, () => {
    describe('inbox', () => inboxSuite(open));
    describe('episodes', () => episodeSuite(open));
    describe('remediations', () => remediationSuite(open));
    describe('order and benefit', () => orderSuite(open));
    describe('runs', () => runSuite(open));
    describe('locks', () => lockSuite(open));
    describe('leases', () => leaseSuite(open));
    describe('flags, settings, rule texts', () => smallSuite(open));
    describe('units and group commit', () => batchSuite(open));
    describe('what operators ask for', () => operatorSuite(open));
    describe('windows and siblings', () => windowSuite(open));
    describe('objectives', () => objectiveSuite(open));
    describe('audit', () => auditSuite(open));
    describe('retention', () => retentionSuite(open));
  });
}

async function openSqlite(): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), 'autoheal-store-'));
  const path = join(folder, 'data', 'autoheal.db');
  let store: Store = await openAt(path);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await openAt(path);
      return store;
    },
    dispose: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

function openAt(path: string): Promise<Store> {
  return openSqliteStore({ path, metrics: { auditWrite: () => {} }, clock: { now: () => NOW } });
}

describeStore('sqlite', openSqlite);

/** Nothing outlives it, so one that is open is its own reopening, and one that was closed comes back empty. */
async function openInMemory(): Promise<Subject> {
  let store: Store = await openAt(IN_MEMORY);
  return {
    store,
    outlives_close: false,
    reopen: async () => {
      const is_open = await store.ping().then(
        () => true,
        () => false,
      );
      if (!is_open) store = await openAt(IN_MEMORY);
      return store;
    },
    dispose: () => store.close(),
  };
}

describeStore('sqlite in memory', openInMemory);
