import type { Episode } from '../../core/alerts/episode.ts';
import type { Remediation } from '../../core/healing/remediation.ts';
import {
  type Change,
  type Claim,
  RETAINED_TABLES,
  type Retained,
  type Store,
} from '../../store.ts';
import { createAsked } from './asked.ts';
import { createEpisodes, createInbox } from './inbox.ts';
import { createLeases } from './leases.ts';
import { createLocks } from './locks.ts';
import { createRemediations, type Remediations, type Rests } from './remediations.ts';
import { createRuns } from './runs.ts';
import { refuse, type Undo } from './undo.ts';

/** The store of a replay as plain values: what SQLite costs is more than half of what an engine costs. */
export interface MemoryStore {
  readonly store: Store;
  readonly remediations: Remediations;
}
export interface RestsOf {
  readonly episode: Episode | undefined;
  /** Does this remediation or lease hold a lock? */
  readonly holds: (holder: string) => boolean;
}
export interface MemoryStoreOptions {
  /** Keeps the audit log. */
  readonly log: Store;
  /** False: nobody reads the log. */
  readonly audited: () => boolean;
  readonly now: () => number;
  /** Looks of what is put, and let go, that would change nothing. */
  readonly restsOf: (remediation: Remediation, of: RestsOf) => Rests | undefined;
  /** Who rests until this one lets go of its locks; their ids. */
  readonly restFor: (holder: string) => readonly string[];
}

/**
 * Does as the store of `openStore` does: the same units in the same turns of the event loop, the same conflicts.
 * What only a service asks (lists, records) it does not have.
 */
export function createMemoryStore(options: MemoryStoreOptions): MemoryStore {
  const { log, audited } = options;
  const tables = createTables(options);
  const { inbox, episodes, remediations, runs, locks, leases, asked } = tables;
  const submit = createUnits();

  async function commit(changes: readonly Change[]): Promise<void> {
    await submit(() => unit(changes, tables));
    if (!audited()) return;
    const entries = changes.filter(({ kind }) => kind === 'audit');
    if (entries.length > 0) await log.commit(entries);
  }

  const known: Partial<Store> = {
    exclusive: true,
    commit,
    claimRemediations: (claim: Claim) => submit(() => remediations.claim(claim)),
    claimLeases: (claim: Claim) => submit(() => leases.claim(claim)),
    ...inbox.reads,
    ...episodes.reads,
    ...runs.reads,
    ...locks.reads,
    ...leases.reads,
    ...asked.reads,
    remediation: async (id) => remediations.get(id)?.it,
    remediationsOf: async (id) => remediations.of(id),
    async nextDue(at) {
      const [first, lease] = [remediations.nextDue(at), leases.nextDue(at)];
      return first === null || lease === null ? (first ?? lease) : Math.min(first, lease);
    },
    fenceOf: async (kind, id) =>
      kind === 'remediation' ? remediations.get(id)?.it.fence : leases.fenceOf(id),
    async standingOf(id) {
      const it = remediations.get(id)?.it;
      const state = it === undefined ? undefined : episodes.get(it.episode_id)?.state;
      return it === undefined || state === undefined
        ? undefined
        : { fence: it.fence, episode: state };
    },
    startCount: async () => tables.starts.count,
    audit: (query) => log.audit(query),
    verifyAudit: (...query) => log.verifyAudit(...query),
    retain: (query) => (audited() ? log.retain(query) : Promise.resolve(NOTHING_RETAINED)),
    ping: () => log.ping(),
    close: () => log.close(),
  };
  const asks = Object.keys(log).map((name) => [name, () => Promise.reject(notHere(name))]);
  return { store: { ...Object.fromEntries(asks), ...known } as Store, remediations };
}

const NOTHING_RETAINED: Retained = {
  rows: Object.fromEntries(RETAINED_TABLES.map((table) => [table, 0])) as Retained['rows'],
  more: false,
};

function notHere(name: string): Error {
  return new Error(`the store of a replay has no ${name}`);
}

type Tables = ReturnType<typeof createTables>;

function createTables(options: MemoryStoreOptions) {
  const episodes = createEpisodes();
  const remediations = createRemediations(options.now);
  return {
    options,
    inbox: createInbox(),
    episodes,
    remediations,
    runs: createRuns(remediations),
    locks: createLocks(),
    leases: createLeases(),
    starts: { count: 0 },
    asked: createAsked({
      isOpen: episodes.isOpen,
      waits: (id) => remediations.get(id)?.it.state === 'waiting',
    }),
  };
}

/* ---------------------------------------------------------------- units */

/** Units of one turn of the event loop run in the next, in their order, as a group commit has them. */
function createUnits(): <T>(run: () => T) => Promise<T> {
  let waiting: (() => void)[] = [];

  function turn(): void {
    const batch = waiting;
    waiting = [];
    for (const run of batch) run();
  }

  return (run) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(turn);
      waiting.push(() => {
        try {
          resolve(run());
        } catch (error) {
          reject(error);
        }
      });
    });
}

/** All of it, or nothing. @throws ConflictError. */
function unit(changes: readonly Change[], tables: Tables): void {
  const undo: Undo = [];
  try {
    for (const change of changes) apply(change, tables, undo);
  } catch (error) {
    for (const back of undo.toReversed()) back();
    throw error;
  }
}

type Kind = Exclude<Change['kind'], 'audit'>;
type Of<K extends Kind> = Extract<Change, { kind: K }>;
/** Undefined: a replay makes no such change. Every kind is named, so that a new one is thought of here. */
type Apply = {
  readonly [K in Kind]: ((change: Of<K>, tables: Tables, undo: Undo) => void) | undefined;
};

const APPLY: Apply = {
  delivery_add: (change, { inbox }, undo) => inbox.add(change, undo),
  inbox_advance: (change, { inbox }, undo) => inbox.advance(change, undo),
  delivery_failed: (change, { inbox }, undo) => inbox.failed(change, undo),
  episode_put: (change, { episodes }, undo) => episodes.put(change, undo),
  episode_repeat: (change, { episodes }, undo) => episodes.repeat(change, undo),
  require_open: (change, { episodes }) => episodes.requireOpen(change),
  remediation_add: (change, { remediations }, undo) => remediations.add(change, undo),
  remediation_put(change, { remediations, episodes, locks, options }, undo) {
    const { remediation, release } = change;
    const of = { episode: episodes.get(remediation.episode_id), holds: locks.holds };
    const rests = release ? options.restsOf(remediation, of) : undefined;
    remediations.put(change, rests, undo);
  },
  remediations_wake: (change, { remediations }, undo) => remediations.wakeOf(change, undo),
  waiting_wake: (change, { remediations }, undo) => remediations.wakeWaiting(change, undo),
  priority_raise: (change, { remediations }, undo) => remediations.raise(change, undo),
  remediation_cancel({ id, cancel }, { remediations }, undo) {
    const row = remediations.get(id);
    if (row === undefined || row.it.state === 'done')
      refuse('remediation_over', `remediation ${id} is done`);
    remediations.wake(row, { cancel }, undo);
  },
  remediation_wake({ id }, { remediations }, undo) {
    const row = remediations.get(id);
    if (row !== undefined && row.it.state !== 'done') remediations.wake(row, {}, undo);
  },
  lock: (change, { locks }, undo) => locks.lock(change, undo),
  unlock(change, { locks, remediations, options }, undo) {
    if (!locks.unlock(change, undo)) return;
    for (const id of options.restFor(change.holder)) remediations.stir(id);
    remediations.wakeBusy(change.holder, undo);
  },
  start_count({ expected }, { starts }, undo) {
    if (expected !== null && expected !== starts.count)
      refuse('starts_moved', `another run started since ${expected} were counted`);
    starts.count += 1;
    undo.push(() => {
      starts.count -= 1;
    });
  },
  run_put: (change, { runs }, undo) => runs.put(change, undo),
  lease_add: (change, { leases }, undo) => leases.add(change, undo),
  lease_put: (change, { leases }, undo) => leases.put(change, undo),
  leases_wake: (change, { leases }, undo) => leases.wakeOf(change, undo),
  lease_end: (change, { leases }, undo) => leases.end(change, undo),
  flag_put: (change, { asked }, undo) => asked.flagPut(change, undo),
  setting_put: (change, { asked }, undo) => asked.settingPut(change, undo),
  rule_text_add: (change, { asked }, undo) => asked.textAdd(change, undo),
  hold_put: (change, { asked }, undo) => asked.holdPut(change, undo),
  approval_add: (change, { asked }, undo) => asked.approvalAdd(change, undo),
  approval_answer: (change, { asked }, undo) => asked.approvalAnswer(change, undo),
  approval_use: (change, { asked }, undo) => asked.approvalUse(change, undo),
  slo_add: undefined,
  claims_release_all(_change, { remediations, leases }, undo) {
    remediations.releaseAll(undo);
    leases.releaseAll(undo);
  },
};

function apply(change: Change, tables: Tables, undo: Undo): void {
  if (change.kind === 'audit') return;
  const handler = APPLY[change.kind] as
    | ((change: Change, tables: Tables, undo: Undo) => void)
    | undefined;
  if (handler === undefined) throw notHere(change.kind);
  handler(change, tables, undo);
}
