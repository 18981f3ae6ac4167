import type { Episode } from '../core/alerts/episode.ts';
import { RECHECK_MS } from '../core/healing/guard-words.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import type { Rule } from '../core/rules/rule.ts';
import { isoTime } from '../core/time.ts';
import type { Decision, Rung, Would } from './api.ts';
import type { Engine } from './deps.ts';
import { guard } from './stages/guard.ts';
import { hold, saidOf } from './stages/hold.ts';
import { holdout } from './stages/holdout.ts';
import { plan, renderParams } from './stages/plan.ts';
import type { StageResult, Work } from './work.ts';

/** Commands that a decision's sentence names. */
const CMDS_SAID_MAX = 5;

/** Every step of the rule for the episode: its action with the parameters it would get, or why it gets none. */
export function ladderOf(rule: Rule, episode: Episode, engine: Engine): readonly Rung[] {
  return rule.steps.map((step, at) => {
    const about = { step: at, action: step.action, lease_ms: step.lease_ms };
    const action = engine.actions.get(step.action);
    if (action === undefined)
      return { ...about, params: null, problem: `there is no action ${step.action}` };
    const rendered = renderParams({ step, action, episode });
    return rendered.ok
      ? { ...about, params: rendered.params, problem: null }
      : { ...about, params: null, problem: rendered.detail };
  });
}

/** A rule that would begin nothing, and why; with the plan of the remediation that is at it, where one is. */
export function idle(
  rule: Rule,
  episode: Episode,
  decision: Decision,
  row: Remediation | null,
  engine: Engine,
): Would {
  const at_it = row?.state === 'done' ? null : row;
  return {
    remediation: row?.id ?? null,
    step: at_it?.step ?? 0,
    ladder: ladderOf(rule, episode, engine),
    plan: at_it?.plan ?? null,
    unplanned: null,
    asked: at_it ?? NOT_ASKED,
    decision,
  };
}

const NOT_ASKED: Would['asked'] = { state: 'ready', reason: null, detail: null, guards: null };

/**
 * What the remediation would do next: asked of the stages that plan and guard it, one after the other.
 * Where the first ones stop it the others are asked too, as far as they can be: what would stop it next
 * is worth knowing. `engine`: one that asks (what-if-engine.ts).
 */
export async function askStages(
  row: Remediation,
  standing: boolean,
  rule: Rule,
  episode: Episode,
  engine: Engine,
): Promise<Would> {
  const ladder = ladderOf(rule, episode, engine);
  const step = rule.steps[row.step];
  const action = step === undefined ? undefined : engine.actions.get(step.action);
  const about = { remediation: standing ? row.id : null, step: row.step, ladder };
  if (step === undefined || action === undefined) {
    const why = ladder[row.step]?.problem ?? `rule ${rule.name} has no step ${row.step + 1}`;
    const decision = failure('not_found', why, null);
    return { ...about, plan: null, unplanned: why, asked: NOT_ASKED, decision };
  }
  const work: Work = {
    remediation: row,
    episode,
    rule,
    step,
    action,
    runs: [],
    interrupted: false,
  };
  const { held, planned, guarded, last } = await through(work, engine);
  const stops = [held, planned, guarded ?? planned].find(({ kind }) => kind !== 'next');
  return {
    ...about,
    plan: last.remediation.plan,
    unplanned: planned.kind === 'next' ? null : whyUnplanned(planned),
    asked: askedOf(last.remediation, planned),
    decision: decisionOf(stops ?? planned, last, engine.clock.now()),
  };
}

interface Asked {
  readonly held: StageResult;
  readonly planned: StageResult;
  /** Undefined: there was no plan to guard. */
  readonly guarded?: StageResult;
  /** The work as far as it came. */
  readonly last: Work;
}

async function through(work: Work, engine: Engine): Promise<Asked> {
  const fresh: Work = { ...work, remediation: { ...work.remediation, plan: null, guards: null } };
  const early = await hold.run(fresh, engine);
  const held = early.kind === 'next' ? await holdout.run(early.work, engine) : early;
  const looked = workOf(held, workOf(early, fresh));
  const planned = await plan.run(looked, engine);
  const made = workOf(planned, looked);
  if (planned.kind !== 'next') return { held, planned, last: made };
  const guarded = await guard.run(made, engine);
  return { held, planned, guarded, last: workOf(guarded, made) };
}

function workOf(result: StageResult, before: Work): Work {
  return result.kind === 'lost' ? before : (result.work ?? before);
}

/** Reason and sentence of whatever stopped it. */
function whyUnplanned(result: StageResult): string | null {
  return 'detail' in result ? `${result.reason}: ${result.detail}` : null;
}

/** The breaker is asked before there is a plan, so what it said is not among the guards' values. */
function askedOf({ guards }: Remediation, planned: StageResult): Would['asked'] {
  if (planned.kind !== 'wait') return { ...NOT_ASKED, guards };
  const { reason, detail } = planned;
  return { state: 'waiting', reason, detail, guards };
}

/* ---------------------------------------------------------------- in a word and a sentence */

function decisionOf(result: StageResult, work: Work, now: number): Decision {
  const cmds = cmdsOf(work);
  switch (result.kind) {
    case 'next':
      return { would: 'act', reason: null, until: null, text: `would act: ${cmds}` };
    case 'wait':
      return waiting(result, now);
    case 'ask': {
      const { reason, detail } = result;
      const text = `would ask a person: ${reason}: ${detail}; granted, it would act: ${cmds}`;
      return { would: 'ask', reason, until: null, text };
    }
    case 'step_failed':
      return failure(result.reason, result.detail, work);
    case 'escalate':
    case 'end':
      return ending(result, work);
    case 'again':
    case 'lost':
      throw new Error(`a stage that plans or guards answered ${result.kind}`);
  }
}

/** Where nothing says when a guard lifts, the service only looks again. */
function waiting(result: Extract<StageResult, { kind: 'wait' }>, now: number): Decision {
  const { reason, detail, retry_at } = result;
  const until = retry_at > now + RECHECK_MS ? retry_at : null;
  const when = until === null ? 'until it lifts' : `until ${isoTime(until)}`;
  return { would: 'wait', reason, until, text: `would wait: ${reason}, ${when}: ${detail}` };
}

function ending(result: Extract<StageResult, { kind: 'end' | 'escalate' }>, work: Work): Decision {
  const { reason, detail } = result;
  if (reason === 'dry_run') {
    const text = `would only preview: dry_run: ${detail}: ${cmdsOf(work)}`;
    return { would: 'preview', reason, until: null, text };
  }
  const told = result.kind === 'escalate' ? `; a human is told (${work.rule.otherwise})` : '';
  return {
    would: 'refuse',
    reason,
    until: null,
    text: `would refuse: ${reason}: ${detail}${told}`,
  };
}

/** The ladder goes on: the next step is planned then, with all guards. */
function failure(reason: string, detail: string, work: Work | null): Decision {
  const text = `would fail before it begins: ${reason}: ${detail}${work === null ? '' : `; ${after(work)}`}`;
  return { would: 'fail', reason, until: null, text };
}

function after({ rule, remediation: { step } }: Work): string {
  const next = rule.steps[step + 1];
  return next === undefined
    ? `then a human is told (${rule.otherwise})`
    : `then step ${step + 2}, ${next.action}`;
}

function cmdsOf({ remediation }: Work): string {
  const cmds = (remediation.plan?.targets ?? []).map(({ cmd }) => cmd);
  const more = cmds.length - CMDS_SAID_MAX;
  const said = cmds.slice(0, CMDS_SAID_MAX).join('; ');
  return more > 0 ? `${said}; and ${more} more` : said;
}

/** It is at it already: nothing new begins. */
export function underWay(row: Remediation): Decision {
  const wish = row.cancel === null ? '' : `; ${saidOf(row.cancel)}`;
  const text = `is under way: remediation ${row.id} is ${row.state}, step ${row.step + 1}${wish}`;
  return { would: 'go_on', reason: row.reason, until: null, text };
}

export function nothing(why: string, reason: string | null = null): Decision {
  return { would: 'nothing', reason, until: null, text: `would do nothing: ${why}` };
}
