import { z } from 'zod';
import type { Benefit, Group } from '../core/benefit/benefit.ts';
import type { Proportion } from '../core/benefit/proportion.ts';
import type { Quantile } from '../core/benefit/survival.ts';
import { BENEFIT_WORDS } from '../core/benefit/verdict.ts';
import { isoTime } from '../core/time.ts';
import { Time } from './views.ts';

/** What a rule is good for (docs/benefit.md), its shape beside its view. Shares are 0 to 1, spans in seconds. */

const Share = z
  .strictObject({
    n: z.int(),
    k: z.int(),
    share: z.number(),
    /** The 95 % interval. */
    low: z.number(),
    high: z.number(),
  })
  .meta({ id: 'Share' }) satisfies z.ZodType<Proportion>;
const Difference = z.strictObject({ points: z.number(), low: z.number(), high: z.number() });
const Span = z.strictObject({
  /** Null: so few ended that nobody can say. */
  seconds: z.number().nullable(),
  low_seconds: z.number().nullable(),
  high_seconds: z.number().nullable(),
});
const GroupItem = z.strictObject({
  recovered: Share.nullable(),
  undecided: z.int(),
  median: Span,
  p90: Span,
});

export const BenefitItem = z
  .strictObject({
    word: z.enum(BENEFIT_WORDS),
    text: z.string(),
    basis: z.enum(['randomised', 'observed']),
    more: z.strictObject({ with_rule: z.int(), without: z.int() }),
    since: Time,
    until: Time,
    /** Later than `since` where there are more firings than one look takes. */
    complete_since: Time,
    /** For how long both groups are watched. */
    horizon_seconds: z.number(),
    treated: GroupItem.extend({ acted: z.int(), healed: z.int() }),
    untreated: GroupItem.extend({
      why: z.strictObject({ dry_run: z.int(), holdout: z.int(), waited: z.int() }),
    }),
    difference: Difference.nullable(),
    randomised: z
      .strictObject({
        with_rule: Share.nullable(),
        held_out: Share.nullable(),
        difference: Difference.nullable(),
      })
      .nullable(),
    left_out: z.strictObject({ other_rule: z.int(), meddled: z.int() }),
  })
  .meta({ id: 'Benefit' });

export function benefitView(benefit: Benefit): object {
  const { since, until, complete_since, horizon_ms, treated, untreated, verdict, ...rest } =
    benefit;
  const { acted, healed, ...with_rule } = treated;
  const { why, ...without } = untreated;
  return {
    ...verdict,
    since: isoTime(since),
    until: isoTime(until),
    complete_since: isoTime(complete_since),
    horizon_seconds: horizon_ms / 1_000,
    treated: { ...groupView(with_rule), acted, healed },
    untreated: { ...groupView(without), why },
    ...rest,
  };
}

function groupView({ median, p90, ...group }: Group): object {
  return { ...group, median: spanView(median), p90: spanView(p90) };
}

function spanView({ ms, low_ms, high_ms }: Quantile): object {
  return {
    seconds: seconds(ms),
    low_seconds: seconds(low_ms),
    high_seconds: seconds(high_ms),
  };
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}
