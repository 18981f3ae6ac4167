import type { AuditKind } from '../../src/core/audit/audit.ts';
import type { Change } from '../../src/store.ts';
import type { Entry } from './journal.ts';
import type { State } from './state.ts';

/** Every state change commits together with its audit entry. */
export function unaudited(
  state: State,
  { changes }: Extract<Entry, { kind: 'commit' }>,
): readonly string[] {
  const entries = changes.flatMap((change) => (change.kind === 'audit' ? [change.entry] : []));
  return changes.flatMap((change) => {
    const wanted = wantedFor(state, change);
    if (wanted === null) return [];
    const { about, kinds, what } = wanted;
    const found = entries.some(
      (entry) =>
        (kinds.length === 0 || kinds.includes(entry.kind)) &&
        (about === null || [entry.episode, entry.remediation].includes(about)),
    );
    return found ? [] : [`${what} without an audit entry in the same commit`];
  });
}

interface Wanted {
  /** Id of an episode or a remediation; null: the kind says enough. */
  readonly about: string | null;
  /** Empty: any. */
  readonly kinds: readonly AuditKind[];
  readonly what: string;
}

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

/** Changes that are no change of state have none. */
const WANTED: {
  readonly [K in Change['kind']]?: (change: Of<K>, state: State) => Wanted | null;
} = {
  episode_put({ episode: { id, state: to } }, state) {
    if (state.episodes.get(id)?.state === to) return null;
    const kinds = [to === 'open' ? 'alert_firing' : 'alert_resolved'] as const;
    return { about: id, kinds, what: `episode ${id} becomes ${to}` };
  },
  remediation_add: ({ remediation: { id } }) => ({
    about: id,
    kinds: ['decision_run'],
    what: `remediation ${id} is made`,
  }),
  remediation_put({ remediation: { id, state: to, step, reason } }, state) {
    const before = state.remediations.get(id);
    const same_wait = to !== 'waiting' || before?.reason === reason;
    if (before?.state === to && before.step === step && same_wait) return null;
    const kinds: readonly AuditKind[] = to === 'done' ? ['remediation_done'] : [];
    return { about: id, kinds, what: `remediation ${id} goes from ${before?.state} to ${to}` };
  },
  lease_add: ({ lease: { id } }) => ({
    about: null,
    kinds: ['action_start'],
    what: `lease ${id} is made`,
  }),
  lease_put({ lease: { id, state: to } }, state) {
    const before = state.leases.get(id)?.state;
    if (before === to || to === 'active' || to === 'reverting') return null;
    const kinds = [to === 'failed' ? 'revert_fail' : 'revert_ok'] as const;
    return { about: null, kinds, what: `lease ${id} becomes ${to}` };
  },
  lease_end: ({ id }) => ({ about: null, kinds: ['lease_expired'], what: `lease ${id} is ended` }),
  hold_put: () => ({ about: null, kinds: ['hold', 'unhold', 'ack', 'unack'], what: 'a hold' }),
  approval_add: () => ({ about: null, kinds: ['approval_requested'], what: 'a question' }),
  approval_answer: () => ({
    about: null,
    kinds: ['approval_granted', 'approval_denied'],
    what: 'an answer',
  }),
  setting_put: ({ key }) =>
    key === 'pause' ? { about: null, kinds: ['pause', 'resume'], what: 'the pause' } : null,
};

function wantedFor(state: State, change: Change): Wanted | null {
  const want = WANTED[change.kind] as ((change: Change, state: State) => Wanted | null) | undefined;
  return want?.(change, state) ?? null;
}
