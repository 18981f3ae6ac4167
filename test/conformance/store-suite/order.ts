import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TREATMENTS_PAGE_MAX } from '../../../src/core/benefit/treatment.ts';
import { compareQueued, STARVING_AFTER_MS } from '../../../src/core/healing/priority.ts';
import type { Remediation } from '../../../src/core/healing/remediation.ts';
import { episode, NOW, type OpenSubject, remediation, run, target, useStore } from './make.ts';

/** Rounds of the property: each works on a store that keeps what the rounds before left. */
const ROUNDS = 60;

export function orderSuite(open: OpenSubject): void {
  const { store, reopen } = useStore(open);

  async function add(...rows: readonly Remediation[]): Promise<void> {
    await store().commit(
      rows.map((row) => ({ kind: 'remediation_add', remediation: row }) as const),
    );
  }
  async function claim(limit: number, now = NOW): Promise<readonly string[]> {
    const rows = await store().claimRemediations({ worker: 'w', now, until: now + 1_000, limit });
    return rows.map(({ id }) => id);
  }

  describe('claims', () => {
    test('take what starves first, then what is urgent, then the oldest', async () => {
      const starving = { next_at: NOW - STARVING_AFTER_MS, updated_at: NOW - STARVING_AFTER_MS };
      const fresh = { updated_at: NOW - 1 };
      await add(
        remediation('old', { next_at: NOW - 60_000, ...fresh }),
        remediation('older', { next_at: NOW - 61_000, ...fresh }),
        remediation('burns', { next_at: NOW, priority: 220, ...fresh }),
        remediation('burns-more', { next_at: NOW, priority: 221, ...fresh }),
        remediation('woken', { next_at: 0, ...fresh }),
        remediation('starves', { ...starving }),
        remediation('later', { next_at: NOW + 1, priority: 9_000, ...fresh }),
      );
      expect(await claim(3)).toEqual(['starves', 'burns-more', 'burns']);
      expect(await claim(9)).toEqual(['woken', 'older', 'old']);
      expect(await claim(9)).toEqual([]);
    });

    test('take no row twice, and as many as there are places', async () => {
      await add(
        ...Array.from({ length: 9 }, (_, n) =>
          remediation(`r${n}`, {
            priority: n % 3,
            next_at: NOW - (n % 2) * STARVING_AFTER_MS,
            updated_at: NOW - STARVING_AFTER_MS,
          }),
        ),
      );
      const first = await claim(5);
      const rest = await claim(9);
      expect(first).toHaveLength(5);
      expect(new Set([...first, ...rest]).size).toBe(9);
    });

    test('are in the order that compareQueued says', async () => {
      const row = fc.record({
        priority: fc.constantFrom(0, 0, 10, 20, 300),
        next_at: fc.constantFrom(0, NOW - 2 * STARVING_AFTER_MS, NOW - STARVING_AFTER_MS, NOW),
        updated_at: fc.constantFrom(NOW - 2 * STARVING_AFTER_MS, NOW - STARVING_AFTER_MS, NOW - 1),
      });
      let round = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(row, { minLength: 1, maxLength: 12 }),
          fc.nat({ max: 11 }),
          async (parts, places) => {
            round += 1;
            // No two alike: which of those comes first is nobody's promise.
            const rows = parts.map(({ updated_at, ...part }, n) =>
              remediation(`${round}-${n}`, { ...part, updated_at: updated_at - n }),
            );
            await add(...rows);
            const limit = (places % parts.length) + 1;
            const wanted = rows
              .toSorted((a, b) => compareQueued(a, b, NOW))
              .slice(0, limit)
              .map(({ id }) => id);
            const first = await claim(limit);
            await claim(100);
            await store().commit(
              rows.map((each) => ({
                kind: 'remediation_put',
                remediation: { ...each, fence: 1, state: 'done' },
                release: true,
              })),
            );
            expect(first).toEqual(wanted);
          },
        ),
        { numRuns: ROUNDS },
      );
    });
  });

  describe('a priority', () => {
    const checkout = { priority_of: 'service=checkout' };

    test('is raised for what is live and follows it, never lowered, and survives', async () => {
      await add(
        remediation('low', checkout),
        remediation('high', { ...checkout, priority: 500 }),
        remediation('other', { priority_of: 'service=search' }),
        remediation('nobody'),
        remediation('done', { ...checkout, state: 'done', outcome: 'healed' }),
      );
      expect(await store().belowPriority('service=checkout', 220, 10)).toEqual(['low']);
      expect(await store().belowPriority('service=checkout', 501, 1)).toEqual(['low']);
      await store().commit([{ kind: 'priority_raise', of: 'service=checkout', priority: 220 }]);
      const after = await reopen();
      const found = await Promise.all(
        ['low', 'high', 'other', 'nobody', 'done'].map((id) => after.remediation(id)),
      );
      expect(found.map((row) => row?.priority)).toEqual([220, 500, 0, 0, 0]);
      expect(await after.belowPriority('service=checkout', 220, 10)).toEqual([]);
    });

    test('is not put back by a worker that still has the lower one', async () => {
      await add(remediation('r', checkout));
      const [row] = await store().claimRemediations({
        worker: 'w',
        now: NOW,
        until: NOW + 1,
        limit: 1,
      });
      await store().commit([{ kind: 'priority_raise', of: 'service=checkout', priority: 30 }]);
      const put = { ...(row as Remediation), state: 'waiting' as const };
      await store().commit([{ kind: 'remediation_put', remediation: put, release: true }]);
      expect(await store().remediation('r')).toMatchObject({ state: 'waiting', priority: 30 });
    });
  });

  describe("what became of a rule's remediations", () => {
    test('has the alert, the first run, chaos and who else acted', async () => {
      await store().commit([
        {
          kind: 'episode_put',
          episode: episode('ep-1', {
            state: 'closed',
            closed_at: NOW + 900,
            labels: { alertname: 'A', severity: 'critical' },
          }),
        },
        { kind: 'episode_put', episode: episode('ep-2', { fingerprint: 'fp-2' }) },
        ...[
          remediation('mine', { episode_id: 'ep-1', rule: 'mine', held_out_until: NOW + 5 }),
          remediation('others', { episode_id: 'ep-1', rule: 'others', outcome: 'healed' }),
          remediation('by-hand', { episode_id: 'ep-2', rule: 'mine', started_by: 'ann' }),
          remediation('drill', { episode_id: 'ep-2', rule: 'mine', drill: true }),
        ].map((row) => ({ kind: 'remediation_add', remediation: row }) as const),
        ...[
          run('late', { remediation_id: 'mine', started_at: NOW + 70, chaos: true }),
          run('early', { remediation_id: 'mine', started_at: NOW + 60, target: target('b') }),
          run('other', { remediation_id: 'others', started_at: NOW + 50 }),
        ].map((row) => ({ kind: 'run_put', run: row }) as const),
      ]);
      const [drill, by_hand, mine] = await store().treatments({ rule: 'mine', limit: 10 });
      expect(mine).toEqual({
        n: mine?.n,
        episode_id: 'ep-1',
        created_at: NOW,
        held_out_until: NOW + 5,
        outcome: null,
        by_hand: false,
        drill: false,
        closed_at: NOW + 900,
        acted_at: NOW + 60,
        critical: true,
        chaos: true,
        others_acted_at: NOW + 50,
      });
      expect(by_hand).toMatchObject({ by_hand: true, closed_at: null, acted_at: null });
      expect(drill).toMatchObject({ drill: true, critical: false, others_acted_at: null });
    });

    test('comes in pages, newest first, of this rule only', async () => {
      const count = 7;
      await store().commit([
        { kind: 'episode_put', episode: episode('ep') },
        ...Array.from({ length: count }, (_, n) => n).flatMap((n) =>
          ['mine', 'others'].map(
            (rule) =>
              ({
                kind: 'remediation_add',
                remediation: remediation(`${rule}-${n}`, {
                  rule,
                  episode_id: 'ep',
                  created_at: NOW + n,
                }),
              }) as const,
          ),
        ),
      ]);
      const seen: number[] = [];
      let before: number | undefined;
      for (let pages = 0; pages < count; pages += 1) {
        const page = await store().treatments({
          rule: 'mine',
          limit: 3,
          ...(before === undefined ? {} : { before }),
        });
        seen.push(...page.map(({ created_at }) => created_at - NOW));
        before = page.at(-1)?.n;
        if (page.length < 3) break;
      }
      expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0]);
      const all = await store().treatments({ rule: 'nobody', limit: TREATMENTS_PAGE_MAX });
      expect(all).toEqual([]);
    });
  });
}
