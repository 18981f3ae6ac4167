import type { Episode } from '../../core/alerts/episode.ts';
import { AutohealError } from '../../core/errors.ts';
import type { Remediation, RemediationState } from '../../core/healing/remediation.ts';
import type { DeliverySummary, ListQuery, Page, Store, Waits } from '../../store.ts';
import { checkLimit, decodeCursor, encodeCursor } from './cursor.ts';
import { EPISODES, REMEDIATIONS, type Table, deliverySummary } from './rows.ts';
import type { Row, Sql, Value } from './sqlite.ts';
import * as text from './statements.ts';

type Lists = Pick<
  Store,
  'listEpisodes' | 'listRemediations' | 'listDeliveries' | 'countRemediations' | 'oldestWork'
>;

/** Pages of the lists, newest first, by keyset on the order of insertion. */
export function createLists(sql: Sql): Lists {
  return {
    listEpisodes: async (query) => listEpisodes(sql, query),
    listRemediations: async (query) => listRemediations(sql, query),
    listDeliveries: async (query) => listDeliveries(sql, query),
    countRemediations: async () => countRemediations(sql),
    oldestWork: async () => oldestWork(sql),
  };
}

/** Column conditions of a list; each value is bound in its turn after `$1` (place) and `$2` (limit). */
interface Conditions {
  readonly where: string[];
  readonly values: Value[];
}

function equals(into: Conditions, column: string, value: string | undefined): void {
  if (value === undefined) return;
  into.values.push(value.toWellFormed());
  into.where.push(`${column} = $${into.values.length + 2}`);
}

function listEpisodes(sql: Sql, query: Parameters<Store['listEpisodes']>[0]): Page<Episode> {
  const conditions: Conditions = { where: [], values: [] };
  equals(conditions, 'fingerprint', query.fingerprint);
  equals(conditions, 'alertname', query.alertname);
  // Literally the partial index's predicate; the range on its column makes SQLite choose it, where
  // going through the table by `n` would read every closed episode to find a handful of open ones.
  if (query.state === 'open') conditions.where.push(`state = 'open'`, `fingerprint >= ''`);
  else equals(conditions, 'state', query.state);
  const statement = text.listEpisodes(conditions.where);
  return page(sql, query, { list: 'episodes', statement, values: conditions.values, of: EPISODES });
}

function listRemediations(
  sql: Sql,
  query: Parameters<Store['listRemediations']>[0],
): Page<Remediation> {
  const conditions: Conditions = { where: [], values: [] };
  equals(conditions, 'fingerprint', query.fingerprint);
  equals(conditions, 'alertname', query.alertname);
  equals(conditions, 'rule', query.rule);
  equals(conditions, 'state', query.state);
  // As above: live rows come from the index that holds only those.
  if (query.state !== undefined && query.state !== 'done') {
    conditions.where.push(`state <> 'done'`, 'next_at >= 0');
  }
  return page(sql, query, {
    list: 'remediations',
    statement: text.listRemediations(conditions.where),
    values: conditions.values,
    of: REMEDIATIONS,
  });
}

/** @throws AutohealError `invalid_request` for a filter: a delivery is kept as bytes, unread. */
function listDeliveries(sql: Sql, query: ListQuery): Page<DeliverySummary> {
  if (query.fingerprint !== undefined || query.alertname !== undefined) {
    throw new AutohealError(
      'invalid_request',
      'deliveries cannot be filtered by fingerprint or alertname: filter the alerts or the audit log',
    );
  }
  return page(sql, query, {
    list: 'deliveries',
    statement: text.list_deliveries,
    values: [],
    of: { decode: deliverySummary },
    key: 'seq',
  });
}

function page<T>(
  sql: Sql,
  query: ListQuery,
  from: {
    readonly list: string;
    readonly statement: string;
    readonly values: readonly Value[];
    readonly of: Pick<Table<T>, 'decode'>;
    readonly key?: string;
  },
): Page<T> {
  checkLimit(query.limit);
  const before =
    query.cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(from.list, query.cursor);
  const rows = sql.all(from.statement, [before, query.limit + 1, ...from.values]);
  const items = rows.slice(0, query.limit);
  const last: Row | undefined = items.at(-1);
  const more = rows.length > query.limit && last !== undefined;
  return {
    items: items.map(from.of.decode),
    next_cursor: more ? encodeCursor(from.list, last[from.key ?? 'n'] as number) : null,
  };
}

function countRemediations(sql: Sql): Readonly<Record<RemediationState, number>> {
  const counts = { ready: 0, waiting: 0, acting: 0, verifying: 0, escalating: 0, done: 0 };
  let live = 0;
  for (const row of sql.all(text.count_live)) {
    counts[row['state'] as RemediationState] = row['rows'] as number;
    live += row['rows'] as number;
  }
  counts.done = (sql.column<number>(text.count_remediations)[0] ?? 0) - live;
  return counts;
}

function oldestWork(sql: Sql): Waits {
  const none = { ready: null, waiting: null, acting: null, verifying: null, escalating: null };
  const found = sql.all(text.oldest_live).map((row) => [row['state'], row['since']]);
  return { ...none, lease: null, ...(Object.fromEntries(found) as Partial<Waits>) };
}
