import { setImmediate as nextTurn } from 'node:timers/promises';
import { AutohealError } from '../../core/errors.ts';
import type { AuditPage, AuditQuery } from '../../store.ts';
import { BLOCK_ROWS, blockOf, checkpointOf } from './audit-chain.ts';
import { checkLimit, decodeCursor, encodeCursor } from './cursor.ts';
import { auditRecord } from './rows.ts';
import type { Sql, Value } from './sqlite.ts';
import * as text from './statements.ts';

/** Values one field may be asked for at once. */
const FILTER_VALUES_MAX = 100;
const FREE_TEXT_CHARS_MAX = 200;
/** Keys followed in an index at once; with more, the rows are scanned instead. */
const KEYS_MAX = 500;
/** Rows scanned in the first slice; later ones grow while they stay under the time below. */
const SLICE_ROWS = 10_000;
/** Blocks of audit_refs looked into between two turns of the event loop; 5 ms of work. */
const BLOCKS = 100;
/** A slice that took less than this doubles the next, ms. */
const SLICE_MS = 5;
const MINUTE_MS = 60_000;

/** Fields of a query that are columns, and can have several values. */
const FIELDS = [
  'kind',
  'alertname',
  'fingerprint',
  'episode',
  'remediation',
  'target',
  'rule',
  'action',
  'result',
  'reason',
  'actor',
] as const;
type Field = (typeof FIELDS)[number];
/** Those that audit_refs knows, the most selective first. */
const REFS = ['remediation', 'episode', 'fingerprint'] as const;
const TEXT_COLUMNS = ['alertname', 'rule', 'target', 'cmd', 'reason', 'result', 'detail'];

/** How a page is looked for. */
interface Search {
  readonly statement: string;
  /** Index keys, each followed on its own in seq order and merged: one empty key scans the table. */
  readonly keys: readonly (readonly Value[])[];
  /** Values of the other filters, after the key's. */
  readonly rest: readonly Value[];
  /** True when every row of the index fits, so no slice can be scanned in vain. */
  readonly exact: boolean;
  /** When given, only blocks that name one of these are looked into. */
  readonly refs: readonly string[] | undefined;
}

interface Bounds {
  readonly low: number;
  readonly high: number;
}

/**
 * One page of the audit log, by keyset on `seq`. What an index cannot answer is scanned in slices
 * with a turn of the event loop between them: the log is append-only, so a page put together over
 * several turns is still one consistent page.
 * @throws AutohealError `invalid_request`: limit, cursor, too many values, too long a text.
 */
export async function queryAudit(
  sql: Sql,
  query: AuditQuery,
  head_seq: number,
): Promise<AuditPage> {
  checkLimit(query.limit);
  const list = `audit/${query.order}`;
  const bounds = boundsOf(sql, query, head_seq, list);
  const search = searchOf(sql, query);
  const seqs = await collect(sql, search, { bounds, order: query.order, need: query.limit + 1 });
  const page = seqs.slice(0, query.limit);
  const rows = sql.all(text.audit_rows, [JSON.stringify(page)]).map(auditRecord);
  if (query.order === 'desc') rows.reverse();
  const last = page.at(-1);
  const more = seqs.length > query.limit && last !== undefined;
  return { items: rows, next_cursor: more ? encodeCursor(list, last) : null };
}

/** The seqs that can match, from the cursor and the minutes' table. */
function boundsOf(sql: Sql, query: AuditQuery, head_seq: number, list: string): Bounds {
  // Rows that retention is about to delete are gone already.
  let low = Math.max(query.after ?? 0, checkpointOf(sql)?.removed_to_seq ?? 0) + 1;
  let high = head_seq;
  if (query.since !== undefined) {
    const [seq] = sql.column<number>(text.audit_since, [Math.floor(query.since / MINUTE_MS)]);
    low = Math.max(low, seq ?? head_seq + 1);
  }
  if (query.until !== undefined) {
    const [seq] = sql.column<number>(text.audit_until, [Math.floor(query.until / MINUTE_MS)]);
    high = Math.min(high, seq ?? 0);
  }
  if (query.cursor !== undefined) {
    const seen = decodeCursor(list, query.cursor);
    if (query.order === 'asc') low = Math.max(low, seen + 1);
    else high = Math.min(high, seen - 1);
  }
  return { low, high };
}

function searchOf(sql: Sql, query: AuditQuery): Search {
  const wanted = new Map<Field, readonly string[]>();
  for (const field of FIELDS) {
    const values = valuesOf(field, query[field]);
    if (values.length > 0) wanted.set(field, values);
  }
  const refs = REFS.map((field) => wanted.get(field)).find((values) => values !== undefined);
  const { columns, keys } = refs === undefined ? keysOf(sql, wanted) : WHOLE;
  for (const column of columns) wanted.delete(column);
  const conditions = columns.map((column, index) => `${column} = $${index + 4}`);
  const rest: Value[] = [];
  for (const [sentence, ...values] of [...fieldFilters(wanted), ...otherFilters(query)]) {
    const first = 4 + columns.length + rest.length;
    conditions.push(sentence.replaceAll(/\$(\d)/g, (_, n: string) => `$${first + Number(n) - 1}`));
    rest.push(...values);
  }
  return {
    statement: text.auditSeqs(conditions, query.order),
    keys,
    rest,
    exact: rest.length === 0,
    refs,
  };
}

/** @throws AutohealError when there are too many. None at all is no filter. */
function valuesOf(field: string, values: readonly string[] | undefined): readonly string[] {
  const distinct = [...new Set(values)].map((value) => value.toWellFormed());
  if (distinct.length <= FILTER_VALUES_MAX) return distinct;
  throw new AutohealError(
    'invalid_request',
    `${field} has ${distinct.length} values: ask for at most ${FILTER_VALUES_MAX} at once`,
  );
}

interface Keys {
  readonly columns: readonly Field[];
  readonly keys: readonly (readonly string[])[];
}
const WHOLE: Keys = { columns: [], keys: [[]] };

/** The index to follow and its keys. */
function keysOf(sql: Sql, wanted: ReadonlyMap<Field, readonly string[]>): Keys {
  const targets = wanted.get('target');
  if (targets !== undefined) return { columns: ['target'], keys: targets.map((id) => [id]) };
  const alertnames = wanted.get('alertname');
  const kinds = wanted.get('kind');
  if (alertnames !== undefined) {
    // In the index (alertname, kind) only rows of one kind are in seq order: follow each kind.
    const each = kinds ?? sql.column<string>(text.audit_kinds);
    const keys = alertnames.flatMap((name) => each.map((kind) => [name, kind]));
    if (keys.length <= KEYS_MAX) return { columns: ['alertname', 'kind'], keys };
  } else if (kinds !== undefined) {
    return { columns: ['kind'], keys: kinds.map((kind) => [kind]) };
  }
  return WHOLE;
}

type Filter = readonly [sentence: string, ...values: Value[]];

function fieldFilters(wanted: ReadonlyMap<Field, readonly string[]>): Filter[] {
  return [...wanted].map(([field, values]) =>
    values.length === 1
      ? [`${field} = $1`, values[0] as string]
      : [`${field} in (select value from json_each($1))`, JSON.stringify(values)],
  );
}

function otherFilters(query: AuditQuery): Filter[] {
  const filters: Filter[] = [];
  if (query.since !== undefined) filters.push(['ts >= $1', query.since]);
  if (query.until !== undefined) filters.push(['ts < $1', query.until]);
  if (query.chaos !== undefined) filters.push(['chaos = $1', query.chaos ? 1 : 0]);
  if (query.drill !== undefined) filters.push(['drill = $1', query.drill ? 1 : 0]);
  if (query.q !== undefined && query.q !== '') filters.push(freeText(query.q));
  return filters;
}

/** `detail` is searched as its JSON text. LIKE folds ASCII; other scripts take the slower function. */
function freeText(q: string): Filter {
  if (q.length > FREE_TEXT_CHARS_MAX) {
    throw new AutohealError(
      'invalid_request',
      `q is longer than ${FREE_TEXT_CHARS_MAX} characters`,
    );
  }
  // oxlint-disable-next-line no-control-regex
  const ascii = /^[\x01-\x7f]*$/.test(q);
  const holds = TEXT_COLUMNS.map((column) =>
    ascii ? `${column} like $1 escape '\\'` : `contains_folded(${column}, $1)`,
  );
  const value = ascii
    ? `%${q.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
    : q.toWellFormed().toLowerCase();
  return [`(${holds.join(' or ')})`, value];
}

interface Range {
  readonly bounds: Bounds;
  readonly order: 'asc' | 'desc';
  readonly need: number;
}

interface Window {
  readonly from: number;
  readonly to: number;
}

/** The first `need` seqs in order. */
async function collect(sql: Sql, search: Search, range: Range): Promise<readonly number[]> {
  const { order, need } = range;
  let bounds = range.bounds;
  let slice = search.exact ? Number.POSITIVE_INFINITY : SLICE_ROWS;
  const found: number[] = [];
  while (bounds.low <= bounds.high) {
    const started = performance.now();
    const windows =
      search.refs === undefined
        ? [sliceOf(bounds, order, slice)]
        : blocksOf(sql, search.refs, bounds, order);
    for (const window of windows) {
      found.push(...merged(sql, search, { ...window, order, need: need - found.length }));
      if (found.length >= need) return found;
    }
    bounds = after(bounds, windows.at(-1), order);
    if (bounds.low > bounds.high) break;
    if (performance.now() - started < SLICE_MS) slice *= 2;
    await nextTurn();
  }
  return found;
}

function sliceOf(bounds: Bounds, order: 'asc' | 'desc', rows: number): Window {
  const { low, high } = bounds;
  return order === 'asc'
    ? { from: low, to: Math.min(high, low + rows - 1) }
    : { from: Math.max(low, high - rows + 1), to: high };
}

function blocksOf(
  sql: Sql,
  refs: readonly string[],
  bounds: Bounds,
  order: 'asc' | 'desc',
): readonly Window[] {
  const { low, high } = bounds;
  const values = [JSON.stringify(refs), blockOf(low), blockOf(high), BLOCKS];
  const blocks = sql.column<number>(text.auditBlocks(order), values);
  return blocks.map((block) => ({
    from: Math.max(low, block * BLOCK_ROWS),
    to: Math.min(high, (block + 1) * BLOCK_ROWS - 1),
  }));
}

/** What is left after the last window; nothing when there was none. */
function after(bounds: Bounds, last: Window | undefined, order: 'asc' | 'desc'): Bounds {
  if (last === undefined) return { low: 1, high: 0 };
  return order === 'asc'
    ? { low: last.to + 1, high: bounds.high }
    : { low: bounds.low, high: last.from - 1 };
}

/** Follows each key for as many rows as are needed, and keeps the first of all. */
function merged(
  sql: Sql,
  search: Search,
  slice: Window & { readonly order: 'asc' | 'desc'; readonly need: number },
): readonly number[] {
  const seqs: number[] = [];
  for (const key of search.keys) {
    const values = [slice.from, slice.to, slice.need, ...key, ...search.rest];
    seqs.push(...sql.column<number>(search.statement, values));
  }
  if (search.keys.length > 1) seqs.sort((a, b) => (slice.order === 'asc' ? a - b : b - a));
  return seqs.slice(0, slice.need);
}
