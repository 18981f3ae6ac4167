import { describe, expect, test } from 'vitest';
import { auditEntry } from '../../../src/core/audit/audit.ts';
import type { AuditQuery, Change, Store } from '../../../src/store.ts';
import { NOW } from '../../conformance/store-suite/make.ts';
import { useFolder } from './folder.ts';

const ROWS = 30_000;
/** Far apart, at the ends and across the borders of the slices that a scan is cut in. */
const RARE = [1, 2, 9999, 10_000, 10_001, 15_000, 20_000, 20_001, 29_999, 30_000];

async function fill(store: Store): Promise<void> {
  const entries = Array.from({ length: ROWS }, (_, index): Change => {
    const actor = RARE.includes(index + 1) ? 'alice' : 'autoheal';
    const kind = index % 2 === 0 ? 'resume' : 'pause';
    const alertname = `A${index % 30}`;
    const entry = auditEntry(`${index}`, NOW + index, {
      kind,
      actor,
      alertname,
      fingerprint: 'all',
      episode: `e${actor}`,
      remediation: `r${index % 1000}`,
    });
    return { kind: 'audit', entry };
  });
  await store.commit(entries);
}

async function seqs(store: Store, query: AuditQuery): Promise<readonly number[]> {
  const found: number[] = [];
  let next: string | null = '';
  while (next !== null) {
    const page = await store.audit(next === '' ? query : { ...query, cursor: next });
    found.push(...page.items.map((one) => one.seq));
    next = page.next_cursor;
  }
  return found;
}

describe('a page that no index answers', () => {
  const { open } = useFolder();

  test('is found whole in both directions, and the event loop runs on meanwhile', async () => {
    const store = await open();
    await fill(store);
    for (const limit of [1, 3, 10, 1000]) {
      const query = { actor: ['alice'], limit } as const;
      expect(await seqs(store, { ...query, order: 'asc' })).toEqual(RARE);
      expect(await seqs(store, { ...query, order: 'desc' })).toEqual(RARE.toReversed());
    }
    let turns = 0;
    let looking = true;
    function tick(): void {
      turns += 1;
      if (looking) setImmediate(tick);
    }
    setImmediate(tick);
    const none = await store.audit({ reason: ['none'], order: 'desc', limit: 10 });
    looking = false;
    expect(none.items).toEqual([]);
    expect(turns).toBeGreaterThan(0);
  });

  test('what blocks are noted for is found in them, over many blocks', async () => {
    const store = await open();
    await fill(store);
    const some = [777, 12_777, 29_777].map((seq) => `r${(seq - 1) % 1000}`);
    const thousandth = Array.from({ length: ROWS / 1000 }, (_, index) => index * 1000 + 777);
    for (const order of ['asc', 'desc'] as const) {
      const sorted = (all: readonly number[]) => (order === 'asc' ? all : all.toReversed());
      const alice = { fingerprint: ['all'], actor: ['alice'], order } as const;
      expect(await seqs(store, { ...alice, limit: 3 })).toEqual(sorted(RARE));
      expect(await seqs(store, { episode: ['ealice'], order, limit: 4 })).toEqual(sorted(RARE));
      const one = { remediation: some, target: [], order } as const;
      expect(await seqs(store, { ...one, limit: 7 })).toEqual(sorted(thousandth));
    }
  });

  test('many names and kinds at once: merged by index, or scanned when they are too many', async () => {
    const store = await open();
    await fill(store);
    for (const names of [3, 30]) {
      const alertname = Array.from({ length: names }, (_, index) => `A${index}`);
      for (const fill_up of [0, 70]) {
        const unknown = Array.from({ length: fill_up }, (_, index) => `none${index}`);
        const kind = ['pause', 'resume', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6'];
        const query = { alertname: [...alertname, ...unknown], kind, limit: 1000 } as const;
        const page = await store.audit({ ...query, order: 'desc' });
        const wanted = Array.from({ length: ROWS }, (_, index) => ROWS - index)
          .filter((seq) => (seq - 1) % 30 < names)
          .slice(0, 1000);
        expect(page.items.map((one) => one.seq)).toEqual(wanted);
      }
    }
  });

  test('entries added while a page is looked for are not mixed into it', async () => {
    const store = await open();
    await fill(store);
    const asked = store.audit({ actor: ['alice'], order: 'asc', limit: 1000 });
    const late = auditEntry('late', NOW, { kind: 'resume', actor: 'alice' });
    await store.commit([{ kind: 'audit', entry: late }]);
    expect((await asked).items.map((one) => one.seq)).toEqual(RARE);
  });
});
