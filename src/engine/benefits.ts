import { type Benefit, benefitOf } from '../core/benefit/benefit.ts';
import { type Treatment, TREATMENTS_PAGE_MAX } from '../core/benefit/treatment.ts';
import type { Rule } from '../core/rules/rule.ts';
import type { Clock } from '../ports.ts';
import type { Store } from '../store.ts';
import type { Benefits } from './api.ts';

/** Remediations of one rule that one look takes, the newest: with more, they say enough. */
export const BENEFIT_ROWS_MAX = 2_000;
/** Figures over weeks need not be newer than this. */
const KEPT_MS = 60_000;
/** Figures that are kept, one for each rule and window. */
const KEPT_MAX = 500;

/** The horizon of a rule's comparison, ms: what its hold-out waits, or else what its first step gets to heal. */
export function horizonOf({ holdout, steps }: Pick<Rule, 'holdout' | 'steps'>): number {
  return holdout?.for_ms ?? steps[0]?.verify.within_ms ?? 0;
}

/** What rules are good for, read page by page and kept for a minute. */
export function createBenefits({
  store,
  clock,
}: {
  readonly store: Pick<Store, 'treatments'>;
  readonly clock: Pick<Clock, 'now'>;
}): Benefits {
  const kept = new Map<string, { readonly at: number; readonly benefit: Promise<Benefit> }>();

  async function look(rule: Rule, window_ms: number): Promise<Benefit> {
    const now = clock.now();
    const since = now - window_ms;
    const { rows, complete_since } = await rowsSince(rule.name, since);
    const horizon_ms = horizonOf(rule);
    const draws = rule.holdout !== null;
    return benefitOf(rows, { since, now, complete_since, horizon_ms, draws });
  }

  async function rowsSince(
    rule: string,
    since: number,
  ): Promise<{ readonly rows: readonly Treatment[]; readonly complete_since: number }> {
    const rows: Treatment[] = [];
    let before: number | undefined;
    while (rows.length < BENEFIT_ROWS_MAX) {
      const limit = Math.min(TREATMENTS_PAGE_MAX, BENEFIT_ROWS_MAX - rows.length);
      const page = await store.treatments({
        rule,
        limit,
        ...(before === undefined ? {} : { before }),
      });
      rows.push(...page.filter(({ created_at }) => created_at >= since));
      const last = page.at(-1);
      if (last === undefined || page.length < limit || last.created_at < since)
        return { rows, complete_since: since };
      before = last.n;
    }
    return { rows, complete_since: rows.at(-1)?.created_at ?? since };
  }

  return {
    of(rule, window_ms) {
      const key = `${rule.hash}/${rule.name}/${window_ms}`;
      const known = kept.get(key);
      if (known !== undefined && clock.now() - known.at < KEPT_MS) return known.benefit;
      kept.delete(key);
      const oldest = kept.keys().next();
      if (kept.size >= KEPT_MAX && oldest.done !== true) kept.delete(oldest.value);
      // Kept before it is there: who asks meanwhile waits for the same look.
      const benefit = look(rule, window_ms);
      kept.set(key, { at: clock.now(), benefit });
      benefit.catch(() => kept.delete(key));
      return benefit;
    },
  };
}
