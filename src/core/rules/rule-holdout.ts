import { formatDuration } from '../duration.ts';
import { durationSchema, issueOf, shareSchema } from './schema-parts.ts';

/** More would be an experiment at the cost of whom the rule is for. */
export const HOLDOUT_SHARE_MAX_PCT = 50;
export const HOLDOUT_MAX_MS = 86_400_000;

/** The keys of a rule that leave some firings alone first (docs/benefit.md). */
export const HOLDOUT_KEYS = {
  holdout: shareSchema(HOLDOUT_SHARE_MAX_PCT)
    .optional()
    .describe(
      'The share of firings that is left alone at first, to learn what happens without the rule: docs/benefit.md. Never of what has `severity="critical"`, never of drills. Unset: none.',
    ),
  holdout_for: durationSchema(1_000, HOLDOUT_MAX_MS)
    .optional()
    .describe(
      'For so long, then it is healed as usual. Shorter than `guard.max_age`. Unset: the `verify.within` of the first step.',
    ),
} as const;

interface Holdout {
  readonly share_pct: number | undefined;
  readonly for_ms: number | undefined;
  /** `verify.within` of the first step. */
  readonly verify_within_ms: number;
  readonly max_age_ms: number;
}

/** What does not fit together, at its key; undefined: nothing. */
export function holdoutIssue(
  rule: Holdout,
): (ReturnType<typeof issueOf> & { readonly path: string[] }) | undefined {
  const { share_pct, for_ms, verify_within_ms, max_age_ms } = rule;
  if (share_pct === undefined) {
    if (for_ms === undefined) return undefined;
    const issue = issueOf('says nothing without holdout', "write holdout: '5%' too, or remove it");
    return { ...issue, path: ['holdout_for'] };
  }
  // Left alone for longer, the alert would be stale, and never be healed.
  if ((for_ms ?? verify_within_ms) < max_age_ms) return undefined;
  const fix = `write a holdout_for below ${formatDuration(max_age_ms)}, or raise guard.max_age`;
  if (for_ms !== undefined)
    return { ...issueOf('must be shorter than guard.max_age', fix), path: ['holdout_for'] };
  const within = formatDuration(verify_within_ms);
  const found = `would leave alone for the ${within} of the first step's verify.within, and guard.max_age is no longer`;
  return { ...issueOf(found, fix), path: ['holdout'] };
}
