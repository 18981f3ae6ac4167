import type { Episode } from '../core/alerts/episode.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import { type Conflict, ConflictError } from '../store.ts';
import type { Engine } from './deps.ts';
import { commitWork, endUnreadable, settle, stamped } from './record.ts';
import { runStage } from './spans.ts';
import { execute } from './stages/execute.ts';
import { escalate } from './stages/escalate.ts';
import { guard } from './stages/guard.ts';
import { hold } from './stages/hold.ts';
import { holdout } from './stages/holdout.ts';
import { intent } from './stages/intent.ts';
import { plan } from './stages/plan.ts';
import { recover } from './stages/recover.ts';
import { verify } from './stages/verify.ts';
import type { Stage, StageResult, Work, Writes } from './work.ts';

/**
 * The way of one remediation, in order (DESIGN §3). A stage takes part when the remediation is in one of
 * its states; new behaviour is a new stage, never a way around the list. Stages decide, this file
 * writes: each state change is committed together with its audit entries.
 */
export const STAGES: readonly Stage[] = [
  hold, //     paused? stale? resolved?
  holdout, //  left alone first, where the rule asks for it
  plan, //     parameters, targets, observed state
  guard, //    everything that needs the plan; dry-run ends here
  intent, //   lock, undo and run on disk -> acting
  recover, //  only after a crash: was it done?
  execute, //  -> verifying
  verify, //   -> healed, or the step failed
  escalate, // the ladder is exhausted: a human
];

/**
 * Takes a claimed remediation as far as it goes now; gives the claim up. `fresh`: its episode, when the
 * remediation was made this moment; then nothing was run for it yet either.
 */
export async function advance(
  claimed: Remediation,
  engine: Engine,
  fresh?: Episode,
): Promise<void> {
  const opened = await open(claimed, engine, fresh);
  if (typeof opened === 'string') {
    await endUnreadable(claimed, opened, engine);
    return;
  }
  let work = opened;
  let earlier: Writes = {};
  for (const stage of STAGES) {
    if (!stage.states.includes(work.remediation.state)) continue;
    const result = joined(earlier, await runStage(stage, work, engine));
    if (result.kind !== 'next') return settle(workOf(result, work), result, engine);
    earlier = result.together === true ? result : {};
    if (result.together !== true && !(await writeNext(work, result, engine))) return;
    work = result.work;
  }
  // Every state's last stage ends, waits or looks again, so the list cannot run out.
  throw new Error(
    `no stage settled remediation ${work.remediation.id} in state ${work.remediation.state}`,
  );
}

function workOf(result: StageResult, before: Work): Work {
  return result.kind === 'lost' ? before : (result.work ?? before);
}

/** What an earlier stage left to be written comes first. */
function joined(earlier: Writes, result: StageResult): StageResult {
  if (earlier.changes === undefined && earlier.drafts === undefined) return result;
  if (result.kind === 'lost') return result;
  return {
    ...result,
    changes: [...(earlier.changes ?? []), ...(result.changes ?? [])],
    drafts: [...(earlier.drafts ?? []), ...(result.drafts ?? [])],
  };
}

/** What the remediation refers to; a sentence when it can no longer be read. */
async function open(
  remediation: Remediation,
  engine: Engine,
  fresh: Episode | undefined,
): Promise<Work | string> {
  const [episode, rule, runs] = await Promise.all([
    fresh ?? engine.store.episode(remediation.episode_id),
    engine.rulebook.byHash(remediation.rule_hash),
    fresh === undefined ? engine.store.runsOf(remediation.id) : [],
  ]);
  if (episode === undefined) return `its episode ${remediation.episode_id} is gone`;
  if (rule === undefined)
    return `the text of rule ${remediation.rule} that it pins is gone or no longer compiles`;
  const step = rule.steps[remediation.step];
  if (step === undefined) return `rule ${rule.name} has no step ${remediation.step + 1}`;
  const action = engine.actions.get(step.action);
  if (action === undefined) return `there is no action ${step.action} any more`;
  const current = runs.filter((row) => row.step === remediation.step);
  return {
    remediation,
    episode,
    rule,
    step,
    action,
    runs: current,
    interrupted: remediation.state === 'acting',
  };
}

/** Commits what a stage wants on disk before the next runs. False: the way ends here for now. */
async function writeNext(
  before: Work,
  result: Extract<StageResult, { kind: 'next' }>,
  engine: Engine,
): Promise<boolean> {
  if (result.changes === undefined && result.drafts === undefined) return true;
  const remediation = stamped(result.work.remediation, engine);
  try {
    await commitWork(engine, result.work, remediation, false, result);
    return true;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    await overtaken(before, error, engine);
    return false;
  }
}

/** What the guards decide anew without waiting for anybody. */
const AT_ONCE: readonly Conflict[] = ['episode_closed', 'starts_moved', 'approval_over'];

/** Somebody was faster between the guards and the commit. Nothing was written; look again. */
async function overtaken(work: Work, conflict: ConflictError, engine: Engine): Promise<void> {
  const fence = await engine.store.fenceOf('remediation', work.remediation.id);
  if (fence !== work.remediation.fence) return;
  const at = engine.clock.now() + (AT_ONCE.includes(conflict.conflict) ? 0 : 1_000);
  await settle(work, waitAfter(conflict, at, work.remediation), engine);
}

function waitAfter(conflict: ConflictError, at: number, remediation: Remediation): StageResult {
  const detail = conflict.message;
  if (conflict.conflict === 'target_locked')
    return { kind: 'wait', reason: 'busy', retry_at: at, detail };
  if (conflict.conflict === 'lease_taken')
    return { kind: 'wait', reason: 'leased', retry_at: at, detail };
  // A grant that was used or withdrawn meanwhile: the guards decide anew.
  return { kind: 'again', at, remediation };
}
