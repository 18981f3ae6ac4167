import { expect, test } from 'vitest';
import { MINUTE_MS, type MinuteCount } from '../../../src/core/slo/ledger.ts';
import type { SloAdd } from '../../../src/store-slo.ts';
import { NOW, type OpenSubject, useStore } from './make.ts';

const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** The begin of an hour. */
const HOUR = Math.floor(NOW / HOUR_MS) * HOUR_MS;
/** No age has anything else to go. */
const KEEP = {
  now: NOW,
  audit_before: 0,
  deliveries_before: 0,
  episodes_before: 0,
  runs_since: 0,
  checkpoint_id: 'checkpoint',
};

function count(at: number, over: Partial<MinuteCount> = {}): MinuteCount {
  return { at, slo: 'action_success', drill: false, good: 1, total: 2, ...over };
}

/** What the service counts of its own objectives. */
export function objectiveSuite(open: OpenSubject): void {
  const { store, reopen, outlives_close } = useStore(open);
  const add = (part: Partial<SloAdd>) =>
    store().commit([{ kind: 'slo_add', add: { counts: [], beats: [], ...part } }]);
  const one = { slo: 'action_success', drill: false, good: 1, total: 2 };

  test('minutes add up, drills and objectives apart, from whole minutes on', async () => {
    expect(await store().sloCounts(0)).toEqual([]);
    await add({ counts: [count(HOUR), count(HOUR + MINUTE_MS), count(HOUR, { drill: true })] });
    await add({
      counts: [count(HOUR + MINUTE_MS, { good: 0 }), count(HOUR, { slo: 'audit_latency' })],
    });
    expect(await store().sloCounts(HOUR)).toEqual([
      { ...one, good: 2, total: 6 },
      { ...one, drill: true },
      { ...one, slo: 'audit_latency' },
    ]);
    expect(await store().sloCounts(HOUR + 1)).toEqual([{ ...one, good: 1, total: 4 }]);
    expect(await store().sloCounts(HOUR + MINUTE_MS + 1)).toEqual([]);
  });

  test('a long window is the sum of its minutes, wherever in an hour it begins', async () => {
    const minutes = Array.from({ length: 200 }, (_, n) => count(HOUR + n * MINUTE_MS));
    await add({ counts: minutes });
    for (const skipped of [0, 1, 59, 60, 61, 119, 120, 199, 200]) {
      const [sum] = await store().sloCounts(HOUR + skipped * MINUTE_MS);
      expect(sum?.total ?? 0).toBe((200 - skipped) * 2);
    }
  });

  test('beats go on while no slice can miss one, and begin anew after it; all of it is there after a restart', async () => {
    expect(await store().sloBeats(0)).toEqual({ first_at: null, beats: [] });
    await add({ beats: [{ from: NOW, to: NOW + 5_000 }] });
    await add({ beats: [{ from: NOW + 10_000, to: NOW + 15_000 }], counts: [count(HOUR)] });
    await add({
      beats: [
        { from: NOW + 134_999, to: NOW + 140_000 },
        { from: NOW + 260_000, to: NOW + 260_000 },
      ],
    });
    const beats = [
      { from: NOW, to: NOW + 140_000 },
      { from: NOW + 260_000, to: NOW + 260_000 },
    ];
    expect(await store().sloBeats(0)).toEqual({ first_at: NOW, beats });
    expect(await store().sloBeats(NOW + 140_001)).toEqual({ first_at: NOW, beats: beats.slice(1) });
    if (!outlives_close()) return;
    await reopen();
    expect(await store().sloBeats(0)).toEqual({ first_at: NOW, beats });
    expect(await store().sloCounts(HOUR)).toEqual([one]);
  });

  test('a clock that went back breaks nothing', async () => {
    await add({ beats: [{ from: NOW, to: NOW + 60_000 }] });
    await add({ beats: [{ from: NOW - HOUR_MS, to: NOW - HOUR_MS + 5_000 }] });
    expect(await store().sloBeats(0)).toEqual({
      first_at: NOW - HOUR_MS,
      beats: [{ from: NOW - HOUR_MS, to: NOW + 60_000 }],
    });
  });

  test('retention takes old hours, and old stretches but the last', async () => {
    const before = HOUR - 90 * DAY_MS;
    const hours = [-30, -2, -1, 0, 1].map((n) => count(before + n * HOUR_MS));
    await add({
      counts: hours,
      beats: [{ from: before - 30 * HOUR_MS, to: before - 29 * HOUR_MS }],
    });
    await add({ beats: [{ from: before - HOUR_MS, to: before - HOUR_MS }] });
    const kept = await store().retain({ ...KEEP, slo_before: before });
    // Three minutes, their three hours, one stretch.
    expect(kept).toMatchObject({ rows: { slo: 7 }, more: false });
    expect(await store().sloCounts(0)).toEqual([{ ...one, good: 2, total: 4 }]);
    expect((await store().sloBeats(0)).beats).toHaveLength(1);
    expect((await store().retain({ ...KEEP, slo_before: before })).rows.slo).toBe(0);
  });
}
