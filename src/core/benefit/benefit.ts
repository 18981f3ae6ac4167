import { type Firing, firingsOf, LEFT_ALONE, type LeftAlone, type LeftOut } from './firings.ts';
import { type Difference, newcombe, type Proportion, wilson } from './proportion.ts';
import { quantile, type Quantile } from './survival.ts';
import type { Treatment } from './treatment.ts';
import { judge, type Verdict } from './verdict.ts';

/** Firings that were drawn to be left alone before the draw is compared instead of what happened to happen. */
export const RANDOMISED_MIN = 10;

/** One side of the comparison. */
export interface Group {
  /** Whose alert ended within the horizon; null: there is nobody in it. */
  readonly recovered: Proportion | null;
  /** Too early to say: it fires, and for less than the horizon. */
  readonly undecided: number;
  /** Until the alert ended, of all in it; who fires still counts for as long as it was watched. */
  readonly median: Quantile;
  readonly p90: Quantile;
}

/** What a rule is good for, as far as its history tells. Times in ms since the epoch, spans in ms. */
export interface Benefit {
  readonly since: number;
  readonly until: number;
  /** Firings since then were looked at; later than `since` where there are more than one look takes. */
  readonly complete_since: number;
  readonly horizon_ms: number;
  readonly treated: Group & { readonly acted: number; readonly healed: number };
  readonly untreated: Group & { readonly why: Readonly<Record<LeftAlone, number>> };
  /** Treated minus untreated, as it happened to happen. */
  readonly difference: Difference | null;
  /** Not drawn minus drawn by the hold-out, whatever then became of it; null: nothing was drawn. */
  readonly randomised: {
    readonly with_rule: Proportion | null;
    readonly held_out: Proportion | null;
    readonly difference: Difference | null;
  } | null;
  readonly left_out: LeftOut;
  readonly verdict: Verdict;
}

export interface BenefitQuery {
  readonly since: number;
  readonly now: number;
  readonly complete_since: number;
  readonly horizon_ms: number;
  /** The rule leaves firings alone by chance. */
  readonly draws: boolean;
}

/** The figures of one rule, from its remediations within the window. */
export function benefitOf(rows: readonly Treatment[], query: BenefitQuery): Benefit {
  const { since, now, complete_since, horizon_ms } = query;
  const { firings, left_out } = firingsOf(rows, horizon_ms, now);
  const acted = firings.filter(({ left_alone }) => left_alone === null);
  const alone = firings.filter(({ left_alone }) => left_alone !== null);
  const treated = groupOf(acted);
  const untreated = groupOf(alone);
  const randomised = randomisedOf(firings);
  const drawn = randomised?.held_out?.n ?? 0;
  const basis = drawn >= RANDOMISED_MIN ? 'randomised' : 'observed';
  return {
    since,
    until: now,
    complete_since,
    horizon_ms,
    treated: {
      ...treated,
      acted: acted.length,
      healed: acted.filter(({ healed }) => healed).length,
    },
    untreated: { ...untreated, why: countsOf(alone) },
    difference: differenceOf(treated.recovered, untreated.recovered),
    randomised,
    left_out,
    verdict: judge({
      basis,
      horizon_ms,
      draws: query.draws,
      with_rule: (basis === 'randomised' ? randomised?.with_rule : treated.recovered) ?? null,
      without: (basis === 'randomised' ? randomised?.held_out : untreated.recovered) ?? null,
    }),
  };
}

function groupOf(firings: readonly Firing[]): Group {
  const ends = firings.map(({ until_end }) => until_end);
  return {
    recovered: recoveredOf(firings),
    undecided: firings.filter(({ recovered }) => recovered === null).length,
    median: quantile(ends, 0.5),
    p90: quantile(ends, 0.9),
  };
}

function recoveredOf(firings: readonly Firing[]): Proportion | null {
  const decided = firings.filter(({ recovered }) => recovered !== null);
  return wilson(decided.filter(({ recovered }) => recovered === true).length, decided.length);
}

/**
 * As drawn, whatever then happened (intention to treat): those that were not drawn count as with the rule although a
 * guard may have held one back, because what holds one back may have to do with how it would have ended.
 */
function randomisedOf(firings: readonly Firing[]): Benefit['randomised'] {
  const drawn = firings.filter(({ left_alone }) => left_alone === 'holdout');
  if (drawn.length === 0) return null;
  // Before the first draw the rule may not have drawn at all.
  const from = Math.min(...drawn.map(({ began_at }) => began_at));
  const others = firings.filter(
    ({ left_alone, drawable, began_at }) =>
      left_alone !== 'holdout' && drawable && began_at >= from,
  );
  const with_rule = recoveredOf(others);
  const held_out = recoveredOf(drawn);
  return { with_rule, held_out, difference: differenceOf(with_rule, held_out) };
}

function differenceOf(a: Proportion | null, b: Proportion | null): Difference | null {
  return a === null || b === null ? null : newcombe(a, b);
}

function countsOf(alone: readonly Firing[]): Readonly<Record<LeftAlone, number>> {
  const counts = LEFT_ALONE.map((why) => [
    why,
    alone.filter(({ left_alone }) => left_alone === why).length,
  ]);
  return Object.fromEntries(counts) as Record<LeftAlone, number>;
}
