import { expect, test } from 'vitest';
import type { Remediation } from '../../../src/core/healing/remediation.ts';
import type { Claim } from '../../../src/store.ts';
import {
  NOW,
  conflictOf,
  episode,
  remediation,
  target,
  type OpenSubject,
  useStore,
} from './make.ts';

function claim(part: Partial<Claim> = {}): Claim {
  return { worker: 'w', now: NOW, until: NOW + 1000, limit: 10, ...part };
}

export function remediationSuite(open: OpenSubject): void {
  const { lists, store, reopen } = useStore(open);

  async function add(...remediations: readonly Remediation[]): Promise<void> {
    await store().commit(
      remediations.map((one) => ({ kind: 'remediation_add', remediation: one }) as const),
    );
  }
  async function put(row: Remediation, release: boolean): Promise<void> {
    await store().commit([{ kind: 'remediation_put', remediation: row, release }]);
  }
  async function claimOne(): Promise<Remediation> {
    const [row] = await store().claimRemediations(claim({ limit: 1 }));
    return row as Remediation;
  }

  test('a remediation keeps every field through add, claim, put and reopen', async () => {
    const row = remediation('r', { drill: true, trace_id: 'ef'.repeat(16), detail: 'x' });
    await add(row);
    expect(await store().remediation('r')).toEqual(row);
    const claimed = await claimOne();
    expect(claimed).toEqual({ ...row, fence: 1, claimed_by: 'w', claim_until: NOW + 1000 });
    const acting: Remediation = {
      ...claimed,
      state: 'acting',
      reason: 'busy',
      step: 1,
      tries: 2,
      plan: {
        step: 1,
        action: 'scale',
        params: { by: 2 },
        targets: [target('k8s/a')],
        made_at: NOW,
      },
      verify: {
        started_at: NOW,
        deadline_at: NOW + 5,
        holds_since: null,
        held: false,
        last: 'no',
        blind: true,
        checks: 3,
      },
      updated_at: NOW + 1,
      next_at: NOW + 2,
    };
    await put(acting, false);
    expect(await (await reopen()).remediation('r')).toEqual(acting);
    const done: Remediation = { ...acting, state: 'done', outcome: 'healed', ended_at: NOW + 3 };
    await put(done, true);
    expect(await store().remediation('r')).toEqual({ ...done, claimed_by: null, claim_until: 0 });
    expect(await store().remediation('nobody')).toBeUndefined();
  });

  test('a put with an older fence, or of nothing, loses', async () => {
    await add(remediation('r', { next_at: 0 }));
    const first = await claimOne();
    const again = await store().claimRemediations(claim({ now: NOW + 1000, until: NOW + 9000 }));
    expect(again.map((one) => one.fence)).toEqual([2]);
    expect(await conflictOf(put({ ...first, state: 'acting' }, false))).toBe('fence_lost');
    expect(await conflictOf(put(remediation('nobody'), false))).toBe('fence_lost');
    expect((await store().remediation('r'))?.state).toBe('ready');
    expect(await store().fenceOf('remediation', 'r')).toBe(2);
    expect(await store().fenceOf('remediation', 'nobody')).toBeUndefined();
  });

  test('the standing is the fence and the state of the episode, as they are now', async () => {
    await store().commit([{ kind: 'episode_put', episode: episode('e') }]);
    await add(remediation('r', { episode_id: 'e', next_at: 0 }));
    expect(await store().standingOf('r')).toEqual({ fence: 0, episode: 'open' });
    await claimOne();
    await store().commit([{ kind: 'episode_put', episode: episode('e', { state: 'closed' }) }]);
    expect(await store().standingOf('r')).toEqual({ fence: 1, episode: 'closed' });
    expect(await store().standingOf('nobody')).toBeUndefined();
  });

  test('woken while it was worked on: it is looked at again, and the wake is not lost', async () => {
    await add(remediation('r', { episode_id: 'e' }));
    const claimed = await claimOne();
    await store().commit([{ kind: 'remediations_wake', episode_id: 'e' }]);
    await put({ ...claimed, state: 'waiting', reason: 'busy', next_at: NOW + 60_000 }, true);
    const stored = await store().remediation('r');
    expect([stored?.next_at, stored?.wakes, stored?.state]).toEqual([0, 1, 'waiting']);
    const second = await claimOne();
    expect(second.wakes).toBe(1);
    await put({ ...second, next_at: NOW + 60_000 }, true);
    expect((await store().remediation('r'))?.next_at).toBe(NOW + 60_000);
  });

  test('a wake in the same turn as the put is kept, in either order', async () => {
    for (const wakeFirst of [true, false]) {
      const id = `r-${wakeFirst}`;
      await add(remediation(id, { episode_id: id }));
      const claimed = await claimOne();
      const wake = { kind: 'remediations_wake', episode_id: id } as const;
      const row = { ...claimed, next_at: NOW + 60_000 };
      const change = { kind: 'remediation_put', remediation: row, release: true } as const;
      const units = wakeFirst ? [[wake], [change]] : [[change], [wake]];
      await Promise.all(units.map((unit) => store().commit(unit)));
      expect((await store().remediation(id))?.next_at).toBe(0);
      await put({ ...(await claimOne()), state: 'done' }, true);
    }
  });

  test('remediations_wake wakes the live ones of the episode only', async () => {
    await add(
      remediation('a', { episode_id: 'e' }),
      remediation('b', { episode_id: 'e', state: 'done' }),
      remediation('c', { episode_id: 'other' }),
    );
    await store().commit([{ kind: 'remediations_wake', episode_id: 'e' }]);
    const rows = await Promise.all(['a', 'b', 'c'].map((id) => store().remediation(id)));
    expect(rows.map((row) => [row?.wakes, row?.next_at])).toEqual([
      [1, 0],
      [0, NOW],
      [0, NOW],
    ]);
  });

  test('waiting_wake wakes who waits for one of the reasons', async () => {
    await add(
      remediation('a', { state: 'waiting', reason: 'busy' }),
      remediation('b', { state: 'waiting', reason: 'paused' }),
      remediation('c', { state: 'waiting', reason: 'cooldown' }),
      remediation('d', { state: 'verifying', reason: 'busy' }),
    );
    await store().commit([{ kind: 'waiting_wake', reasons: ['busy', 'paused', 'busy'] }]);
    const rows = await Promise.all(['a', 'b', 'c', 'd'].map((id) => store().remediation(id)));
    expect(rows.map((row) => row?.wakes)).toEqual([1, 1, 0, 0]);
  });

  test('claims: due, unclaimed, oldest first, up to the limit', async () => {
    await add(
      remediation('later', { next_at: NOW + 1 }),
      remediation('b', { next_at: NOW - 10 }),
      remediation('a', { next_at: NOW - 20 }),
      remediation('taken', { claimed_by: 'x', claim_until: NOW + 1 }),
      remediation('lapsed', { claimed_by: 'x', claim_until: NOW, next_at: NOW - 5, fence: 3 }),
      remediation('over', { state: 'done', next_at: 0 }),
      remediation('c', { next_at: NOW }),
    );
    const two = await store().claimRemediations(claim({ limit: 2 }));
    expect(two.map((one) => one.id)).toEqual(['a', 'b']);
    const rest = await store().claimRemediations(claim());
    expect(rest.map((one) => [one.id, one.fence])).toEqual([
      ['lapsed', 4],
      ['c', 1],
    ]);
    expect(await store().claimRemediations(claim())).toEqual([]);
  });

  test('two claims of one turn share nothing', async () => {
    await add(...['a', 'b', 'c'].map((id) => remediation(id)));
    const [first, second] = await Promise.all([
      store().claimRemediations(claim({ limit: 2 })),
      store().claimRemediations(claim({ limit: 2, worker: 'x' })),
    ]);
    expect([first?.map((one) => one.id), second?.map((one) => one.id)]).toEqual([
      ['a', 'b'],
      ['c'],
    ]);
  });

  test('nextDue: the earliest that nobody holds', async () => {
    expect(await store().nextDue(NOW)).toBeNull();
    await add(remediation('a', { next_at: NOW + 50 }), remediation('b', { next_at: NOW - 5 }));
    expect(await store().nextDue(NOW)).toBe(NOW - 5);
    await store().claimRemediations(claim());
    expect(await store().nextDue(NOW)).toBe(NOW + 50);
    expect(await store().nextDue(NOW + 1000)).toBe(NOW - 5);
  });

  test('claims_release_all gives up what a dead process held', async () => {
    await add(remediation('a'));
    await claimOne();
    await store().commit([{ kind: 'claims_release_all' }]);
    const row = await store().remediation('a');
    expect([row?.claimed_by, row?.claim_until, row?.fence]).toEqual([null, 0, 1]);
    expect((await claimOne()).fence).toBe(2);
  });

  test('lists, counts and the remediations of an episode', async ({ skip }) => {
    skip(!lists());
    const states = ['ready', 'waiting', 'done', 'waiting', 'done', 'acting'] as const;
    await add(
      ...states.map((state, index) =>
        remediation(`r${index}`, {
          state,
          rule: index < 3 ? 'one' : 'two',
          episode_id: index < 2 ? 'e' : 'f',
          fingerprint: `f${index % 2}`,
          alertname: index === 5 ? 'Rare' : 'Often',
        }),
      ),
    );
    async function ids(query: object): Promise<string> {
      const first = await store().listRemediations({ limit: 1, ...query });
      const rest =
        first.next_cursor === null
          ? { items: [] }
          : await store().listRemediations({ ...query, limit: 9, cursor: first.next_cursor });
      return [...first.items, ...rest.items].map((one) => one.id).join(' ');
    }
    expect(await ids({})).toBe('r5 r4 r3 r2 r1 r0');
    expect(await ids({ state: 'waiting' })).toBe('r3 r1');
    expect(await ids({ state: 'done', rule: 'one' })).toBe('r2');
    expect(await ids({ fingerprint: 'f1' })).toBe('r5 r3 r1');
    expect(await ids({ alertname: 'Rare', state: 'acting' })).toBe('r5');
    expect(await store().countRemediations()).toEqual({
      ready: 1,
      waiting: 2,
      acting: 1,
      verifying: 0,
      escalating: 0,
      done: 2,
    });
    expect((await store().remediationsOf('e')).map((one) => one.id)).toEqual(['r0', 'r1']);
  });

  test('a time with a fraction (jitter makes them) is kept as whole ms', async () => {
    await add(remediation('r', { next_at: NOW + 0.6 }));
    expect((await store().remediation('r'))?.next_at).toBe(NOW + 1);
  });
}
