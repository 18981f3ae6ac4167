import type { ActionRun, Remediation } from '../../src/core/healing/remediation.ts';
import type { Hold } from '../../src/core/healing/hold.ts';
import type { Entry } from './journal.ts';
import { BLAST, type ModelRule, RULES_BY_HASH, SERVICE_LIMIT, type Window } from './rules.ts';
import { apply, newState, type Start, type State } from './state.ts';

type Commit = Extract<Entry, { kind: 'commit' }>;

/** An intent as it is committed, with what it is for. */
interface Intent {
  readonly state: State;
  readonly commit: Commit;
  readonly remediation: Remediation;
  readonly rule: ModelRule;
  readonly runs: readonly ActionRun[];
}

/** Promises about what may be intended at all: limits, blast radius, evidence, and what people said. */
export function notAllowed(state: State, commit: Commit): readonly string[] {
  const runs = commit.changes.flatMap((change) =>
    change.kind === 'run_put' && !state.runs.has(change.run.id) ? [change.run] : [],
  );
  const [first] = runs;
  if (first === undefined) return [];
  const remediation = state.remediations.get(first.remediation_id);
  const rule = RULES_BY_HASH.get(remediation?.rule_hash ?? '');
  if (remediation === undefined || rule === undefined) return ['an intent of nobody'];
  const intent: Intent = { state, commit, remediation, rule, runs };
  const broken = [
    ...overLimits(intent),
    ...withoutEvidence(intent),
    ...withoutApproval(intent),
    ...againstPeople(intent),
  ];
  return broken.map((words) => `rule ${rule.name} intends ${first.target.cmd} ${words}`);
}

/** In any window; joining a lease at the value that stands is no start. */
function overLimits({ state, commit, rule, runs }: Intent): readonly string[] {
  const after: State = { ...newState(), starts: [...state.starts] };
  apply(after, commit);
  const mine = after.starts.slice(state.starts.length);
  if (mine.length === 0) return [];
  const now = runs[0]?.started_at ?? commit.at;

  function over(
    { count, window_ms }: Window,
    what: 'remediation' | 'target',
    among: (start: Start) => boolean,
  ): string | undefined {
    const inside = after.starts.filter((start) => start.at > now - window_ms && among(start));
    const found = new Set(inside.map((start) => start[what])).size;
    return found > count ? `as ${found}. ${what} in ${window_ms} ms, allowed: ${count}` : undefined;
  }

  const of_rule = (start: Start) => start.rule === rule.name;
  const found = [
    ...mine.map(({ target }) =>
      over(rule.limit, 'remediation', (start) => of_rule(start) && start.target === target),
    ),
    rule.limit_rule === null ? undefined : over(rule.limit_rule, 'remediation', of_rule),
    over(SERVICE_LIMIT, 'remediation', () => true),
    over(BLAST, 'target', () => true),
  ];
  return found.filter((words) => words !== undefined);
}

function withoutEvidence({ state, commit, remediation, rule }: Intent): readonly string[] {
  const episode = state.episodes.get(remediation.episode_id);
  const broken: string[] = [];
  if (episode?.state !== 'open') broken.push('after the resolve is known');
  else if (commit.at - episode.last_firing_at > rule.max_age_ms) broken.push('on stale evidence');
  // Within the same moment nobody can tell what came first.
  if (commit.blind_since !== null && commit.blind_since < commit.at) broken.push('while blind');
  return broken;
}

function withoutApproval({ state, commit, rule }: Intent): readonly string[] {
  const used = commit.changes.find((change) => change.kind === 'approval_use');
  if (used === undefined) return rule.approve ? ['and nobody was asked'] : [];
  const answer = state.approvals.get(used.id)?.state;
  return answer === 'granted' ? [] : [`with an approval that is ${answer}`];
}

function againstPeople({ state, commit, remediation, runs }: Intent): readonly string[] {
  const { at } = commit;
  const broken: string[] = [];
  if ((state.paused_since ?? at) < at) broken.push('while paused');
  if ((state.cancelled.get(remediation.id) ?? at) < at) broken.push('and was cancelled');
  for (const hold of state.holds.values())
    if (stands(hold, at) && covers(hold, remediation, runs)) broken.push(`against a ${hold.kind}`);
  return broken;
}

function stands({ since, until, ended_at }: Hold, at: number): boolean {
  return since < at && ended_at === null && (until ?? Number.POSITIVE_INFINITY) > at;
}

function covers(hold: Hold, remediation: Remediation, runs: readonly ActionRun[]): boolean {
  const targets = runs.flatMap(({ target }) => [target.id, ...target.parents]);
  const pairs = [
    [hold.fingerprint, [remediation.fingerprint]],
    [hold.episode, [remediation.episode_id]],
    [hold.rule, [remediation.rule]],
    [hold.target, targets],
  ] as const;
  return pairs.every(([wanted, found]) => wanted === null || found.includes(wanted));
}
