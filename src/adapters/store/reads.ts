import type { FlagValue } from '../../action.ts';
import type { Episode } from '../../core/alerts/episode.ts';
import type { Json } from '../../core/json.ts';
import type { Delivery, Store } from '../../store.ts';
import { lockedBy } from './changes.ts';
import { bounded, recorded } from './recorded.ts';
import { EPISODES, LEASES, REMEDIATIONS, RUNS, type Table } from './rows.ts';
import type { Sql, Value } from './sqlite.ts';
import * as text from './statements.ts';

type Reads = Pick<
  Store,
  | 'inbox'
  | 'inboxDepth'
  | 'recorded'
  | 'latestEpisodes'
  | 'episode'
  | 'remediationsOf'
  | 'remediation'
  | 'runsOf'
  | 'ruleText'
  | 'nextDue'
  | 'fenceOf'
  | 'standingOf'
  | 'lockHolder'
  | 'activeLease'
  | 'activeLeases'
  | 'lastEndOn'
  | 'runStarts'
  | 'flag'
  | 'setting'
>;

/** Reads go straight to the file and see what is committed; only the port is asynchronous. */
export function createReads(sql: Sql): Reads {
  return {
    inbox: async (limit) => inbox(sql, limit),
    inboxDepth: async () => inboxDepth(sql),
    recorded: async (query) => recorded(sql, query),
    latestEpisodes: async (fingerprints) => latestEpisodes(sql, fingerprints),
    episode: async (id) => one(sql, EPISODES, text.episode_by_id, [id]),
    remediation: async (id) => one(sql, REMEDIATIONS, text.remediation_by_id, [id]),
    remediationsOf: async (id) => many(sql, REMEDIATIONS, text.remediations_of, [id]),
    runsOf: async (id) => many(sql, RUNS, text.runs_of, [id]),
    ruleText: async (hash) =>
      sql.get(text.rule_text, [hash]) as { name: string; text: string } | undefined,
    nextDue: async (now) => nextDue(sql, now),
    fenceOf: async (kind, id) => {
      const statement = kind === 'remediation' ? text.remediation_fence : text.lease_fence;
      return sql.column<number>(statement, [id])[0];
    },
    standingOf: async (id) =>
      sql.get(text.remediation_standing, [id]) as Awaited<ReturnType<Store['standingOf']>>,
    lockHolder: async (targets, except) => {
      for (const target of targets) {
        const holder = lockedBy(sql, target, except);
        if (holder !== undefined) return holder;
      }
      return undefined;
    },
    activeLease: async (target) => one(sql, LEASES, text.active_lease, [target.toWellFormed()]),
    activeLeases: async () => many(sql, LEASES, text.active_leases, []),
    lastEndOn: async (target, except) => {
      const values = [target.toWellFormed(), except];
      return sql.column<number | null>(text.last_end_on, values)[0] ?? undefined;
    },
    runStarts: async ({ rule, target, since, except }) =>
      sql.column<number>(text.run_starts, [target.toWellFormed(), rule, since, except]),
    flag: async (key) => flag(sql, key),
    setting: async (key) => {
      const [value] = sql.column<string>(text.setting, [key]);
      return value === undefined ? undefined : (JSON.parse(value) as Json);
    },
  };
}

export function one<T>(sql: Sql, of: Table<T>, statement: string, values: Value[]): T | undefined {
  const row = sql.get(statement, values);
  return row === undefined ? undefined : of.decode(row);
}

export function many<T>(sql: Sql, of: Table<T>, statement: string, values: Value[]): readonly T[] {
  return sql.all(statement, values).map(of.decode);
}

function inbox(
  sql: Sql,
  limit: number,
): { readonly cursor: number; readonly deliveries: readonly Delivery[] } {
  const cursor = sql.column<number>(text.inbox_cursor)[0] ?? 0;
  const { deliveries } = bounded(sql.iterate(text.inbox, [cursor, limit]));
  return { cursor, deliveries };
}

function inboxDepth(sql: Sql): { pending: number; oldest_received_at: number | null } {
  const row = sql.get(text.inbox_depth);
  return {
    pending: Number(row?.['pending'] ?? 0),
    oldest_received_at: (row?.['oldest_received_at'] ?? null) as number | null,
  };
}

function latestEpisodes(sql: Sql, fingerprints: readonly string[]): ReadonlyMap<string, Episode> {
  const found = new Map<string, Episode>();
  for (const fingerprint of new Set(fingerprints)) {
    const episode = one(sql, EPISODES, text.latest_episode, [fingerprint]);
    if (episode !== undefined) found.set(fingerprint, episode);
  }
  return found;
}

function nextDue(sql: Sql, now: number): number | null {
  const [remediation] = sql.column<number>(text.next_remediation, [now]);
  const [lease] = sql.column<number>(text.next_lease, [now]);
  if (remediation === undefined) return lease ?? null;
  return lease === undefined ? remediation : Math.min(remediation, lease);
}

function flag(
  sql: Sql,
  key: string,
): { value: FlagValue; updated_at: number; actor: string } | undefined {
  const row = sql.get(text.flag, [key]);
  if (row === undefined) return undefined;
  return {
    value: JSON.parse(row['value'] as string) as FlagValue,
    updated_at: row['updated_at'] as number,
    actor: row['actor'] as string,
  };
}
