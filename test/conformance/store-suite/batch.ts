import { expect, test } from 'vitest';
import { auditEntry } from '../../../src/core/audit/audit.ts';
import type { Change } from '../../../src/store.ts';
import { NOW, type OpenSubject, audit, conflictOf, delivery, episode, useStore } from './make.ts';

export function batchSuite(open: OpenSubject): void {
  const { store, reopen } = useStore(open);

  async function auditIds(): Promise<readonly string[]> {
    const { items } = await store().audit({ order: 'asc', limit: 1000 });
    return items.map((one) => one.id);
  }

  test('a bad unit among good ones takes back all of its own and nothing of theirs', async () => {
    const bad: readonly Change[] = [
      delivery('bad'),
      { kind: 'episode_put', episode: episode('bad') },
      { kind: 'setting_put', key: 'k', value: 'bad' },
      audit('bad'),
      { kind: 'inbox_advance', from: 77, to: 78 },
    ];
    const results = await Promise.allSettled([
      store().commit([delivery('a'), audit('1')]),
      store().commit(bad),
      store().commit([{ kind: 'setting_put', key: 'k', value: 'good' }, audit('2')]),
    ]);
    expect(results.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await reopen();
    const { deliveries } = await store().inbox(10);
    expect(deliveries.map((one) => [one.seq, one.id])).toEqual([[1, 'a']]);
    expect(await store().episode('bad')).toBeUndefined();
    expect(await store().setting('k')).toBe('good');
    expect(await auditIds()).toEqual(['1', '2']);
    expect((await store().verifyAudit(1)).ok).toBe(true);
  });

  test('an entry that cannot be chained fails its own unit only', async () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const entries = [
      { detail: circular as never },
      { detail: { n: Number.NaN } },
      { detail: null as never },
      { ts: 1.5 },
      { ts: Number.MAX_SAFE_INTEGER },
      { step: 0.5 },
      { duration_ms: Number.POSITIVE_INFINITY },
      { actor: null as never },
      { rule: 5 as never },
      { chaos: 'yes' as never },
    ];
    const good = store().commit([audit('good')]);
    for (const part of entries) {
      const entry = { ...auditEntry('bad', NOW, { kind: 'resume' }), ...part };
      await expect(store().commit([delivery('bad'), { kind: 'audit', entry }])).rejects.toThrow();
    }
    await good;
    expect(await auditIds()).toEqual(['good']);
    expect((await store().inbox(1)).deliveries).toEqual([]);
  });

  test('a change with a missing field fails its own unit only', async () => {
    const broken = { ...episode('b'), labels: undefined } as never;
    const results = await Promise.allSettled([
      store().commit([delivery('a')]),
      store().commit([audit('x'), delivery('b'), { kind: 'episode_put', episode: broken }]),
      store().commit([delivery('c')]),
    ]);
    expect(results.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await store().inbox(9)).deliveries.map((one) => one.id)).toEqual(['a', 'c']);
    expect(await auditIds()).toEqual([]);
  });

  test('units are applied, and their entries chained, in the order they came', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `${index}`);
    await Promise.all(ids.map((id) => store().commit([audit(`${id}a`), audit(`${id}b`)])));
    expect(await auditIds()).toEqual(ids.flatMap((id) => [`${id}a`, `${id}b`]));
  });

  test('a later unit of the turn sees what an earlier one wrote', async () => {
    const key = 'heuristics-only';
    const flag = { kind: 'flag_put', key, default_value: 0, at: NOW, actor: 'a' } as const;
    const results = await Promise.all(
      [0, 0, 1, 1].map((expected) =>
        conflictOf(store().commit([{ ...flag, expected, value: expected + 1 }])),
      ),
    );
    expect(results).toEqual([undefined, 'flag_moved', undefined, 'flag_moved']);
    expect((await store().flag(key))?.value).toBe(2);
  });

  test('more units than one transaction takes are all kept, in order', async () => {
    const ids = Array.from({ length: 2500 }, (_, index) => `${index}`);
    await Promise.all(ids.map((id) => store().commit([delivery(id)])));
    expect((await store().inboxDepth()).pending).toBe(2500);
    expect((await store().inbox(3000)).deliveries.map((one) => one.id)).toEqual(ids);
  });

  test('text that has no UTF-8 is made well-formed, not refused', async () => {
    const odd = 'x\ud800y';
    await store().commit([
      audit('a', { cmd: odd, detail: { [odd]: [odd, { deep: odd }] } }),
      { kind: 'episode_put', episode: episode('e', { alertname: odd, labels: { a: odd } }) },
    ]);
    await reopen();
    const { items } = await store().audit({ order: 'asc', limit: 1 });
    expect(items[0]?.cmd).toBe('x\ufffdy');
    expect(items[0]?.detail).toEqual({ 'x\ufffdy': ['x\ufffdy', { deep: 'x\ufffdy' }] });
    expect((await store().episode('e'))?.alertname).toBe('x\ufffdy');
    expect((await store().verifyAudit(1)).ok).toBe(true);
  });
}
