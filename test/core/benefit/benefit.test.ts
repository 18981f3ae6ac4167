import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Benefit, benefitOf, RANDOMISED_MIN } from '../../../src/core/benefit/benefit.ts';
import type { Treatment } from '../../../src/core/benefit/treatment.ts';

const HOUR = 3_600_000;
const H = 600_000;
const NOW = 1_795_000_000_000;
const BEGAN = NOW - 24 * HOUR;
let made = 0;

function row(over: Partial<Treatment> = {}): Treatment {
  made += 1;
  return {
    n: made,
    episode_id: `episode-${made}`,
    created_at: BEGAN,
    held_out_until: null,
    outcome: 'escalated',
    by_hand: false,
    drill: false,
    closed_at: null,
    acted_at: null,
    critical: false,
    chaos: false,
    others_acted_at: null,
    ...over,
  };
}
function times(count: number, of: () => Treatment): readonly Treatment[] {
  return Array.from({ length: count }, of);
}
/** Acted on at once. */
function acted(over: Partial<Treatment> = {}): Treatment {
  return row({ acted_at: BEGAN + 1_000, ...over });
}
function heldOut(over: Partial<Treatment> = {}): Treatment {
  return row({ held_out_until: BEGAN + H, acted_at: BEGAN + H + 1_000, ...over });
}
const SOON = { closed_at: BEGAN + 60_000 };
const LATE = { closed_at: BEGAN + H + 60_000 };

function benefit(rows: readonly Treatment[], draws = true): Benefit {
  return benefitOf(rows, {
    since: NOW - 30 * 24 * HOUR,
    now: NOW,
    complete_since: NOW - 30 * 24 * HOUR,
    horizon_ms: H,
    draws,
  });
}

describe('which group a firing is in', () => {
  test('is by whether the rule acted within the horizon, and both end by the alert', () => {
    const found = benefit([
      acted({ outcome: 'healed', ...SOON }),
      acted({ outcome: 'healed', ...LATE }),
      row({ acted_at: BEGAN + H, outcome: 'healed', ...LATE }),
      row({ outcome: 'refused', ...SOON }),
    ]);
    expect(found.treated).toMatchObject({ acted: 2, healed: 2, recovered: { k: 1, n: 2 } });
    expect(found.untreated).toMatchObject({ recovered: { k: 1, n: 2 } });
    expect(found.untreated.why).toEqual({ dry_run: 0, holdout: 0, waited: 2 });
  });

  test('is neither where somebody or another rule acted, or the failure was made', () => {
    const found = benefit([
      acted({ by_hand: true }),
      acted({ chaos: true }),
      acted({ drill: true }),
      row({ others_acted_at: BEGAN + 1 }),
      row({ others_acted_at: BEGAN + H }),
    ]);
    expect(found.left_out).toEqual({ other_rule: 1, meddled: 2 });
    expect(found.treated.acted).toBe(0);
    expect(found.untreated.why.waited).toBe(1);
  });

  test('is one for several remediations of a firing, from the first of them on', () => {
    const shared = { episode_id: 'one', ...LATE };
    const found = benefit([
      row({ ...shared, created_at: BEGAN + H / 2, acted_at: BEGAN + H + 1 }),
      row({ ...shared, outcome: 'refused' }),
    ]);
    expect(found.untreated.recovered).toMatchObject({ k: 0, n: 1 });
  });

  test('is undecided while it fires and is younger than the horizon; its time counts as watched', () => {
    const young = { created_at: NOW - H / 2, acted_at: NOW - H / 2 };
    const found = benefit([acted(SOON), row(young)]);
    expect(found.treated).toMatchObject({ acted: 2, undecided: 1, recovered: { k: 1, n: 1 } });
    expect(found.treated.median.ms).toBe(60_000);
    expect(benefit([row(young)]).treated.recovered).toBeNull();
  });

  test('watches who was left alone only until the rule acted after all', () => {
    const found = benefit(times(4, () => heldOut(LATE)));
    expect(found.untreated.median).toEqual({ ms: null, low_ms: null, high_ms: null });
    expect(found.untreated.recovered).toMatchObject({ k: 0, n: 4 });
  });
});

describe('the word', () => {
  test('is helps, where more recover with it and the interval says so', () => {
    const found = benefit([...times(30, () => acted(SOON)), ...times(30, () => row(LATE))]);
    expect(found.verdict.word).toBe('helps');
    expect(found.verdict.basis).toBe('observed');
    expect(found.verdict.text).toContain('not drawn by chance');
    expect(found.difference?.low).toBeGreaterThan(0.8);
  });

  test('is may harm, where fewer do', () => {
    const found = benefit([...times(30, () => acted(LATE)), ...times(30, () => row(SOON))]);
    expect(found.verdict.word).toBe('may harm');
  });

  test('is does not help, where at best it adds too little', () => {
    const with_it = [...times(50, () => acted(SOON)), ...times(50, () => acted(LATE))];
    const without = [...times(50, () => row(SOON)), ...times(50, () => row(LATE))];
    expect(benefit([...with_it, ...without]).verdict.word).toBe('does not help');
  });

  test('is does not help for a rule after which nothing ever recovered, without anything to compare', () => {
    expect(benefit(times(16, () => acted(LATE))).verdict.word).toBe('does not help');
    expect(benefit(times(15, () => acted(LATE))).verdict.word).toBe('no evidence yet');
  });

  test('is no evidence yet, with how many are missing and what would give them', () => {
    const found = benefit(
      times(10, () => acted(SOON)),
      false,
    );
    expect(found.verdict).toMatchObject({
      word: 'no evidence yet',
      more: { with_rule: 89, without: 99 },
    });
    expect(found.verdict.text).toContain("holdout: '5%'");
    expect(benefit(times(10, () => acted(SOON))).verdict.text).not.toContain('holdout');
    expect(benefit([]).verdict).toMatchObject({
      word: 'no evidence yet',
      more: { with_rule: 99, without: 99 },
    });
  });
});

describe('a hold-out', () => {
  test('is compared as drawn, and beats what merely happened, once there are enough of it', () => {
    // Those that waited recovered all: the rule seems to harm. The draw says that it helps.
    const confounded = [
      ...times(30, () => row({ ...SOON })),
      ...times(30, () => acted(LATE)),
      ...times(40, () => acted(SOON)),
    ];
    const few = benefit([...confounded, ...times(RANDOMISED_MIN - 1, () => heldOut(LATE))]);
    expect(few.verdict.basis).toBe('observed');
    const enough = benefit([...confounded, ...times(RANDOMISED_MIN, () => heldOut(LATE))]);
    expect(enough.verdict).toMatchObject({ basis: 'randomised', word: 'helps' });
    // All that could have been drawn, those that waited too.
    expect(enough.randomised?.with_rule).toMatchObject({ k: 70, n: 100 });
    expect(enough.randomised?.held_out).toMatchObject({ k: 0, n: RANDOMISED_MIN });
  });

  test('is compared with what it could have drawn only: nothing critical, no dry-run, nothing from before', () => {
    const found = benefit([
      heldOut(),
      acted({ critical: true }),
      row({ outcome: 'dry_run' }),
      acted({ created_at: BEGAN - HOUR }),
      acted(),
    ]);
    expect(found.randomised?.with_rule?.n).toBe(1);
  });
});

test('every firing is counted once, whatever it is', () => {
  const at = fc.option(
    fc.nat(3 * H).map((ms) => BEGAN + ms),
    { nil: null },
  );
  const any = fc.record({
    episode_id: fc.nat(20).map(String),
    held_out_until: fc.constantFrom(null, BEGAN + H),
    outcome: fc.constantFrom(null, 'healed', 'dry_run', 'refused', 'escalated'),
    by_hand: fc.boolean(),
    drill: fc.boolean(),
    closed_at: at,
    acted_at: at,
    critical: fc.boolean(),
    chaos: fc.boolean(),
    others_acted_at: at,
  });
  fc.assert(
    fc.property(fc.array(any), (parts) => {
      const rows = parts.map((part) => row(part as Partial<Treatment>));
      const { treated, untreated, left_out } = benefit(rows);
      const alone = Object.values(untreated.why).reduce((sum, n) => sum + n, 0);
      const firings = new Set(rows.filter(({ drill }) => !drill).map((each) => each.episode_id));
      expect(treated.acted + alone + left_out.other_rule + left_out.meddled).toBe(firings.size);
      expect((treated.recovered?.n ?? 0) + treated.undecided).toBe(treated.acted);
      expect((untreated.recovered?.n ?? 0) + untreated.undecided).toBe(alone);
    }),
  );
});
