import type { Treatment, TreatmentQuery } from './core/benefit/treatment.ts';

/** The part of the store that the order of the work, and the benefit of rules, ask. */
export interface OrderReads {
  /** Live remediations that follow this burn rate with a lower priority, the oldest first; their ids, at most `limit`. */
  belowPriority(of: string, priority: number, limit: number): Promise<readonly string[]>;
  /**
   * What became of a rule's remediations, newest first, with drills and those that somebody began. At most
   * `TREATMENTS_PAGE_MAX` of them; `before` goes on where a page ended.
   */
  treatments(query: TreatmentQuery): Promise<readonly Treatment[]>;
}
