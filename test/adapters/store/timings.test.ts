import { expect, test } from 'vitest';
import { createMetrics } from '../../../src/adapters/metrics.ts';
import type { SqliteStore } from '../../../src/adapters/store/open.ts';
import { delivery, NOW } from '../../conformance/store-suite/make.ts';
import { useFolder } from './folder.ts';

const folder = useFolder();

test('commits, claims and reads are each timed once, failed ones too', async () => {
  const metrics = createMetrics({
    version: 'test',
    actions: [],
    backends: [],
    scrape: () => Promise.reject(new Error('not scraped')),
  });
  const store = await folder.open({ timings: metrics });
  async function counts() {
    const found = (await metrics.render()).matchAll(
      /^autoheal_store_seconds_count\{op="(\w+)"\} (\d+)$/gm,
    );
    return Object.fromEntries([...found].map(([, op, count]) => [op, Number(count)]));
  }
  expect(await counts()).toEqual({ commit: 0, claim: 0, read: 0 });

  await Promise.all([store.commit([delivery('a')]), store.commit([delivery('b')])]);
  expect(await counts()).toEqual({ commit: 1, claim: 0, read: 0 });

  await store.claimRemediations({ worker: 'w', now: NOW, until: NOW + 1, limit: 1 });
  expect(await counts()).toEqual({ commit: 2, claim: 1, read: 0 });

  await store.inbox(10);
  await store.audit({ order: 'asc', limit: 10 });
  const wrong = store.listDeliveries({ limit: 1, alertname: 'A' });
  await expect(wrong).rejects.toMatchObject({ code: 'invalid_request' });
  expect(await counts()).toEqual({ commit: 2, claim: 1, read: 3 });
});

test('how many commits waited at once is told once, and the size of the file', async () => {
  const store = (await folder.open()) as SqliteStore;
  expect(store.bytes()).toBeGreaterThan(0);
  await Promise.all(['a', 'b', 'c'].map((id) => store.commit([delivery(id)])));
  expect(store.commitsFullness()).toBe(3 / 100_000);
  expect(store.commitsWaiting()).toBe(3);
  expect(store.commitsFullness()).toBe(3 / 100_000);
  expect(store.commitsWaiting()).toBe(0);
  expect(store.commitsFullness()).toBe(0);
});
