import { isoTime } from '../../core/time.ts';
import type { Engine } from '../deps.ts';
import type { Stage, StageResult, Work } from '../work.ts';

/**
 * A firing that is left alone first, to learn what happens without the rule. After the early guards, so that one
 * that is over, held or too old says so; before the plan, so that no backend is asked for it.
 */
export const holdout: Stage = { name: 'holdout', states: ['ready', 'waiting'], run };

async function run(work: Work, engine: Engine): Promise<StageResult> {
  const { held_out_until: until } = work.remediation;
  const { holdout: asked } = work.rule;
  if (until === null || engine.clock.now() >= until) return { kind: 'next', work };
  const share = asked === null ? '' : `: ${asked.share_pct}% of this rule's firings are`;
  return {
    kind: 'wait',
    work,
    reason: 'holdout',
    retry_at: until,
    detail: `left alone until ${isoTime(until)} to learn what happens without the rule${share}`,
  };
}
