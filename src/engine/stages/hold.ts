import type { Episode } from '../../core/alerts/episode.ts';
import { EARLY_GUARDS, type EarlyFacts, runGuards } from '../../core/healing/guards.ts';
import type { Verdict } from '../../core/healing/guard-words.ts';
import type { Engine } from '../deps.ts';
import type { Stage, StageResult, Work } from '../work.ts';

/** The guards that need no plan: before any backend is asked anything. */
export const hold: Stage = { name: 'hold', states: ['ready', 'waiting'], run };

async function run(work: Work, engine: Engine): Promise<StageResult> {
  return verdictResult(work, earlyVerdict(work, engine));
}

export function earlyVerdict(work: Work, engine: Engine): Verdict {
  return runGuards(EARLY_GUARDS, earlyFacts(work, work.episode, engine));
}

/** What the guards look at that need no plan. `episode`: as fresh as the caller needs it. */
export function earlyFacts(work: Work, episode: Episode, engine: Engine): EarlyFacts {
  const pause = engine.operator.paused();
  return {
    now: engine.clock.now(),
    mode: engine.operator.mode(),
    paused_until: pause?.until ?? null,
    pause_detail: pause === undefined ? 'AUTOHEAL_MODE=paused' : `${pause.actor}: ${pause.reason}`,
    episode,
    guard: work.rule.guard,
  };
}

/** A guard's verdict as a stage's result. Only a refusal ends a remediation. */
export function verdictResult(work: Work, verdict: Verdict): StageResult {
  if (verdict.kind === 'allow') return { kind: 'next', work };
  if (verdict.kind === 'wait') return verdict;
  const { reason, detail } = verdict;
  return {
    kind: 'end',
    outcome: reason === 'dry_run' ? 'dry_run' : 'refused',
    reason,
    detail,
    drafts:
      reason === 'dry_run'
        ? []
        : [{ kind: 'decision_skip', reason, result: 'refused', detail: { why: detail } }],
  };
}
