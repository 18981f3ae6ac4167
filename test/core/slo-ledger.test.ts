import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addBeats,
  type Beats,
  BEAT_WITHIN_MS,
  EVENT_SLOS,
  isGoodAuditWrite,
  isGoodDelivery,
  isGoodStep,
  slicesOf,
} from '../../src/core/slo/ledger.ts';
import { parseSlos } from '../../src/core/slo/openslo.ts';
import { LOOKS, standingOf, sumCounts } from '../../src/core/slo/standing.ts';
import { windowsOf } from '../../src/core/slo/windows.ts';

const SLICE_MS = 30_000;
const GRACE_MS = 300_000;
const HOUR_MS = 3_600_000;
const FILE = 'prometheus/slos.yaml';
const { slos } = parseSlos(FILE, readFileSync(join(import.meta.dirname, '../..', FILE), 'utf8'));

function joined(beats: readonly number[]): readonly Beats[] {
  return beats.reduce<readonly Beats[]>((all, at) => addBeats(all, { from: at, to: at }), []);
}

/** As the rules say it, slice by slice and beat by beat. */
function slowly(beats: readonly number[], since: number, now: number) {
  const [first] = beats;
  let [bad, seen] = [0, 0];
  for (let end = Math.ceil((since + 1) / SLICE_MS) * SLICE_MS; end <= now; end += SLICE_MS) {
    if (first === undefined || end < first) continue;
    seen += 1;
    const beat = beats.some((at) => at <= end && at > end - BEAT_WITHIN_MS);
    if (!beat && end >= first + GRACE_MS) bad += 1;
  }
  return { bad, seen };
}

const beatsArb = fc
  .array(fc.integer({ min: 0, max: 2 * HOUR_MS }), { maxLength: 60 })
  .map((beats) => beats.toSorted((a, b) => a - b));

describe('slices of heartbeats', () => {
  test('stretches tell as much as every single beat, over any window', () => {
    fc.assert(
      fc.property(
        beatsArb,
        fc.integer({ min: 0, max: 2 * HOUR_MS }),
        fc.integer({ min: 0, max: HOUR_MS }),
        (beats, since, length) => {
          const now = since + length;
          const known = beats.filter((at) => at <= now);
          const stretches = joined(known).filter(({ to }) => to >= since - BEAT_WITHIN_MS);
          expect(slicesOf(stretches, known[0] ?? null, { since, now })).toEqual(
            slowly(known, since, now),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a month of beats is one stretch; ten minutes without one are 16 bad slices', () => {
    const before = Array.from({ length: 720 }, (_, n) => n * 5_000);
    const after = before.map((at) => at + HOUR_MS + 10 * 60_000);
    const stretches = joined([...before, ...after]);
    expect(stretches).toHaveLength(2);
    const now = after.at(-1) ?? 0;
    // 10 min and 5 s apart; within two minutes of the last beat nothing is missed yet.
    expect(slicesOf(stretches, 0, { since: 0, now }).bad).toBe(16);
  });
});

describe('what is good', () => {
  const read = (slos?.slos ?? []).flatMap(({ slo, indicator }) => {
    if (indicator.kind !== 'events') return [];
    const [total, good] = [indicator.total, indicator.part].map(({ matchers }) =>
      matcher(matchers),
    );
    return [{ slo, part_is: indicator.part_is, total, good }];
  });
  /** By the rules: good, bad, or not counted. */
  function judged(slo: string, labels: Readonly<Record<string, string>>): boolean | undefined {
    const found = read.find((one) => one.slo === slo);
    const all = { job: 'autoheal', ...labels };
    return found?.total?.(all) === true ? found.good?.(all) : undefined;
  }

  test('the objectives that count events are those of the file', () => {
    expect(read.map(({ slo }) => slo)).toEqual([...EVENT_SLOS]);
    expect(new Set(read.map(({ part_is }) => part_is))).toEqual(new Set(['good']));
  });

  test.each(['accepted', 'rejected_auth', 'rejected_invalid', 'overloaded', 'error'])(
    'a delivery that is %s, as the rules read the metrics',
    (outcome) => {
      expect(isGoodDelivery(outcome, 0.25)).toBe(
        judged('webhook_latency', { outcome, le: '0.25' }),
      );
      expect(isGoodDelivery(outcome, 0.251)).toBe(
        judged('webhook_latency', { outcome, le: '0.5' }),
      );
    },
  );

  test.each(['success', 'failure', 'timeout', 'skipped', 'dry_run'])(
    'a step that is %s, as the rules read the metrics',
    (outcome) => expect(isGoodStep(outcome)).toBe(judged('action_success', { outcome })),
  );

  test.each(['ok', 'error'])(
    'audit entries that are %s, as the rules read the metrics',
    (result) => {
      expect(isGoodAuditWrite(result, 0.1)).toBe(judged('audit_latency', { result, le: '0.1' }));
      expect(isGoodAuditWrite(result, 0.101)).toBe(judged('audit_latency', { result, le: '0.25' }));
    },
  );

  /** Equal, unequal, matching, not matching. */
  function matcher(text: string): (labels: Readonly<Record<string, string>>) => boolean {
    const parts = [...text.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)];
    return (labels) =>
      parts.every(([, name = '', op = '', value = '']) => {
        const given = labels[name] ?? '';
        const same = op.endsWith('~') ? new RegExp(`^(?:${value})$`).test(given) : given === value;
        return op.startsWith('!') ? !same : same;
      });
  }
});

describe('how the objectives stand', () => {
  const look = (window: string) => {
    const found = LOOKS.find((one) => one.window === window);
    if (found === undefined) throw new Error(`no window of ${window}`);
    return found;
  };
  const all = { bad: 0, seen: Number.MAX_SAFE_INTEGER };

  test('over windows that the rules record, scaled as there', () => {
    const windows = slos === undefined ? [] : windowsOf(slos, 1);
    for (const { window, scaled } of LOOKS)
      expect(windows.find(({ name }) => name === window)).toMatchObject({ scaled });
  });

  test('an error ratio is 0 to 1, nothing happening is 0, and all bad is 1', () => {
    const events = fc.record({ good: fc.nat(1_000), bad: fc.nat(1_000) });
    fc.assert(
      fc.property(events, fc.nat(120), ({ good, bad }, seen) => {
        const counts = [
          { slo: 'action_success', drill: false, good, total: good + bad },
          { slo: 'action_success', drill: true, good: 0, total: 99 },
        ] as const;
        const slices = { bad: 0, seen };
        const [step] = standingOf([{ look: look('1h'), counts, slices, seen: true }]).filter(
          ({ slo }) => slo === 'action_success',
        );
        const figure = step?.figures[0];
        const share = good + bad === 0 ? 0 : bad / (good + bad);
        expect(figure).toMatchObject({ bad, total: good + bad });
        expect(figure?.error).toBeCloseTo((share * seen) / 120, 5);
        expect(figure?.burn).toBeCloseTo(((share * seen) / 120) * 200, 3);
        expect(figure?.covered).toBeCloseTo(seen / 120, 5);
      }),
    );
  });

  test('the short window is not scaled; before the first beat nothing is', () => {
    const counts = [{ slo: 'audit_latency', drill: false, good: 1, total: 2 }] as const;
    const error = (window: string, slices = { bad: 0, seen: 0 }, seen = true) =>
      standingOf([{ look: look(window), counts, slices, seen }])[3]?.figures[0]?.error;
    expect(error('5m')).toBe(0.5);
    expect(error('1h')).toBe(0);
    expect(error('1h', undefined, false)).toBe(0.5);
    expect(error('1h', all)).toBe(0.5);
  });

  test('slices count against the whole window, and the budget is that of the longest', () => {
    const [availability] = standingOf([
      { look: look('30d'), counts: [], slices: { bad: 43, seen: 1_000 }, seen: true },
    ]);
    // The budget of 99.9 % in 30 days are 86.4 slices.
    expect(availability?.budget_left).toBeCloseTo(1 - 43 / 86.4, 5);
    expect(availability?.figures[0]).toMatchObject({ bad: 43, total: 1_000 });
  });

  test('sums keep drills apart', () => {
    const one = { slo: 'action_success', drill: false, good: 1, total: 2 } as const;
    expect(sumCounts([one, one, { ...one, drill: true }])).toEqual([
      { ...one, good: 2, total: 4 },
      { ...one, drill: true },
    ]);
  });
});
