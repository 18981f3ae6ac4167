import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Change, Retained, RetainQuery, Store } from '../../../src/store.ts';
import { hold } from '../../fakes/values.ts';
import { NOW, type OpenSubject, useStore } from './make.ts';
import { audit, delivery, episode, holder, lease, remediation, run } from './make.ts';

const DAY = 86_400_000;
const OLD = NOW - 100 * DAY;
const CLOSED = { state: 'closed', closed_at: OLD, opened_at: OLD - 1 } as const;
const DONE = { state: 'done', ended_at: OLD, created_at: OLD - 1, updated_at: OLD } as const;

let checkpoints = 0;
function query(part: Partial<RetainQuery> = {}): RetainQuery {
  return {
    now: NOW,
    audit_before: NOW - 50 * DAY,
    deliveries_before: NOW - 50 * DAY,
    episodes_before: NOW - 50 * DAY,
    slo_before: NOW - 90 * DAY,
    runs_since: NOW - 30 * DAY,
    checkpoint_id: `checkpoint-${(checkpoints += 1)}`,
    ...part,
  };
}

function delivered(id: string, received_at: number): Change {
  const change = delivery(id) as Extract<Change, { kind: 'delivery_add' }>;
  return { ...change, delivery: { ...change.delivery, received_at } };
}

async function deliveries(store: Store): Promise<readonly string[]> {
  return (await store.listDeliveries({ limit: 100 })).items.map(({ id }) => id).toReversed();
}

async function seqs(store: Store, filter: object = {}): Promise<readonly number[]> {
  const { items } = await store.audit({ order: 'asc', limit: 1_000, ...filter });
  return items.map(({ seq }) => seq);
}

/** An old story: an episode that closed and its remediation with one run. */
function story(id: string, part: { episode?: object; remediation?: object; run?: object } = {}) {
  return [
    { kind: 'episode_put', episode: episode(id, { ...CLOSED, ...part.episode }) },
    {
      kind: 'remediation_add',
      remediation: remediation(`r-${id}`, { ...DONE, episode_id: id, ...part.remediation }),
    },
    {
      kind: 'run_put',
      run: run(`run-${id}`, { remediation_id: `r-${id}`, started_at: OLD, ...part.run }),
    },
  ] satisfies readonly Change[];
}

/** The newest rows stay, whatever their age; so that others may go there has to be one of each. */
const NEWEST = [...story('newest'), { kind: 'lease_add', lease: lease('newest') }] as const;

export function retentionSuite(open: OpenSubject): void {
  const { store, reopen } = useStore(open);

  async function left(ids: readonly string[]): Promise<readonly string[]> {
    const found = await Promise.all(ids.map((id) => store().episode(id)));
    return found.flatMap((one) => one?.id ?? []);
  }

  test('an empty store has nothing to lose', async () => {
    const { rows, more } = await store().retain(query());
    expect([Object.values(rows), more]).toEqual([[0, 0, 0, 0, 0, 0, 0], false]);
  });

  test('deliveries: old ones before the cursor go, with their failures; the newest stays', async () => {
    const ids = ['a', 'b', 'young', 'c', 'cursor', 'pending'];
    for (const id of ids) await store().commit([delivered(id, id === 'young' ? NOW : OLD)]);
    await store().commit([{ kind: 'delivery_failed', seq: 2, error: 'no', parked: true }]);
    expect((await store().retain(query())).rows.deliveries).toBe(0);
    await store().commit([{ kind: 'inbox_advance', from: 0, to: 5 }]);
    expect((await store().retain(query())).rows.deliveries).toBe(3);
    expect(await deliveries(store())).toEqual(['young', 'cursor', 'pending']);
    await store().commit([{ kind: 'inbox_advance', from: 5, to: 6 }]);
    await store().retain(query({ deliveries_before: NOW + 1 }));
    expect(await deliveries(store())).toEqual(['pending']);
    await reopen();
    await store().commit([delivered('next', NOW)]);
    expect((await store().inbox(10)).deliveries.map(({ seq }) => seq)).toEqual([7]);
    expect(await store().inboxDepth()).toMatchObject({ pending: 1 });
  });

  test('an old story goes whole', async () => {
    await store().commit([...story('a'), ...NEWEST]);
    const { rows } = await store().retain(query());
    expect(rows).toMatchObject({ episodes: 1, remediations: 1 });
    expect(await left(['a', 'newest'])).toEqual(['newest']);
    expect(await store().remediation('r-a')).toBeUndefined();
    expect(await store().runsOf('r-a')).toEqual([]);
    expect(await store().runsOf('r-newest')).toHaveLength(1);
  });

  test.each([
    ['is open', { episode: { state: 'open', closed_at: null } }],
    ['closed not long ago', { episode: { closed_at: NOW } }],
    ['has a remediation under way', { remediation: { state: 'waiting', ended_at: null } }],
    ['has a remediation that ended not long ago', { remediation: { ended_at: NOW } }],
    ['has a run in the window of a limit', { run: { started_at: NOW - 30 * DAY } }],
  ])('a story that %s stays whole', async (_, part) => {
    await store().commit([...story('a', part), ...NEWEST]);
    expect((await store().retain(query())).rows).toMatchObject({ episodes: 0, remediations: 0 });
    expect(await left(['a'])).toEqual(['a']);
    expect(await store().runsOf('r-a')).toHaveLength(1);
  });

  test('a lease that stands keeps the stories of its holders; an ended one goes', async () => {
    const standing = lease('l', { holders: [holder('a')], created_at: OLD });
    await store().commit([...story('a'), { kind: 'lease_add', lease: standing }, ...NEWEST]);
    expect((await store().retain(query())).rows).toMatchObject({ episodes: 0, leases: 0 });
    const ended = { ...standing, state: 'reverted', updated_at: OLD } as const;
    await store().commit([{ kind: 'lease_put', lease: ended, release: true }]);
    expect((await store().retain(query())).rows).toMatchObject({ episodes: 1, leases: 1 });
    expect(await store().lastLease('flag/l')).toBeUndefined();
  });

  test('holds that ended long ago go', async () => {
    const put = (id: string, part: object): Change => ({
      kind: 'hold_put',
      hold: hold({ id, since: OLD - 1, ...part }),
    });
    await store().commit([
      put('over', { until: OLD }),
      put('ended', { ended_at: OLD }),
      put('stands', {}),
      put('newest', { ended_at: OLD }),
    ]);
    expect((await store().retain(query())).rows.holds).toBe(2);
    expect((await store().holds(NOW)).map(({ id }) => id)).toEqual(['stands']);
    expect(await store().hold('newest')).toBeDefined();
  });

  test('audit: a checkpoint, the chain from there, and it says where it began', async () => {
    for (let n = 1; n <= 6; n += 1) await store().commit([audit(`${n}`, {}, n <= 4 ? OLD : NOW)]);
    const [, , , fourth] = (await store().audit({ order: 'asc', limit: 10 })).items;
    expect((await store().retain(query())).rows.audit).toBe(4);
    await reopen();
    expect(await seqs(store())).toEqual([5, 6, 7]);
    const [entry] = (await store().audit({ kind: ['audit_checkpoint'], order: 'asc', limit: 1 }))
      .items;
    const hash = fourth?.hash;
    expect(entry?.detail).toEqual({ removed_to_seq: 4, hash, rows: 4 });
    const checkpoint = { removed_to_seq: 4, hash, ts: NOW };
    const whole = { ok: true, rows: 3, from: 5 };
    expect(await store().verifyAudit(1)).toMatchObject({ ...whole, checkpoint });
    expect(await store().verifyAudit(4)).toMatchObject({ ...whole, checkpoint });
    expect(await store().verifyAudit(5)).toMatchObject(whole);
    expect(await store().verifyAudit(6)).toMatchObject({ ok: true, rows: 2, from: 6 });
    await store().commit([audit('next')]);
    expect(await store().verifyAudit(1)).toMatchObject({ ok: true, rows: 4 });
  });

  test('audit: one checkpoint a day', async () => {
    await store().commit([audit('1', {}, OLD), audit('2', {}, NOW - 40 * DAY), audit('3')]);
    expect((await store().retain(query())).rows.audit).toBe(1);
    const later = { audit_before: NOW - 31 * DAY };
    expect((await store().retain(query({ ...later, now: NOW + DAY - 1 }))).rows.audit).toBe(0);
    expect((await store().retain(query({ ...later, now: NOW + DAY }))).rows.audit).toBe(1);
    expect(await store().verifyAudit(1)).toMatchObject({ ok: true, from: 3 });
  });

  test.each<[string, readonly Change[]]>([
    ['an open episode', [{ kind: 'episode_put', episode: episode('a', { opened_at: OLD }) }]],
    ['a remediation under way', story('a', { remediation: { state: 'acting', ended_at: null } })],
    [
      'a lease that stands',
      [
        ...story('a'),
        { kind: 'lease_add', lease: lease('l', { holders: [holder('a')], created_at: OLD }) },
      ],
    ],
  ])('audit: the entries of %s stay, and all that follow', async (_, changes) => {
    await store().commit(Array.from({ length: 300 }, (__, n) => audit(`${n}`, {}, OLD)));
    await store().commit([...changes, audit('first of it', { episode: 'a' }, OLD)]);
    await store().commit(Array.from({ length: 300 }, (__, n) => audit(`later ${n}`, {}, OLD)));
    await store().retain(query());
    const [first] = await seqs(store());
    expect(first).toBeLessThanOrEqual(301);
    expect(first).toBeGreaterThan(1);
    expect(await seqs(store(), { episode: ['a'] })).toEqual([301]);
    expect(await store().verifyAudit(1)).toMatchObject({ ok: true });
  });

  test('audit: no limit looks back past it, whatever is asked for', async () => {
    await store().commit([audit('1', {}, NOW - 30 * DAY), audit('2')]);
    expect((await store().retain(query({ audit_before: NOW }))).rows.audit).toBe(0);
  });

  test('audit: what is left is found by every filter', async () => {
    const entries = Array.from({ length: 700 }, (_, index) => {
      const n = index + 1;
      const draft = { fingerprint: `f${n % 3}`, episode: `e${n % 7}`, target: 't', alertname: 'A' };
      return audit(`${n}`, draft, n <= 610 ? OLD + n * 60_000 : NOW);
    });
    // Two commits, so that a minute is extended by the second.
    await store().commit(entries.slice(0, 400));
    await store().commit(entries.slice(400));
    await store().retain(query());
    const rest = Array.from({ length: 90 }, (_, index) => index + 611);
    const of = (step: number, rem: number) => rest.filter((seq) => seq % step === rem);
    expect(await seqs(store(), { fingerprint: ['f1'] })).toEqual(of(3, 1));
    expect(await seqs(store(), { episode: ['e3'] })).toEqual(of(7, 3));
    for (const filter of [{ target: ['t'] }, { alertname: ['A'] }, { since: OLD, q: 'A' }])
      expect(await seqs(store(), { kind: ['webhook_received'], ...filter })).toEqual(rest);
    expect(await seqs(store(), { until: NOW })).toEqual([]);
    expect(await seqs(store(), { after: 3, kind: ['webhook_received'] })).toEqual(rest);
    // The block under way was cut; what it names next must be noted again.
    await store().commit([audit('again', { episode: 'e0' })]);
    expect((await seqs(store(), { episode: ['e0'] })).at(-1)).toBe(702);
  });

  test('what is too much for one call is left for the next', async () => {
    const changes = Array.from({ length: 11_000 }, (_, n) => audit(`${n}`, {}, OLD));
    await store().commit([...changes, audit('young')]);
    let result: Retained = await store().retain(query());
    expect(result.more).toBe(true);
    expect(result.rows.audit).toBeLessThan(11_000);
    // What is still on disk is gone for everybody who asks.
    expect(await seqs(store())).toEqual([11_001, 11_002]);
    expect(await store().verifyAudit(1)).toMatchObject({ ok: true, rows: 2 });
    let rows = result.rows.audit;
    while (result.more) {
      result = await store().retain(query());
      rows += result.rows.audit;
    }
    expect(rows).toBe(11_000);
  });

  test('after any sequence of appends and retains the chain verifies', async () => {
    const step = fc.oneof(
      fc.record({
        append: fc.integer({ min: 1, max: 300 }),
        age_days: fc.integer({ max: 90, min: 0 }),
      }),
      fc.record({ keep_days: fc.integer({ min: 31, max: 80 }) }),
    );
    let now = NOW;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        for (const one of steps) {
          now += 2 * DAY;
          if ('append' in one) {
            const ts = now - one.age_days * DAY;
            const entries = Array.from({ length: one.append }, (_, n) =>
              audit(`${n}`, { episode: `e${n % 5}` }, ts),
            );
            await store().commit(entries);
          } else {
            const audit_before = now - one.keep_days * DAY;
            await store().retain(query({ now, audit_before, runs_since: now - 30 * DAY }));
          }
          const verdict = await store().verifyAudit(1);
          const [first = 1] = await seqs(store());
          expect(verdict).toMatchObject({ ok: true, from: first });
          const last = (await store().audit({ order: 'desc', limit: 1 })).items[0]?.seq ?? 0;
          expect(verdict.rows).toBe(last === 0 ? 0 : last - first + 1);
        }
      }),
      { numRuns: 15 },
    );
  });
}
