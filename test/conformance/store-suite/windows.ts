import { expect, test } from 'vitest';
import type { ActionRun, Remediation, TargetGroup } from '../../../src/core/healing/remediation.ts';
import { BUSY_WAKE_MAX, type Change } from '../../../src/store.ts';
import { type OpenSubject, NOW, conflictOf, remediation, run, target, useStore } from './make.ts';

/** What the guards look at beyond one target. */
export function windowSuite(open: OpenSubject): void {
  const { store, reopen } = useStore(open);
  const commit = (...changes: readonly Change[]) => store().commit(changes);

  /** A run of remediation `r` on the target, begun so long ago. */
  function begun(r: string, on: string, ago_ms: number, over: Partial<ActionRun> = {}): Change {
    const row = run(`${r}/0/${on}`, {
      remediation_id: r,
      target: target(on),
      started_at: NOW - ago_ms,
      ...over,
    });
    return { kind: 'run_put', run: row };
  }
  function added(id: string, over: Partial<Remediation> = {}): Change {
    return { kind: 'remediation_add', remediation: remediation(id, over) };
  }

  test('starts are counted; whoever counted before another started is refused', async () => {
    expect(await store().startCount()).toBe(0);
    await commit({ kind: 'start_count', expected: 0 });
    await commit({ kind: 'start_count', expected: null });
    expect(await store().startCount()).toBe(2);
    const late = commit(
      { kind: 'setting_put', key: 'k', value: 1 },
      { kind: 'start_count', expected: 1 },
    );
    expect(await conflictOf(late)).toBe('starts_moved');
    expect(await store().setting('k')).toBeUndefined();
    await reopen();
    expect(await store().startCount()).toBe(2);
  });

  test('of many that counted the same, in one turn, one starts', async () => {
    const all = Array.from({ length: 8 }, () => commit({ kind: 'start_count', expected: 0 }));
    const results = await Promise.allSettled(all);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await store().startCount()).toBe(1);
  });

  test('the nth newest start: each remediation once by its newest run, of one rule or of all', async () => {
    await commit(begun('1', 'a', 500), begun('1', 'b', 100), begun('2', 'a', 300));
    await commit(begun('3', 'a', 200, { rule: 'other' }), begun('me', 'a', 1));
    const nth = (n: number, rule: string | null, since = NOW - 1_000) =>
      store().nthStart({ rule, n, since, except: 'me' });
    expect(await Promise.all([1, 2, 3, 4].map((n) => nth(n, null)))).toEqual([
      NOW - 100,
      NOW - 200,
      NOW - 300,
      undefined,
    ]);
    expect(await Promise.all([1, 2, 3].map((n) => nth(n, 'ai-errors')))).toEqual([
      NOW - 100,
      NOW - 300,
      undefined,
    ]);
    expect(await nth(2, null, NOW - 150)).toBeUndefined();
    expect(await nth(1, null, NOW - 100)).toBe(NOW - 100);
  });

  test('targets touched since: the newest start of each, with its group, without one’s own', async () => {
    const group: TargetGroup = { id: 'compose/app', total: 3, healthy: 2, serves: true };
    await commit(begun('1', 'a', 500), begun('2', 'a', 100), begun('me', 'c', 1));
    await commit(
      begun('3', 'b', 50, { target: { ...target('b'), group } }),
      begun('4', 'd', 2_000),
    );
    const touched = await store().touchedSince({ since: NOW - 1_000, except: 'me', limit: 10 });
    expect(touched.toSorted((x, y) => x.target.localeCompare(y.target))).toEqual([
      { target: 'a', group: null, at: NOW - 100 },
      { target: 'b', group: 'compose/app', at: NOW - 50 },
    ]);
    const query = { since: NOW - 1_000, except: 'me', limit: 1 };
    expect(await store().touchedSince(query)).toHaveLength(1);
  });

  test('alerts that wanted healing since: each once, among the newest rows', async () => {
    await commit(added('old', { created_at: NOW - 5_000 }), added('1', { fingerprint: 'x' }));
    await commit(added('2', { fingerprint: 'x' }), added('3', { fingerprint: 'y' }));
    expect(await store().wantedSince(NOW - 1_000, 10)).toBe(2);
    expect(await store().wantedSince(NOW - 10_000, 10)).toBe(3);
    expect(await store().wantedSince(NOW - 10_000, 1)).toBe(1);
    expect(await store().wantedSince(NOW + 1, 10)).toBe(0);
  });

  test('outcomes on a target, newest first: without drills, chaos, errors of ours and what never began', async () => {
    const ended = (id: string, over: Partial<Remediation>) =>
      added(id, { state: 'done', reason: 'verified', ...over });
    await commit(ended('1', { outcome: 'healed' }), begun('1', 'a', 600));
    await commit(ended('2', { outcome: 'escalated', reason: 'flapped' }), begun('2', 'a', 500));
    await commit(ended('3', { outcome: 'escalated', drill: true }), begun('3', 'a', 400));
    await commit(ended('4', { outcome: 'escalated' }), begun('4', 'a', 300, { chaos: true }));
    await commit(ended('5', { outcome: 'escalated', reason: 'internal' }), begun('5', 'a', 250));
    await commit(ended('6', { outcome: 'refused', reason: 'resolved' }), begun('6', 'a', 200));
    await commit(ended('7', { outcome: 'healed' }), begun('7', 'b', 100));
    await commit(ended('8', { outcome: 'healed' }), begun('8', 'a', 50, { rule: 'other' }));
    await commit(added('9'), begun('9', 'a', 10), ended('10', { outcome: 'escalated' }));
    const on = (limit: number) => store().outcomesOn({ rule: 'ai-errors', target: 'a', limit });
    expect(await on(10)).toEqual(['escalated', 'healed']);
    expect(await on(1)).toEqual(['escalated']);
    expect(await on(0)).toEqual([]);
  });

  function lock(holder: string, ...ids: readonly string[]): Change {
    const targets = ids.map((id) => ({ id, parents: [id.split('.')[0] ?? ''] }));
    return { kind: 'lock', holder, at: NOW, targets };
  }

  test('siblings that others work on: all targets of whoever shares the parent', async () => {
    const sharers = () => store().lockSharers(['svc'], 'me');
    expect(await sharers()).toBe(0);
    await commit(lock('me', 'svc.1'), lock('x', 'svc.2', 'svc.3'), lock('y', 'other.1'));
    expect(await sharers()).toBe(2);
    await commit(lock('z', 'svc.4'));
    expect(await sharers()).toBe(3);
    await commit({ kind: 'unlock', holder: 'x' });
    expect(await sharers()).toBe(1);
    expect(await store().lockSharers([], 'me')).toBe(0);
  });

  async function woken(ids: readonly string[]): Promise<string[]> {
    const rows = await Promise.all(ids.map((id) => store().remediation(id)));
    return rows.flatMap((row) => (row?.next_at === 0 ? [row.id] : []));
  }

  test('unlock wakes who waits for the lock: a few, the oldest first, then others; nobody when nothing was held', async () => {
    const ids = Array.from({ length: 2 * BUSY_WAKE_MAX + 1 }, (_, n) => `r${n}`);
    const busy = { state: 'waiting', reason: 'busy', next_at: NOW + 60_000 } as const;
    await commit(...ids.map((id) => added(id, busy)), lock('x', 'a'), lock('y', 'b'));
    await commit(added('held', { ...busy, reason: 'held' }));
    await commit({ kind: 'unlock', holder: 'nobody' });
    expect(await woken(ids)).toEqual([]);
    await commit({ kind: 'unlock', holder: 'x' });
    expect(await woken([...ids, 'held'])).toEqual(ids.slice(0, BUSY_WAKE_MAX));
    await commit({ kind: 'unlock', holder: 'y' });
    expect(await woken(ids)).toEqual(ids.slice(0, 2 * BUSY_WAKE_MAX));
  });

  test('who says that it waits for this very holder is woken before older ones', async () => {
    const ids = Array.from({ length: BUSY_WAKE_MAX + 2 }, (_, n) => `r${n}`);
    const busy = { state: 'waiting', reason: 'busy', next_at: NOW + 60_000 } as const;
    const [last = ''] = ids.slice(-1);
    for (const id of ids)
      await commit(
        added(id, { ...busy, detail: `locked by ${id === last ? 'holder-x' : 'other'}` }),
      );
    await commit(lock('holder-x', 'a'));
    await commit({ kind: 'unlock', holder: 'holder-x' });
    const found = await woken(ids);
    expect(found).toHaveLength(BUSY_WAKE_MAX);
    expect(found).toContain(last);
  });
}
