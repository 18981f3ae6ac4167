import type { AuditEntry } from './audit/audit.ts';

/** Reasons of entries that say that nothing was tried: neither good nor bad (as outcome `skipped`). */
const NOT_TRIED = new Set(['limit_reached', 'resolved', 'stale', 'cancelled']);

type StepEnd = Pick<AuditEntry, 'kind' | 'remediation' | 'step' | 'reason'>;

/**
 * Steps that were tried, and those of them that failed, from their `action_ok` and `action_fail`
 * entries, as `autoheal_remediations_total` counts them. A step with several targets is one step, and bad
 * when one of them is. What was lost in a crash is bad here; the counter died with its process.
 */
export function stepOutcomes(entries: readonly StepEnd[]): {
  readonly bad: number;
  readonly total: number;
} {
  const steps = new Map<string, readonly StepEnd[]>();
  for (const entry of entries) {
    if (entry.kind !== 'action_ok' && entry.kind !== 'action_fail') continue;
    const key = `${entry.remediation}/${entry.step}`;
    steps.set(key, [...(steps.get(key) ?? []), entry]);
  }
  let [bad, total] = [0, 0];
  for (const ends of steps.values()) {
    if (ends.some(({ kind, reason }) => kind === 'action_fail' && NOT_TRIED.has(reason ?? '')))
      continue;
    total += 1;
    if (ends.some(({ kind }) => kind === 'action_fail')) bad += 1;
  }
  return { bad, total };
}
