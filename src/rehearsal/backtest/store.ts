import type { AuditEntry } from '../../core/audit/audit.ts';
import type { Hold } from '../../core/healing/hold.ts';
import type { RuleSet } from '../../core/rules/rule.ts';
import type { AuditPage, Change, Store } from '../../store.ts';
import { alertKey } from './record.ts';
import { createRest, HOLDS_KEY, lockKey } from './rest.ts';
import type { Teller } from './tally.ts';
import { createMemoryStore } from '../memory/store.ts';

/** The store of a replay: what its engine would do is the same, what nobody sees of it is left out. */
export interface ReplayStore {
  readonly store: Store;
  /** The set that is played, once it is loaded; until then nothing is left out. */
  playing(set: RuleSet, options: { readonly rest: boolean }): void;
  /** The record answers these another way from now on: see `Noted`. */
  moved(keys: Iterable<string>): void;
  /** Why something went wrong inside autoheal; undefined: nothing did. What it did after that says nothing of rules. */
  broken(): string | undefined;
}

const NO_ENTRIES: AuditPage = { items: [], next_cursor: null };

/** `log` keeps the audit log, and everything else as well unless it is kept `in_memory`. */
export function createReplayStore(
  log: Store,
  teller: Teller,
  now: () => number,
  in_memory: boolean,
): ReplayStore {
  let audited = true;
  let broken: string | undefined;
  const rest = createRest(now);
  const memory = createMemoryStore({
    log,
    audited: () => audited,
    now,
    restsOf: (row, of) => rest.of(row, of),
    restFor: (holder) => rest.forAny([lockKey(holder)]),
  });
  const store = in_memory ? memory.store : log;
  const holds = createHolds(store);

  function moved(keys: Iterable<string>): void {
    for (const id of rest.forAny(keys)) memory.remediations.stir(id);
  }

  function look(change: Change): void {
    if (change.kind === 'delivery_failed') broken ??= change.error;
    if (change.kind === 'audit' && change.entry.reason === 'internal')
      broken ??= JSON.stringify(change.entry.detail);
    if (change.kind === 'episode_put' || change.kind === 'episode_repeat')
      moved([alertKey(change.episode.fingerprint)]);
    if (change.kind !== 'hold_put') return;
    holds.forget();
    moved([HOLDS_KEY]);
  }

  return {
    broken: () => broken,
    moved,
    playing(set, options) {
      // A decision depends on the log only where a policy enforces what is found in it.
      audited = set.policy.harm.enforce || set.policy.budget.enforce;
      if (in_memory && options.rest) rest.begin(set);
    },
    store: {
      ...store,
      async commit(changes) {
        const entries: AuditEntry[] = [];
        for (const change of changes) if (change.kind === 'audit') entries.push(change.entry);
        const kept =
          audited || entries.length === 0
            ? changes
            : changes.filter(({ kind }) => kind !== 'audit');
        if (kept.length > 0) await store.commit(kept);
        changes.forEach(look);
        for (const entry of entries) teller.tell(entry);
      },
      audit: async (query) => (audited ? store.audit(query) : NO_ENTRIES),
      holds: (at) => holds.standing(at),
      async lockHolder(targets, except) {
        const holder = await store.lockHolder(targets, except);
        rest.saw(targets, except, holder);
        return holder;
      },
    },
  };
}

/** Those that stood at the last look stand, until their end, unless one was written; time does not go back. */
function createHolds(store: Store) {
  let known: readonly Hold[] | undefined;
  return {
    forget(): void {
      known = undefined;
    },
    async standing(at: number): Promise<readonly Hold[]> {
      known =
        known === undefined
          ? await store.holds(at)
          : known.filter(({ until }) => until === null || until > at);
      return known;
    },
  };
}
