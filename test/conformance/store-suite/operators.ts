import { expect, test } from 'vitest';
import type { Lease } from '../../../src/core/healing/lease.ts';
import type { Remediation } from '../../../src/core/healing/remediation.ts';
import type { Change } from '../../../src/store.ts';
import { approval, hold } from '../../fakes/values.ts';
import {
  type OpenSubject,
  NOW,
  conflictOf,
  episode,
  holder,
  lease,
  remediation,
  useStore,
} from './make.ts';

const ANSWER = { by: 'ann', reason: 'we know', at: NOW } as const;
const CANCEL = { actor: 'ann', reason: 'we know', at: NOW };

/** What operators ask for: holds, approvals, a cancelled remediation, the end of a lease. */
export function operatorSuite(open: OpenSubject): void {
  const { store, reopen } = useStore(open);
  const commit = (...changes: readonly Change[]) => store().commit(changes);

  function asked(id: string, over: Parameters<typeof approval>[0] = {}): Change {
    const at = { asked_at: NOW, expires_at: NOW + 60_000, remediation_id: 'r' };
    return { kind: 'approval_add', approval: approval({ id, ...at, ...over }) };
  }
  function waiting(id: string, over: Partial<Remediation> = {}): Change {
    const row = remediation(id, { state: 'waiting', reason: 'approval', ...over });
    return { kind: 'remediation_add', remediation: row };
  }
  function answer(id: string, state: 'granted' | 'denied' = 'granted', at = NOW): Change {
    return { kind: 'approval_answer', id, state, ...ANSWER, at };
  }

  test('a question, its answer and its use survive a reopen', async () => {
    await commit(waiting('r'), asked('q'));
    await commit(answer('q'));
    await reopen();
    expect(await store().approvalOf('r')).toEqual(
      approval({
        id: 'q',
        remediation_id: 'r',
        asked_at: NOW,
        expires_at: NOW + 60_000,
        state: 'granted',
        answered_at: NOW,
        answered_by: 'ann',
        reason: 'we know',
      }),
    );
    await commit({ kind: 'approval_use', id: 'q' });
    expect(await store().approvalOf('r')).toMatchObject({ state: 'used', answered_by: 'ann' });
  });

  test.each<[string, readonly Change[], Change]>([
    ['answered already', [answer('q')], answer('q', 'denied')],
    ['answered too late', [], answer('q', 'granted', NOW + 60_000)],
    ['never asked', [], answer('other')],
    ['used before it is granted', [], { kind: 'approval_use', id: 'q' }],
    ['used after it is denied', [answer('q', 'denied')], { kind: 'approval_use', id: 'q' }],
    [
      'used twice',
      [answer('q'), { kind: 'approval_use', id: 'q' }],
      { kind: 'approval_use', id: 'q' },
    ],
  ])(
    'an approval that is %s: approval_over, and nothing of the unit is written',
    async (_, before, late) => {
      await commit(asked('q'));
      for (const change of before) await commit(change);
      const stood = await store().approvalOf('r');
      const unit = commit({ kind: 'setting_put', key: 'k', value: 1 }, late);
      expect(await conflictOf(unit)).toBe('approval_over');
      expect(await store().approvalOf('r')).toEqual(stood);
      expect(await store().setting('k')).toBeUndefined();
    },
  );

  test('of two answers in one turn the first wins; of two uses too', async () => {
    await commit(asked('q'));
    const answers = await Promise.allSettled([commit(answer('q')), commit(answer('q', 'denied'))]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    const use: Change = { kind: 'approval_use', id: 'q' };
    const uses = await Promise.allSettled([commit(use), commit(use)]);
    expect(uses.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  test('the newest question of a plan, and of a remediation', async () => {
    await commit(asked('1', { plan_hash: 'x' }), asked('2', { plan_hash: 'y' }));
    await commit(asked('3', { plan_hash: 'x' }), asked('4', { remediation_id: 's' }));
    expect((await store().approvalFor('r', 'x'))?.id).toBe('3');
    expect((await store().approvalFor('r', 'y'))?.id).toBe('2');
    expect(await store().approvalFor('s', 'x')).toBeUndefined();
    expect((await store().approvalOf('r'))?.id).toBe('3');
  });

  test('open questions: asked, in time, newest of a remediation that waits; oldest first', async () => {
    await commit(waiting('r'), waiting('s'), waiting('t'), waiting('u', { state: 'done' }));
    await commit(asked('1'), asked('2'), asked('3', { remediation_id: 's' }));
    await commit(asked('4', { remediation_id: 't' }), asked('5', { remediation_id: 'u' }));
    await commit(answer('4'));
    const ids = async (now: number) => (await store().openApprovals(now)).map(({ id }) => id);
    expect(await ids(NOW)).toEqual(['2', '3']);
    expect(await ids(NOW + 60_000)).toEqual([]);
  });

  test('holds that stand: not ended, in time; an acknowledgement as long as its episode is open', async () => {
    const put = (over: Parameters<typeof hold>[0]): Change => ({
      kind: 'hold_put',
      hold: hold({ rule: 'x', ...over }),
    });
    await commit(
      put({ id: '1' }),
      put({ id: '2', until: NOW + 10 }),
      put({ id: '3', ended_at: 5 }),
    );
    await commit({ kind: 'episode_put', episode: episode('e') });
    await commit(put({ id: '4', kind: 'ack', rule: null, episode: 'e' }));
    await commit(put({ id: '5', kind: 'ack', rule: null, episode: 'gone' }));
    const ids = async (now: number) => (await store().holds(now)).map(({ id }) => id);
    expect(await ids(NOW)).toEqual(['1', '2', '4']);
    expect(await ids(NOW + 10)).toEqual(['1', '4']);
    await commit({
      kind: 'episode_put',
      episode: episode('e', { state: 'closed', closed_at: NOW }),
    });
    expect(await ids(NOW)).toEqual(['1', '2']);
    await commit(put({ id: '1', ended_at: NOW }));
    await reopen();
    expect(await ids(NOW)).toEqual(['2']);
    expect(await store().hold('1')).toEqual(hold({ id: '1', rule: 'x', ended_at: NOW }));
    expect(await store().hold('none')).toBeUndefined();
  });

  async function claimed(): Promise<Remediation> {
    const claim = { worker: 'w', now: NOW, until: NOW + 60_000, limit: 1 };
    return (await store().claimRemediations(claim))[0] as Remediation;
  }

  test('a wish for no further step survives the put of a worker that does not know it, and wakes', async () => {
    await commit({ kind: 'remediation_add', remediation: remediation('r') });
    const old = await claimed();
    await commit({ kind: 'remediation_cancel', id: 'r', cancel: CANCEL });
    const row: Remediation = { ...old, state: 'verifying', next_at: NOW + 60_000 };
    await commit({ kind: 'remediation_put', remediation: row, release: true });
    await reopen();
    expect(await store().remediation('r')).toMatchObject({
      state: 'verifying',
      cancel: CANCEL,
      next_at: 0,
    });
  });

  test('what is done cannot be cancelled, nor what is not there', async () => {
    await commit({ kind: 'remediation_add', remediation: remediation('r', { state: 'done' }) });
    for (const id of ['r', 'none'])
      expect(await conflictOf(commit({ kind: 'remediation_cancel', id, cancel: CANCEL }))).toBe(
        'remediation_over',
      );
    expect((await store().remediation('r'))?.cancel).toBeNull();
  });

  test('remediation_wake wakes one that lives, and no other', async () => {
    const later = { next_at: NOW + 60_000 };
    await commit(
      waiting('r', later),
      waiting('s', later),
      waiting('t', { ...later, state: 'done' }),
    );
    await commit({ kind: 'remediation_wake', id: 'r' }, { kind: 'remediation_wake', id: 't' });
    expect(await store().remediation('r')).toMatchObject({ wakes: 1, next_at: 0 });
    expect(await store().remediation('s')).toMatchObject({ wakes: 0, ...later });
    expect(await store().remediation('t')).toMatchObject({ wakes: 0, ...later });
  });

  test('what an operator ended stays ended, whatever the worker writes; an ended lease is left alone', async () => {
    const row = lease('a', { holders: [holder('e')], next_at: NOW });
    await commit({ kind: 'lease_add', lease: row });
    const [old] = await store().claimLeases({
      worker: 'w',
      now: NOW,
      until: NOW + 60_000,
      limit: 1,
    });
    await commit({ kind: 'lease_end', id: 'a', by: 'ann' });
    const put: Lease = { ...(old as Lease), next_at: NOW + 60_000 };
    await commit({ kind: 'lease_put', lease: put, release: true });
    expect(await store().activeLease('flag/a')).toMatchObject({ ended_by: 'ann', next_at: 0 });
    await commit({ kind: 'lease_put', lease: { ...put, state: 'reverted' }, release: true });
    await commit({ kind: 'lease_end', id: 'a', by: 'bob' });
    expect(await store().lastLease('flag/a')).toMatchObject({ state: 'reverted', ended_by: 'ann' });
  });

  test('the last lease of a target, also when it is over', async () => {
    expect(await store().lastLease('flag/a')).toBeUndefined();
    const target = lease('a').target;
    await commit({ kind: 'lease_add', lease: lease('a', { state: 'reverted', relapses: 1 }) });
    await commit({ kind: 'lease_add', lease: lease('b', { target, relapses: 2, told_at: NOW }) });
    expect(await store().lastLease('flag/a')).toEqual(
      lease('b', { target, relapses: 2, told_at: NOW }),
    );
  });
}
