import { OUTCOMES, type Outcome } from '../../core/healing/remediation.ts';
import type { ActionTally, EpisodeTally, RuleTally, Tally } from './tally.ts';
import { sentencesOf } from './sentences.ts';

/** Of the candidate, and of what it is compared with. */
export interface Pair {
  readonly candidate: number;
  readonly against: number;
}
export interface ActionChange {
  readonly action: string;
  readonly target: string;
  readonly starts: Pair;
  readonly failures: Pair;
  readonly previews: Pair;
  /** The first starts of the set that has more of them, ms since the epoch. */
  readonly first: readonly number[];
}
export interface RuleChange {
  readonly rule: string;
  readonly runs: Pair;
  readonly outcomes: Readonly<Record<Outcome, Pair>>;
  readonly approvals: Pair;
}
export interface WordChange {
  readonly word: string;
  readonly waits: Pair;
  readonly refusals: Pair;
}
export interface EpisodeChange {
  readonly alertname: string;
  readonly fingerprint: string;
  readonly opened_at: number;
  readonly candidate: readonly string[];
  readonly against: readonly string[];
}
/** What one rule set would have done that the other would not. Everything that differs stands first. */
export interface Comparison {
  readonly same: boolean;
  /** Some target is acted on more often. */
  readonly more_actions: boolean;
  readonly sentences: readonly string[];
  readonly totals: {
    readonly runs: Pair;
    readonly actions: Pair;
    readonly approvals: Pair;
    readonly outcomes: Readonly<Record<Outcome, Pair>>;
  };
  readonly actions: readonly ActionChange[];
  readonly rules: readonly RuleChange[];
  readonly words: readonly WordChange[];
  readonly episodes: {
    readonly changed: number;
    /** The oldest of them. */
    readonly shown: readonly EpisodeChange[];
    /** Firings too many to be looked at one by one. */
    readonly left_out: number;
  };
}

/** Pure. `limit`: changed episodes that are shown. */
export function compare(candidate: Tally, against: Tally, limit: number): Comparison {
  const actions = actionChanges(candidate, against);
  const rules = ruleChanges(candidate, against);
  const words = wordChanges(candidate, against);
  const episodes = episodeChanges(candidate, against);
  const totals = {
    runs: sum(rules.map(({ runs }) => runs)),
    actions: sum(actions.map(({ starts }) => starts)),
    approvals: sum(rules.map(({ approvals }) => approvals)),
    outcomes: outcomePairs((outcome) => sum(rules.map(({ outcomes }) => outcomes[outcome]))),
  };
  const same =
    episodes.length === 0 &&
    !actions.some(({ starts, failures, previews }) => [starts, failures, previews].some(differs)) &&
    !rules.some(ruleDiffers) &&
    !words.some(({ waits, refusals }) => differs(waits) || differs(refusals));
  return {
    same,
    more_actions: actions.some(({ starts }) => delta(starts) > 0),
    sentences: sentencesOf(actions, totals),
    totals,
    actions,
    rules,
    words,
    episodes: {
      changed: episodes.length,
      shown: episodes.slice(0, limit),
      left_out: Math.max(candidate.episodes_left_out, against.episodes_left_out),
    },
  };
}

export function differs({ candidate, against }: Pair): boolean {
  return candidate !== against;
}

export function delta({ candidate, against }: Pair): number {
  return candidate - against;
}

/* ---------------------------------------------------------------- parts */

function actionChanges(candidate: Tally, against: Tally): readonly ActionChange[] {
  const changes = keysOf(candidate.actions, against.actions).map((key) =>
    actionChange(candidate.actions.get(key), against.actions.get(key)),
  );
  // What is done more often does more harm than what is done less often.
  return changes.toSorted(
    (a, b) =>
      delta(b.starts) - delta(a.starts) ||
      b.starts.candidate - a.starts.candidate ||
      byText(`${a.target} ${a.action}`, `${b.target} ${b.action}`),
  );
}

function actionChange(one: ActionTally | undefined, other: ActionTally | undefined): ActionChange {
  const { action, target } = (one ?? other) as ActionTally;
  const [mine, theirs] = [one ?? NEVER, other ?? NEVER];
  return {
    action,
    target,
    starts: pair(mine.starts, theirs.starts),
    failures: pair(mine.failures, theirs.failures),
    previews: pair(mine.previews, theirs.previews),
    first: mine.starts >= theirs.starts ? mine.first : theirs.first,
  };
}

const NEVER: Pick<ActionTally, 'starts' | 'failures' | 'previews' | 'first'> = {
  starts: 0,
  failures: 0,
  previews: 0,
  first: [],
};

function ruleChanges(candidate: Tally, against: Tally): readonly RuleChange[] {
  const changes = keysOf(candidate.rules, against.rules).map((rule): RuleChange => {
    const one = candidate.rules.get(rule);
    const other = against.rules.get(rule);
    return {
      rule,
      runs: pair(one?.runs, other?.runs),
      outcomes: outcomePairs((outcome) => pair(one?.outcomes[outcome], other?.outcomes[outcome])),
      approvals: pair(one?.approvals, other?.approvals),
    };
  });
  return changes.toSorted((a, b) => {
    const first = Number(ruleDiffers(b)) - Number(ruleDiffers(a));
    return first || byText(a.rule, b.rule);
  });
}

function ruleDiffers({ runs, outcomes, approvals }: RuleChange): boolean {
  return [runs, approvals, ...Object.values(outcomes)].some(differs);
}

function wordChanges(candidate: Tally, against: Tally): readonly WordChange[] {
  const [one, other] = [wordsOf(candidate), wordsOf(against)];
  const words = keysOf(one, other).map((word) => ({
    word,
    waits: pair(one.get(word)?.waits, other.get(word)?.waits),
    refusals: pair(one.get(word)?.refusals, other.get(word)?.refusals),
  }));
  return words.toSorted(
    (a, b) => moved(b.waits) + moved(b.refusals) - moved(a.waits) - moved(a.refusals),
  );
}

function moved(of: Pair): number {
  return Math.abs(delta(of));
}

function wordsOf({ rules }: Tally): ReadonlyMap<string, { waits: number; refusals: number }> {
  const words = new Map<string, { waits: number; refusals: number }>();
  for (const rule of rules.values())
    for (const kind of ['waits', 'refusals'] as const)
      for (const [word, times] of Object.entries((rule satisfies RuleTally)[kind])) {
        const row = words.get(word) ?? { waits: 0, refusals: 0 };
        row[kind] += times;
        words.set(word, row);
      }
  return words;
}

/** Oldest first. An order that differs is no difference: two rules of one firing race. */
function episodeChanges(candidate: Tally, against: Tally): readonly EpisodeChange[] {
  const changes: EpisodeChange[] = [];
  for (const key of keysOf(candidate.episodes, against.episodes)) {
    const one = candidate.episodes.get(key);
    const other = against.episodes.get(key);
    const { alertname, fingerprint, opened_at } = (one ?? other) as EpisodeTally;
    const deeds = { candidate: one?.deeds ?? [], against: other?.deeds ?? [] };
    if (deeds.candidate.toSorted().join('\n') === deeds.against.toSorted().join('\n')) continue;
    changes.push({ alertname, fingerprint, opened_at, ...deeds });
  }
  return changes.toSorted(
    (a, b) => a.opened_at - b.opened_at || byText(a.fingerprint, b.fingerprint),
  );
}

/* ---------------------------------------------------------------- small helpers */

function pair(candidate = 0, against = 0): Pair {
  return { candidate, against };
}

function sum(pairs: readonly Pair[]): Pair {
  let [candidate, against] = [0, 0];
  for (const one of pairs) {
    candidate += one.candidate;
    against += one.against;
  }
  return { candidate, against };
}

function outcomePairs(of: (outcome: Outcome) => Pair): Readonly<Record<Outcome, Pair>> {
  return Object.fromEntries(OUTCOMES.map((outcome) => [outcome, of(outcome)])) as Record<
    Outcome,
    Pair
  >;
}

function keysOf(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>) {
  return [...new Set([...one.keys(), ...other.keys()])];
}

function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
