import type { Episode } from '../../src/core/alerts/episode.ts';
import type { Approval } from '../../src/core/healing/approval.ts';
import type { Hold } from '../../src/core/healing/hold.ts';
import type { Lease } from '../../src/core/healing/lease.ts';
import type { ActionRun, Remediation } from '../../src/core/healing/remediation.ts';
import type { Change, NewDelivery } from '../../src/store.ts';
import type { Entry } from './journal.ts';

/** A run that really touches its target: joining a value that stands is none. */
export interface Start {
  readonly at: number;
  readonly remediation: string;
  readonly rule: string;
  readonly target: string;
}

/** What is durable, as the journal's commits say it: the model's own picture, made without the engine. */
export interface State {
  readonly episodes: Map<string, Episode>;
  readonly remediations: Map<string, Remediation>;
  readonly runs: Map<string, ActionRun>;
  readonly leases: Map<string, Lease>;
  /** Leases whose revert is under way, from its intent to its end. */
  readonly reverting: Set<string>;
  /** Leases whose revert was begun before the one that is under way: in a round that failed, or a process that died. */
  readonly reverted_before: Set<string>;
  readonly holds: Map<string, Hold>;
  readonly approvals: Map<string, Approval>;
  /** When somebody cancelled a remediation. */
  readonly cancelled: Map<string, number>;
  readonly deliveries: NewDelivery[];
  readonly starts: Start[];
  /** Since when it is paused; null: it is not. */
  paused_since: number | null;
  /** Which life committed the intent of a run. */
  readonly intents: Map<string, number>;
  /** `key life` of targets that said "not done". */
  readonly cleared: Set<string>;
  /** Runs that changed the world. */
  readonly done: Set<string>;
  /** Since when the symptom is there. */
  readonly firing: Map<string, number>;
  /** Things that somebody else changed. */
  readonly changed: Set<string>;
}

export function newState(): State {
  return {
    episodes: new Map(),
    remediations: new Map(),
    runs: new Map(),
    leases: new Map(),
    reverting: new Set(),
    reverted_before: new Set(),
    holds: new Map(),
    approvals: new Map(),
    cancelled: new Map(),
    deliveries: [],
    starts: [],
    paused_since: null,
    intents: new Map(),
    cleared: new Set(),
    done: new Set(),
    firing: new Map(),
    changed: new Set(),
  };
}

/** Moves the state on by one entry. */
export function apply(state: State, entry: Entry): void {
  const move = MOVES[entry.kind] as (state: State, entry: Entry) => void;
  move(state, entry);
}

const MOVES: {
  readonly [K in Entry['kind']]: (state: State, entry: Extract<Entry, { kind: K }>) => void;
} = {
  commit(state, entry) {
    for (const change of entry.changes) applyChange(state, change, entry);
  },
  begin: () => undefined,
  end({ done }, { call, did }) {
    if (did && call.what === 'execute') done.add(call.key);
  },
  probed({ cleared }, { key, answer, life }) {
    if (answer === 'not_done') cleared.add(`${key} ${life}`);
  },
  truth({ firing }, { fingerprint, at, firing: fires }) {
    if (fires) firing.set(fingerprint, at);
    else firing.delete(fingerprint);
  },
  changed({ changed }, { thing }) {
    changed.add(`thing/${thing}`);
  },
};

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

/** Changes that say nothing about a promise have none. */
const HANDLERS: {
  readonly [K in Change['kind']]?: (state: State, change: Of<K>, entry: Entry) => void;
} = {
  delivery_add: ({ deliveries }, { delivery }) => {
    deliveries.push(delivery);
  },
  episode_put: ({ episodes }, { episode }) => {
    episodes.set(episode.id, episode);
  },
  episode_repeat: ({ episodes }, { episode }) => {
    episodes.set(episode.id, episode);
  },
  remediation_add: remediationPut,
  remediation_put: remediationPut,
  remediation_cancel: ({ cancelled }, { id, cancel }) => {
    cancelled.set(id, cancel.at);
  },
  run_put: runPut,
  lease_add: ({ leases }, { lease }) => {
    leases.set(lease.id, lease);
  },
  lease_put: leasePut,
  lease_end: ({ leases }, { id, by }) => {
    const lease = leases.get(id);
    if (lease !== undefined) leases.set(id, { ...lease, ended_by: by });
  },
  hold_put: ({ holds }, { hold }) => {
    holds.set(hold.id, hold);
  },
  approval_add: ({ approvals }, { approval }) => {
    approvals.set(approval.id, approval);
  },
  approval_answer: (state, { id, state: to }) => answered(state, id, to),
  approval_use: (state, { id }) => answered(state, id, 'used'),
  setting_put: (state, { key, value }, { at }) => {
    if (key === 'pause') state.paused_since = value === null ? null : at;
  },
};

function applyChange(state: State, change: Change, entry: Entry): void {
  const handle = HANDLERS[change.kind] as
    | ((state: State, change: Change, entry: Entry) => void)
    | undefined;
  handle?.(state, change, entry);
}

function remediationPut(
  { remediations }: State,
  { remediation }: Of<'remediation_add'> | Of<'remediation_put'>,
): void {
  remediations.set(remediation.id, remediation);
}

function answered({ approvals }: State, id: string, to: Approval['state']): void {
  const approval = approvals.get(id);
  if (approval !== undefined) approvals.set(id, { ...approval, state: to });
}

function runPut(state: State, { run }: Of<'run_put'>, { life }: Entry): void {
  if (!state.runs.has(run.id)) {
    state.intents.set(run.id, life);
    const { target, started_at, remediation_id, rule } = run;
    if (target.desired === null || target.desired !== target.observed)
      state.starts.push({ at: started_at, remediation: remediation_id, rule, target: target.id });
  }
  state.runs.set(run.id, run);
}

function leasePut(state: State, { lease, release }: Of<'lease_put'>): void {
  // Who ended it is written by whoever ends it; the worker's copy may be older.
  const ended_by = state.leases.get(lease.id)?.ended_by ?? lease.ended_by;
  if (state.leases.get(lease.id)?.state === 'reverting') state.reverted_before.add(lease.id);
  state.leases.set(lease.id, { ...lease, ended_by });
  if (lease.state === 'reverting' && !release) state.reverting.add(lease.id);
  else state.reverting.delete(lease.id);
}
