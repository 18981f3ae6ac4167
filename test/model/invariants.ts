import type { Remediation } from '../../src/core/healing/remediation.ts';
import { notAllowed } from './allowed.ts';
import { unaudited } from './audited.ts';
import type { Call, Entry } from './journal.ts';
import { revertedTooSoon } from './reverts.ts';
import { apply, newState, type State } from './state.ts';

/**
 * The promises of DESIGN §3, checked over what was seen from outside. Pure: a journal in, broken promises
 * out. Nothing here asks the engine what it thinks of itself.
 */
export function brokenPromises(journal: readonly Entry[]): readonly string[] {
  const state = newState();
  const broken: string[] = [];
  for (const [index, entry] of journal.entries()) {
    for (const words of judge(state, entry))
      broken.push(
        `entry ${index}, ${new Date(entry.at).toISOString()}, life ${entry.life}: ${words}`,
      );
    apply(state, entry);
  }
  return broken;
}

function judge(state: State, entry: Entry): readonly string[] {
  if (entry.kind === 'begin')
    return entry.call.what === 'execute' ? beginsExecute(state, entry) : beginsRevert(state, entry);
  if (entry.kind === 'end') return didTwice(state, entry);
  if (entry.kind !== 'commit') return [];
  return [
    ...unaudited(state, entry),
    ...vanished(state, entry),
    ...notAllowed(state, entry),
    ...secondRuns(state, entry),
  ];
}

type Begin = Extract<Entry, { kind: 'begin' }>;
type Commit = Extract<Entry, { kind: 'commit' }>;

/* ------------------------------------------------ no two at once, none after the resolve */

const INTENT_TO_VERDICT: readonly Remediation['state'][] = ['acting', 'verifying'];

function beginsExecute(state: State, { call, life }: Begin): readonly string[] {
  const run = state.runs.get(call.key);
  const remediation = run === undefined ? undefined : state.remediations.get(run.remediation_id);
  if (run === undefined || remediation?.state !== 'acting')
    return [`${call.key} begins and its intent is not on disk`];
  const broken = othersOn(state, call, remediation.id).map(
    (other) => `${call.key} begins while ${other} is between intent and verdict on its target`,
  );
  if (state.episodes.get(remediation.episode_id)?.state !== 'open')
    broken.push(`${call.key} begins after the resolve is known`);
  const another = state.intents.get(call.key) !== life;
  if (another && !call.safe_to_repeat && !state.cleared.has(`${call.key} ${life}`))
    broken.push(`${call.key} is begun again after a crash and its target was not asked`);
  return broken;
}

function othersOn(state: State, call: Call, self: string): readonly string[] {
  const others: string[] = [];
  for (const { id, plan, state: at } of state.remediations.values()) {
    if (id === self || !INTENT_TO_VERDICT.includes(at)) continue;
    if (plan?.targets.some((target) => overlap(target, call)) === true)
      others.push(`remediation ${id}`);
  }
  for (const id of state.reverting) {
    const target = state.leases.get(id)?.target;
    if (id !== self && target !== undefined && overlap(target, call))
      others.push(`the revert of ${id}`);
  }
  return others;
}

/** The same, or one is the parent of the other. */
function overlap(
  target: { readonly id: string; readonly parents: readonly string[] },
  call: Call,
): boolean {
  return (
    target.id === call.target ||
    target.parents.includes(call.target) ||
    call.parents.includes(target.id)
  );
}

/** What is not safe to repeat is done once, whatever crashes. */
function didTwice(state: State, entry: Extract<Entry, { kind: 'end' }>): readonly string[] {
  const { call, did } = entry;
  if (!did || call.what !== 'execute' || call.safe_to_repeat) return [];
  return state.done.has(call.key) ? [`${call.key} was done twice`] : [];
}

/* ------------------------------------------------ leases */

function beginsRevert(state: State, entry: Begin): readonly string[] {
  const { call } = entry;
  const id = call.key.replace('/revert', '');
  const lease = state.leases.get(id);
  if (lease === undefined || !state.reverting.has(id))
    return [`${call.key} begins and its intent is not on disk`];
  return [
    ...othersOn(state, call, id).map((other) => `while ${other} stands between intent and verdict`),
    ...revertedTooSoon(state, lease, entry),
  ].map((words) => `${call.key} begins ${words}`);
}

/* ------------------------------------------------ an Alertmanager that restarts empty */

/** Only what really is over may count as vanished. */
function vanished(state: State, { changes }: Commit): readonly string[] {
  return changes.flatMap((change) => {
    if (change.kind !== 'episode_put' || change.episode.close_reason !== 'vanished') return [];
    const { fingerprint, ended_at, id } = change.episode;
    const since = state.firing.get(fingerprint);
    return since !== undefined && since < (ended_at ?? 0)
      ? [`episode ${id} was closed as vanished, and its symptom is there`]
      : [];
  });
}

/** One run of a rule for an episode; another only after one that had grown stale, or by hand. */
function secondRuns(state: State, { changes }: Commit): readonly string[] {
  return changes.flatMap((change) => {
    if (change.kind !== 'remediation_add' || change.remediation.started_by !== null) return [];
    const { episode_id, rule } = change.remediation;
    const before = [...state.remediations.values()].filter(
      (other) => other.episode_id === episode_id,
    );
    return before.some(({ reason, state: at }) => at !== 'done' || reason !== 'stale')
      ? [`${rule} runs a second time for episode ${episode_id}`]
      : [];
  });
}
