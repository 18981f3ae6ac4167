import { expect, test } from 'vitest';
import type { Episode } from '../../../src/core/alerts/episode.ts';
import { type OpenSubject, NOW, conflictOf, episode, remediation, useStore } from './make.ts';

export function episodeSuite(open: OpenSubject): void {
  const { lists, store, reopen } = useStore(open);

  async function ids(query: object): Promise<string> {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store().listEpisodes({
        limit: 2,
        ...query,
        ...(cursor === undefined ? {} : { cursor }),
      });
      found.push(...page.items.map((one) => one.id));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    return found.join(' ');
  }

  async function put(...episodes: readonly Episode[]): Promise<void> {
    await store().commit(episodes.map((one) => ({ kind: 'episode_put', episode: one }) as const));
  }

  test('an episode keeps every field, also replaced, also after a reopen', async () => {
    const first = episode('a', { drill: true, trace_id: 'cd'.repeat(16) });
    await put(first);
    expect(await store().episode('a')).toEqual(first);
    const closed = {
      ...first,
      state: 'closed',
      starts_at: null,
      last_firing_at: NOW + 1,
      closed_at: NOW + 2,
      ended_at: NOW + 1,
      close_reason: 'resolved',
      firings: 7,
      matched_rules: 'v2',
      labels: {},
    } as const;
    await put(closed);
    expect(await (await reopen()).episode('a')).toEqual(closed);
    expect(await store().episode('nobody')).toBeUndefined();
  });

  test('a repeat writes what a repeat may change, and nothing else', async () => {
    const first = episode('a', { fingerprint: 'f', starts_at: NOW });
    await put(first);
    const repeat = {
      annotations: { summary: 'new words' },
      source: 'alertmanager',
      generator_url: 'http://prometheus.example.com/new',
      starts_at: NOW - 5,
      last_firing_at: NOW + 60_000,
      firings: 2,
      matched_rules: 'v2',
    };
    const kept = { labels: { not: 'written' }, state: 'closed', closed_at: NOW } as const;
    const twice = { ...first, ...kept, ...repeat };
    await store().commit([{ kind: 'episode_repeat', episode: twice }]);
    expect(await store().episode('a')).toEqual({ ...first, ...repeat });
  });

  test('a repeat of an episode that is not there fails its unit', async () => {
    const changes = [
      { kind: 'remediation_add', remediation: remediation('r') },
      { kind: 'episode_repeat', episode: episode('nobody') },
    ] as const;
    await expect(store().commit(changes)).rejects.toThrow('episode nobody is not there');
    expect(await store().remediation('r')).toBeUndefined();
  });

  test('one open episode a fingerprint', async () => {
    await put(episode('a', { fingerprint: 'f' }));
    const second = store().commit([
      { kind: 'episode_put', episode: episode('b', { fingerprint: 'f' }) },
    ]);
    expect(await conflictOf(second)).toBe('episode_open');
    await put(
      episode('a', { fingerprint: 'f', state: 'closed' }),
      episode('b', { fingerprint: 'f' }),
    );
    const again = store().commit([
      { kind: 'episode_put', episode: episode('a', { fingerprint: 'f' }) },
    ]);
    expect(await conflictOf(again)).toBe('episode_open');
    expect((await store().episode('a'))?.state).toBe('closed');
  });

  test('the newest episode of each fingerprint, by order and not by clock', async () => {
    await put(
      episode('a', { fingerprint: 'f', state: 'closed', opened_at: NOW }),
      episode('b', { fingerprint: 'f', opened_at: NOW - 60_000 }),
      episode('c', { fingerprint: 'g', state: 'closed' }),
    );
    const latest = await store().latestEpisodes(['f', 'g', 'h', 'f']);
    expect([...latest].map(([key, value]) => [key, value.id])).toEqual([
      ['f', 'b'],
      ['g', 'c'],
    ]);
  });

  test('require_open holds while the episode is open, and writes nothing', async () => {
    await put(episode('a'), episode('b', { state: 'closed' }));
    const acting = { kind: 'remediation_add', remediation: remediation('r') } as const;
    await store().commit([{ kind: 'require_open', episode_id: 'a' }]);
    for (const episode_id of ['b', 'nobody']) {
      const late = store().commit([acting, { kind: 'require_open', episode_id }]);
      expect(await conflictOf(late)).toBe('episode_closed');
    }
    expect(await store().remediation('r')).toBeUndefined();
  });

  test('a close earlier in the same turn is seen by require_open', async () => {
    await put(episode('a'));
    const close = put(episode('a', { state: 'closed' }));
    const late = store().commit([{ kind: 'require_open', episode_id: 'a' }]);
    expect(await conflictOf(late)).toBe('episode_closed');
    await close;
  });

  test('lists: newest first, filters, pages', async ({ skip }) => {
    skip(!lists());
    await put(
      ...Array.from({ length: 9 }, (_, index) =>
        episode(`e${index}`, {
          fingerprint: `f${index % 3}`,
          alertname: index % 2 === 0 ? 'Even' : 'Odd',
          state: index >= 6 ? 'open' : 'closed',
        }),
      ),
    );
    expect(await ids({})).toBe('e8 e7 e6 e5 e4 e3 e2 e1 e0');
    expect(await ids({ state: 'open' })).toBe('e8 e7 e6');
    expect(await ids({ state: 'closed', fingerprint: 'f1' })).toBe('e4 e1');
    expect(await ids({ alertname: 'Odd', state: 'open' })).toBe('e7');
    expect(await ids({ alertname: 'None' })).toBe('');
  });

  test.each([0, 1001, 1.5, Number.NaN])('limit %s is refused', async (limit) => {
    if (!lists()) return;
    await expect(store().listEpisodes({ limit })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  test('a cursor that is not of this list is refused', async ({ skip }) => {
    skip(!lists());
    await put(episode('a'), episode('b'));
    const { next_cursor } = await store().listEpisodes({ limit: 1 });
    expect(next_cursor).not.toBeNull();
    const foreign = ['', 'x', 'e30', Buffer.from('null').toString('base64url'), 'A'.repeat(300)];
    for (const cursor of foreign) {
      await expect(store().listEpisodes({ limit: 1, cursor })).rejects.toMatchObject({
        code: 'invalid_request',
      });
    }
    const other = store().listRemediations({ limit: 1, cursor: next_cursor as string });
    await expect(other).rejects.toMatchObject({ code: 'invalid_request' });
  });
}
