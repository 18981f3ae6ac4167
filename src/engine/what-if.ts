import { type Alert, readDelivery } from '../core/alerts/alert.ts';
import { applyAlert } from '../core/alerts/episode-apply.ts';
import type { Episode } from '../core/alerts/episode.ts';
import { judgeDelivery } from '../core/alerts/judge.ts';
import { AutohealError } from '../core/errors.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import { firstFailing } from '../core/rules/matcher.ts';
import { matchRules } from '../core/rules/match.ts';
import type { Rule, RuleSet } from '../core/rules/rule.ts';
import type { AlertAnswer, Decision, PayloadAnswer, RuleAnswer, WhatIf, Would } from './api.ts';
import type { Engine } from './deps.ts';
import { newRemediation } from './new-remediation.ts';
import { mayStartAgain } from './quarantine.ts';
import type { Watch } from './watch.ts';
import { askingEngine } from './what-if-engine.ts';
import { askStages, idle, nothing, underWay } from './what-if-rule.ts';

/** Alerts of one question; those beyond are counted and not looked at. */
export const QUESTION_ALERTS_MAX = 100;
/** Questions under way at one time; beyond it 503. */
export const QUESTIONS_MAX = 8;
/** No further alert of a question is looked at after this, in ms: each may wait for its backends. */
export const QUESTION_MS = 20_000;

/** How a webhook body would have come. */
const SOURCE = 'alertmanager';

/** What would be done, asked of the same code that does it; nothing is changed by asking. */
export function createWhatIf(engine: Engine, view: Watch['view']): WhatIf {
  let under_way = 0;

  async function bounded<T>(ask: () => Promise<T>): Promise<T> {
    if (under_way >= QUESTIONS_MAX)
      throw new AutohealError('overloaded', `${QUESTIONS_MAX} questions are under way already`);
    under_way += 1;
    try {
      return await ask();
    } finally {
      under_way -= 1;
    }
  }

  return {
    payload: (body) => bounded(() => askPayload(body, engine, view)),
    episode: (episode) => bounded(() => askEpisode(episode, engine, view)),
  };
}

/* ---------------------------------------------------------------- a webhook body */

async function askPayload(
  body: Uint8Array,
  engine: Engine,
  view: Watch['view'],
): Promise<PayloadAnswer> {
  const judged = judgeDelivery(body);
  if (!judged.ok) throw new AutohealError(judged.code, judged.detail);
  const read = readDelivery(body);
  if (!read.ok) throw new AutohealError(read.code, read.detail);
  const rules = rulesOf(engine);
  const asked_at = engine.clock.now();
  const { alerts, unusable } = read.delivery;
  const asked = alerts.slice(0, QUESTION_ALERTS_MAX);
  const known = await engine.store.latestEpisodes(asked.map(({ fingerprint }) => fingerprint));
  const answers: AlertAnswer[] = [];
  for (const alert of asked) {
    if (engine.clock.now() - asked_at >= QUESTION_MS) break;
    answers.push(await askAlert(alert, known.get(alert.fingerprint), rules, engine, view));
  }
  const left_out = alerts.length - answers.length;
  return { asked_at, mode: engine.operator.mode(), alerts: answers, left_out, unusable };
}

/** One alert, as if it came alone and now. */
async function askAlert(
  alert: Alert,
  prior: Episode | undefined,
  rules: RuleSet,
  engine: Engine,
  view: Watch['view'],
): Promise<AlertAnswer> {
  const arrival = {
    received_at: engine.clock.now(),
    source: SOURCE,
    trace_id: null,
    new_id: engine.ids.next(),
    rules_version: rules.version,
  };
  const decision = applyAlert(prior, alert, arrival);
  const { status, alertname, fingerprint, labels } = alert;
  const about = { status, alertname, fingerprint, labels, becomes: decision.kind };
  if (decision.kind === 'open' || decision.kind === 'repeat') {
    const { episode } = decision;
    const known = decision.kind === 'repeat' ? episode.id : null;
    const answers = await rulesFor(episode, rules, engine, view);
    return { ...about, why: null, episode: known, rules: answers };
  }
  const why = decision.kind === 'close' ? 'the alert is resolved' : decision.why;
  const scope = applyAlert(undefined, { ...alert, status: 'firing' }, arrival);
  if (scope.kind !== 'open') throw new Error('a first firing opens an episode');
  const answers = rulesOfIdle(scope.episode, rules, engine, nothing(why, decision.kind));
  return { ...about, why, episode: prior?.id ?? null, rules: answers };
}

/* ---------------------------------------------------------------- an episode */

async function askEpisode(
  episode: Episode,
  engine: Engine,
  view: Watch['view'],
): Promise<readonly RuleAnswer[]> {
  const rules = engine.rulebook.current();
  if (rules === undefined) return [];
  if (episode.state === 'open') return rulesFor(episode, rules, engine, view);
  const why = nothing(
    `the alert no longer fires (${episode.close_reason ?? 'closed'})`,
    'resolved',
  );
  return rulesOfIdle(episode, rules, engine, why);
}

function rulesOf(engine: Engine): RuleSet {
  const rules = engine.rulebook.current();
  if (rules === undefined) throw new AutohealError('not_ready', 'no rules are loaded yet');
  return rules;
}

/* ---------------------------------------------------------------- the rules */

/** Each rule in order, and of those that are taken what they would do. */
async function rulesFor(
  episode: Episode,
  rules: RuleSet,
  engine: Engine,
  view: Watch['view'],
): Promise<readonly RuleAnswer[]> {
  const asking = askingEngine(engine, view, episode);
  const before = await engine.store.remediationsOf(episode.id);
  const again = before.length === 0 || (await mayStartAgain(before, engine));
  const answers: RuleAnswer[] = [];
  for (const { taken, rule, ...answer } of listed(rules.rules, episode)) {
    const would = taken ? await wouldOf(rule, episode, before, again, asking) : null;
    answers.push({ rule: rule.name, ...answer, would });
  }
  return answers;
}

function rulesOfIdle(
  episode: Episode,
  rules: RuleSet,
  engine: Engine,
  decision: Decision,
): readonly RuleAnswer[] {
  return listed(rules.rules, episode).map(({ taken, rule, ...answer }) => ({
    rule: rule.name,
    ...answer,
    would: taken ? idle(rule, episode, decision, null, engine) : null,
  }));
}

interface Listed extends Pick<RuleAnswer, 'matches' | 'first_failing_matcher' | 'why'> {
  readonly rule: Rule;
  readonly taken: boolean;
}

function listed(rules: readonly Rule[], { labels }: Episode): readonly Listed[] {
  const { chosen } = matchRules(rules, labels);
  const last = chosen.at(-1);
  return rules.map((rule) => {
    const failing = firstFailing(rule.matchers, labels);
    const matches = failing === undefined;
    const taken = chosen.includes(rule);
    const why = taken || !matches ? null : whyNotTaken(rule, last);
    return { rule, taken, matches, first_failing_matcher: failing?.text ?? null, why };
  });
}

function whyNotTaken(rule: Rule, last: Rule | undefined): string {
  if (!rule.enabled || last === undefined) return 'it is disabled';
  return `rule ${last.name} comes first and does not say continue`;
}

/** A rule that is taken: it goes on with its remediation, begins one, or leaves the alert to what was done. */
async function wouldOf(
  rule: Rule,
  episode: Episode,
  before: readonly Remediation[],
  again: boolean,
  engine: Engine,
): Promise<Would> {
  const row = before.findLast((each) => each.rule === rule.name);
  if (row !== undefined && row.state !== 'done') return goingOn(row, rule, episode, engine);
  if (again) return askStages(newRemediation(engine, episode, rule), false, rule, episode, engine);
  const why =
    row === undefined
      ? 'other rules were run for this firing already; it is looked at when the alert fires anew'
      : `remediation ${row.id} ended ${[row.outcome, row.reason].filter(Boolean).join(', ')}; the next one begins when the alert fires anew`;
  return idle(rule, episode, nothing(why, row?.reason ?? null), row ?? null, engine);
}

async function goingOn(
  row: Remediation,
  rule: Rule,
  episode: Episode,
  engine: Engine,
): Promise<Would> {
  // The text that it pins, which a reload may have replaced since.
  const pinned = (await engine.rulebook.byHash(row.rule_hash)) ?? rule;
  if (row.state === 'ready' || row.state === 'waiting')
    return askStages(row, true, pinned, episode, engine);
  return idle(pinned, episode, underWay(row), row, engine);
}
