import { expect, test } from 'vitest';
import type { Lease } from '../../../src/core/healing/lease.ts';
import type { Remediation } from '../../../src/core/healing/remediation.ts';
import type { Change, Claim } from '../../../src/store.ts';
import {
  type OpenSubject,
  NOW,
  conflictOf,
  holder,
  lease,
  remediation,
  target,
  useStore,
} from './make.ts';

const CLAIM: Claim = { worker: 'w', now: NOW, until: NOW + 1000, limit: 10 };

const NOTHING_WAITS = {
  ready: null,
  waiting: null,
  acting: null,
  verifying: null,
  escalating: null,
  lease: null,
};

function add(row: Lease): Change {
  return { kind: 'lease_add', lease: row };
}

function flagPut(expected: boolean | string, value: boolean | string): Change {
  const rest = { key: 'heuristics-only', default_value: false, at: NOW, actor: 'alice' };
  return { kind: 'flag_put', ...rest, expected, value };
}

export function leaseSuite(open: OpenSubject): void {
  const { lists, store, reopen } = useStore(open);

  async function put(row: Lease, release = true): Promise<void> {
    await store().commit([{ kind: 'lease_put', lease: row, release }]);
  }
  async function claimOne(): Promise<Lease> {
    const [row] = await store().claimLeases({ ...CLAIM, limit: 1 });
    return row as Lease;
  }

  test('a lease keeps every field, JSON null included', async () => {
    const row = lease('a', { original: null, value: { percent: 5 }, holders: [holder('e')] });
    await store().commit([add(row)]);
    expect(await store().activeLease('flag/a')).toEqual(row);
    const claimed = await claimOne();
    expect(claimed).toEqual({ ...row, fence: 1, claimed_by: 'w', claim_until: NOW + 1000 });
    const moved = { ...claimed, tries: 2, holders: [holder('e'), holder('f')], next_at: NOW + 5 };
    await put(moved, false);
    expect(await (await reopen()).activeLease('flag/a')).toEqual(moved);
    await put(moved);
    expect(await store().activeLease('flag/a')).toEqual({
      ...moved,
      claimed_by: null,
      claim_until: 0,
    });
  });

  test.each([
    ['active', true],
    ['reverting', true],
    ['reverted', false],
    ['superseded', false],
    ['failed', false],
  ] as const)('a lease that is %s stands: %s', async (state, stands) => {
    await store().commit([add(lease('a', { state, target: target('flag/x') }))]);
    expect((await store().activeLease('flag/x'))?.id).toBe(stands ? 'a' : undefined);
    expect((await store().activeLeases()).length).toBe(stands ? 1 : 0);
    const second = store().commit([add(lease('b', { target: target('flag/x') }))]);
    expect(await conflictOf(second)).toBe(stands ? 'lease_taken' : undefined);
    expect((await store().claimLeases(CLAIM)).map((one) => one.id)).toEqual([stands ? 'a' : 'b']);
  });

  test('since when the oldest work waits, by state, without what is over', async ({ skip }) => {
    skip(!lists());
    expect(await store().oldestWork()).toEqual(NOTHING_WAITS);
    function waiting(id: string, created_at: number, part: Partial<Remediation> = {}): Change {
      const row = remediation(id, { state: 'waiting', created_at, ...part });
      return { kind: 'remediation_add', remediation: row };
    }
    await store().commit([
      waiting('r1', NOW - 10),
      waiting('r2', NOW - 20),
      waiting('r3', NOW - 30, { state: 'done', outcome: 'healed', ended_at: NOW }),
      waiting('r4', NOW - 5, { state: 'verifying' }),
      add(lease('a', { target: target('flag/a'), created_at: NOW - 7 })),
      add(lease('b', { target: target('flag/b'), created_at: NOW - 8, state: 'reverting' })),
      add(lease('c', { target: target('flag/c'), created_at: NOW - 9, state: 'reverted' })),
    ]);
    expect(await store().oldestWork()).toEqual({
      ...NOTHING_WAITS,
      waiting: NOW - 20,
      verifying: NOW - 5,
      lease: NOW - 8,
    });
  });

  test('an older fence loses, and a lease cannot come back beside another', async () => {
    await store().commit([add(lease('a'))]);
    const first = await claimOne();
    await store().claimLeases({ ...CLAIM, now: NOW + 1000 });
    expect(await conflictOf(put(first))).toBe('fence_lost');
    expect(await store().fenceOf('lease', 'a')).toBe(2);
    await put({ ...first, fence: 2, state: 'reverted' });
    await store().commit([add(lease('b', { target: first.target }))]);
    expect(await conflictOf(put({ ...first, fence: 2, state: 'active' }))).toBe('lease_taken');
  });

  test('leases_wake wakes the standing leases with a holder of the episode', async () => {
    await store().commit([
      add(lease('a', { holders: [holder('e'), holder('f')] })),
      add(lease('b', { holders: [holder('f')] })),
      add(lease('c', { holders: [holder('e')], state: 'reverted' })),
    ]);
    await store().commit([{ kind: 'leases_wake', episode_id: 'e' }]);
    const rows = await store().activeLeases();
    expect(rows.map((row) => [row.id, row.wakes, row.next_at])).toEqual([
      ['a', 1, 0],
      ['b', 0, NOW],
    ]);
  });

  test('a holder that joined later is woken too, also while the lease is worked on', async () => {
    await store().commit([add(lease('a', { holders: [holder('e')] }))]);
    const claimed = await claimOne();
    const joined = { ...claimed, holders: [holder('e'), holder('g')] };
    await put(joined, false);
    await store().commit([{ kind: 'leases_wake', episode_id: 'g' }]);
    await put({ ...joined, next_at: NOW + 60_000 });
    const row = await store().activeLease('flag/a');
    expect([row?.next_at, row?.wakes]).toEqual([0, 1]);
  });

  test('nextDue sees leases; claims_release_all frees them', async () => {
    await store().commit([add(lease('a', { next_at: NOW - 7 })), add(lease('b'))]);
    expect(await store().nextDue(NOW)).toBe(NOW - 7);
    expect((await store().claimLeases(CLAIM)).map((one) => one.id)).toEqual(['a', 'b']);
    expect(await store().nextDue(NOW)).toBeNull();
    await store().commit([{ kind: 'claims_release_all' }]);
    expect(await store().nextDue(NOW)).toBe(NOW - 7);
  });
}

export function smallSuite(open: OpenSubject): void {
  const { store, reopen, outlives_close } = useStore(open);

  test('a flag is compared and set; an absent one has its default', async () => {
    expect(await store().flag('heuristics-only')).toBeUndefined();
    expect(await conflictOf(store().commit([flagPut(true, false)]))).toBe('flag_moved');
    await store().commit([flagPut(false, true)]);
    expect(await conflictOf(store().commit([flagPut(false, true)]))).toBe('flag_moved');
    expect(await conflictOf(store().commit([flagPut('true', true)]))).toBe('flag_moved');
    await store().commit([flagPut(true, 'text')]);
    const stored = await (await reopen()).flag('heuristics-only');
    expect(stored).toEqual({ value: 'text', updated_at: NOW, actor: 'alice' });
  });

  test('a setting is a document; null deletes it', async () => {
    expect(await store().setting('pause')).toBeUndefined();
    const value = { until: null, reasons: ['a', 1, true], ü: { x: 0.1 } };
    await store().commit([{ kind: 'setting_put', key: 'pause', value }]);
    expect(await (await reopen()).setting('pause')).toEqual(value);
    await store().commit([{ kind: 'setting_put', key: 'pause', value: 5 }]);
    expect(await store().setting('pause')).toBe(5);
    await store().commit([{ kind: 'setting_put', key: 'pause', value: null }]);
    expect(await store().setting('pause')).toBeUndefined();
  });

  test("a rule's text is kept once by its hash", async () => {
    const text = { kind: 'rule_text_add', hash: 'h', name: 'n', text: 'one', at: NOW } as const;
    await store().commit([text]);
    await store().commit([{ ...text, text: 'two' }]);
    expect(await store().ruleText('h')).toEqual({ name: 'n', text: 'one' });
    expect(await store().ruleText('none')).toBeUndefined();
  });

  test('ping answers; after close nothing does, and closing again is fine', async () => {
    await store().ping();
    const pending = store().commit([flagPut(false, true)]);
    await store().close();
    await pending;
    await expect(store().commit([flagPut(true, false)])).rejects.toThrow(/closed/);
    await expect(store().ping()).rejects.toThrow();
    await store().close();
    const kept = (await (await reopen()).flag('heuristics-only'))?.value;
    expect(kept).toBe(outlives_close() ? true : undefined);
  });
}
