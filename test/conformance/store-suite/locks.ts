import { expect, test } from 'vitest';
import type { ActionRun } from '../../../src/core/healing/remediation.ts';
import type { LockTarget } from '../../../src/store.ts';
import { type OpenSubject, NOW, conflictOf, run, remediation, target, useStore } from './make.ts';

const SERVICE: LockTarget = { id: 'compose/app', parents: [] };
const FIRST: LockTarget = { id: 'docker/1', parents: ['compose/app'] };
const SECOND: LockTarget = { id: 'docker/2', parents: ['compose/app'] };
const ELSEWHERE: LockTarget = { id: 'docker/9', parents: ['compose/other'] };

export function lockSuite(open: OpenSubject): void {
  const { store, reopen } = useStore(open);

  async function lock(holder: string, ...targets: readonly LockTarget[]): Promise<void> {
    await store().commit([{ kind: 'lock', holder, at: NOW, targets }]);
  }

  test.each([
    ['the same target', FIRST, FIRST, true],
    ['a sibling: the parent is shared', FIRST, SECOND, false],
    ['the parent, whose child is locked', FIRST, SERVICE, true],
    ['a child, whose parent is locked whole', SERVICE, FIRST, true],
    ['the same parent', SERVICE, SERVICE, true],
    ['something else', FIRST, ELSEWHERE, false],
  ])('%s', async (_, held, wanted, conflict) => {
    await lock('a', held);
    expect(await store().lockHolder([wanted], 'b')).toBe(conflict ? 'a' : undefined);
    expect(await conflictOf(lock('b', wanted))).toBe(conflict ? 'target_locked' : undefined);
    expect(await store().lockHolder([wanted], 'a')).toBe(conflict ? undefined : 'b');
    await lock('a', held);
  });

  test('a lock that fails leaves none of its targets locked', async () => {
    await lock('a', FIRST);
    expect(await conflictOf(lock('b', ELSEWHERE, FIRST))).toBe('target_locked');
    expect(await store().lockHolder([ELSEWHERE], 'c')).toBeUndefined();
    await lock('c', ELSEWHERE);
  });

  test('of two locks of one turn the first wins', async () => {
    const both = await Promise.allSettled([lock('a', FIRST), lock('b', FIRST)]);
    expect(both.map((one) => one.status)).toEqual(['fulfilled', 'rejected']);
    expect(await store().lockHolder([FIRST], '')).toBe('a');
  });

  test('unlock frees all of the holder and nothing of others; locks survive a reopen', async () => {
    await lock('a', FIRST, ELSEWHERE);
    await lock('b', SECOND);
    await reopen();
    expect(await store().lockHolder([SERVICE], 'a')).toBe('b');
    await store().commit([{ kind: 'unlock', holder: 'a' }]);
    expect(await store().lockHolder([FIRST, ELSEWHERE], 'z')).toBeUndefined();
    expect(await store().lockHolder([FIRST, SECOND], 'z')).toBe('b');
    await lock('c', FIRST);
  });

  test('a holder may widen its lock from a child to the parent, and it is whole then', async () => {
    await lock('a', FIRST);
    await lock('a', SERVICE);
    expect(await conflictOf(lock('b', SECOND))).toBe('target_locked');
    await lock('a', FIRST);
    expect(await conflictOf(lock('b', SECOND))).toBe('target_locked');
  });
}

export function runSuite(open: OpenSubject): void {
  const { store, reopen } = useStore(open);

  async function put(...runs: readonly ReturnType<typeof run>[]): Promise<void> {
    await store().commit(runs.map((one) => ({ kind: 'run_put', run: one }) as const));
  }

  test('a run keeps every field, replaced too', async () => {
    const intent = run('r/0/docker/a', { chaos: true, attempts: 1 });
    await put(intent);
    const done: ActionRun = {
      ...intent,
      state: 'failed',
      attempts: 3,
      finished_at: NOW + 9,
      evidence: { started_at: 'x', list: [1, null] },
      error: 'timeout',
    };
    await put(done, run('r/1/docker/a', { step: 1 }), run('s/0/x', { remediation_id: 's' }));
    await reopen();
    expect((await store().runsOf('r'))[0]).toEqual(done);
    expect((await store().runsOf('r')).map((one) => one.step)).toEqual([0, 1]);
    expect(await store().runsOf('nobody')).toEqual([]);
  });

  test('what a run is about stays as its intent wrote it', async () => {
    const intent = run('r/0/docker/a');
    await put(intent);
    const end = { state: 'failed', attempts: 2, finished_at: NOW + 9, error: 'timeout' } as const;
    await put({
      ...intent,
      ...end,
      started_at: NOW + 5,
      rule: 'other',
      target: target('docker/b'),
    });
    expect(await store().runsOf('r')).toEqual([{ ...intent, ...end }]);
  });

  test('runStarts: newest first, one a remediation, of the rule on the target', async () => {
    await put(
      run('a/0', { remediation_id: 'a', started_at: NOW - 100 }),
      run('b/0', { remediation_id: 'b', started_at: NOW - 50 }),
      run('b/1', { remediation_id: 'b', started_at: NOW - 10, step: 1 }),
      run('c/0', { remediation_id: 'c', started_at: NOW - 30, rule: 'other' }),
      run('d/0', { remediation_id: 'd', started_at: NOW - 20, target: target('docker/b') }),
      run('me/0', { remediation_id: 'me', started_at: NOW }),
    );
    const query = { rule: 'ai-errors', target: 'docker/a', except: 'me' };
    expect(await store().runStarts({ ...query, since: NOW - 100 })).toEqual([NOW - 10, NOW - 100]);
    expect(await store().runStarts({ ...query, since: NOW - 99 })).toEqual([NOW - 10]);
  });

  test('lastEndOn: the newest end of a remediation that began an action there', async () => {
    expect(await store().lastEndOn('docker/a', '')).toBeUndefined();
    const ends = { a: NOW - 50, b: NOW - 90, c: null, other: NOW, me: NOW - 1 };
    for (const [id, ended_at] of Object.entries(ends)) {
      const on = target(id === 'other' ? 'docker/b' : 'docker/a');
      await store().commit([
        {
          kind: 'remediation_add',
          remediation: remediation(id, { ended_at, state: ended_at === null ? 'acting' : 'done' }),
        },
        { kind: 'run_put', run: run(`${id}/0`, { remediation_id: id, target: on }) },
        { kind: 'run_put', run: run(`${id}/1`, { remediation_id: id, target: on, step: 1 }) },
      ]);
    }
    expect(await store().lastEndOn('docker/a', 'me')).toBe(NOW - 50);
    expect(await store().lastEndOn('docker/a', '')).toBe(NOW - 1);
  });
}
