import { setImmediate as nextTurn } from 'node:timers/promises';
import { prepareEntry } from '../../core/audit/audit-chain.ts';
import { auditEntry } from '../../core/audit/audit.ts';
import type { AuditCheckpoint, Retained, RetainQuery } from '../../store.ts';
import { type AuditChain, BLOCK_ROWS, blockOf, checkpointOf } from './audit-chain.ts';
import type { GroupCommit, Unit } from './group-commit.ts';
import { oldestSlo, sloRemove } from './slo.ts';
import type { Sql } from './sqlite.ts';
import * as catalogue from './statements.ts';
import * as text from './statements-retention.ts';

/** Rows looked at, and at most removed, in one transaction; some 5 ms of work. */
const SLICE_ROWS = 500;
/** Bodies removed in one transaction, bytes: each page of a body is visited to be freed. */
const SLICE_BYTES = 16 * 1024 * 1024;
/** Transactions of one table in one call of `retain`: it must come to an end soon. */
const SLICES_MAX = 20;
/** Checkpoints of the audit log are at least so far apart: an entry is the price of each. */
const CHECKPOINT_EVERY_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;

interface Parts {
  readonly sql: Sql;
  readonly chain: AuditChain;
  readonly group: GroupCommit;
}
interface Removed {
  readonly rows: number;
  readonly more: boolean;
}

/** Removes rows by age; see `Store.retain`. */
export async function retain(parts: Parts, query: RetainQuery): Promise<Retained> {
  const { episodes_before: age, runs_since } = query;
  const removed = {
    deliveries: await slices((after) => deliveries(parts, query.deliveries_before, after)),
    remediations: await sweep(parts, text.remediations_look, text.remediations_remove, [
      age,
      runs_since,
    ]),
    // After their remediations: an episode goes when none of them is left.
    episodes: await sweep(parts, text.episodes_look, text.episodes_remove, [age]),
    leases: await sweep(parts, text.leases_look, text.leases_remove, [age]),
    holds: await sweep(parts, text.holds_look, text.holds_remove, [age]),
    audit: await audit(parts, query),
    slo: await slices(() => objectives(parts, query.slo_before)),
  };
  const all = Object.entries(removed);
  return {
    rows: Object.fromEntries(all.map(([table, { rows }]) => [table, rows])) as Retained['rows'],
    more: all.some(([, { more }]) => more),
  };
}

interface Slice {
  readonly rows: number;
  /** Where the next slice begins; null: there is none. */
  readonly next: number | null;
}

async function slices(one: (after: number) => Promise<Slice>): Promise<Removed> {
  let rows = 0;
  let after: number | null = 0;
  for (let count = 0; count < SLICES_MAX; count += 1) {
    const slice: Slice = await one(after);
    rows += slice.rows;
    after = slice.next;
    if (after === null) return { rows, more: false };
    await nextTurn();
  }
  // A walk that found nothing to remove would only be walked again.
  return { rows, more: rows > 0 };
}

/** One unit; it waits for its turn like every other. @returns the rows of the last statement. */
function remove(group: GroupCommit, work: () => number): Promise<number> {
  const unit: Unit<number> = { savepoint: true, entries: [], run: work };
  return group.submit(unit);
}

/* ------------------------------------------------------------------ objectives */

/** The oldest hours; none of the rest is looked at. */
async function objectives({ sql, group }: Parts, before: number): Promise<Slice> {
  const until = oldestSlo(sql, before);
  if (until === null) return { rows: 0, next: null };
  return { rows: await remove(group, () => sloRemove(sql, until)), next: until };
}

/* ------------------------------------------------------------------ deliveries */

/** By seq. A row that a wrong clock made too young is passed over; a slice without an old one ends it. */
async function deliveries({ sql, group }: Parts, before: number, after: number): Promise<Slice> {
  const found = sql.all(text.deliveries_look, [after, SLICE_ROWS]) as unknown as readonly {
    readonly seq: number;
    readonly received_at: number;
    readonly bytes: number;
  }[];
  const seqs: number[] = [];
  let last = after;
  let bytes = 0;
  for (const row of found) {
    if (bytes >= SLICE_BYTES) break;
    last = row.seq;
    if (row.received_at >= before) continue;
    seqs.push(row.seq);
    bytes += row.bytes;
  }
  if (seqs.length === 0) return { rows: 0, next: null };
  const list = JSON.stringify(seqs);
  const rows = await remove(group, () => {
    sql.run(text.delivery_failures_remove, [list]);
    return sql.run(text.deliveries_remove, [list]);
  });
  return { rows, next: last };
}

/* ------------------------------------------------------------------ what happened */

/** Walks a table in order of insertion while there are rows of its age; removes the ripe ones. */
function sweep(
  { sql, group }: Parts,
  look: string,
  statements: readonly string[],
  ages: readonly number[],
): Promise<Removed> {
  return slices(async (after) => {
    const found = sql.all(look, [after, SLICE_ROWS, ...ages]) as unknown as readonly {
      readonly n: number;
      readonly id: string;
      readonly old: number;
      readonly ripe: number;
    }[];
    const last = found.at(-1);
    if (last === undefined || !found.some((row) => row.old === 1)) return { rows: 0, next: null };
    const ripe = found.filter((row) => row.ripe === 1).map((row) => row.id);
    const rows = ripe.length === 0 ? 0 : await removeAll(sql, group, statements, ripe);
    return { rows, next: last.n };
  });
}

function removeAll(
  sql: Sql,
  group: GroupCommit,
  statements: readonly string[],
  ids: readonly string[],
): Promise<number> {
  const list = JSON.stringify(ids);
  return remove(group, () => {
    let rows = 0;
    for (const statement of statements) rows = sql.run(statement, [list]);
    return rows;
  });
}

/* ------------------------------------------------------------------ audit */

/**
 * First the checkpoint: from its commit on the chain begins after it. Then the rows, slice by slice;
 * what a crash leaves of them is removed by the next call.
 */
async function audit(parts: Parts, query: RetainQuery): Promise<Removed> {
  await moveCheckpoint(parts, query);
  const checkpoint = checkpointOf(parts.sql);
  if (checkpoint === undefined) return { rows: 0, more: false };
  const removed = await slices(() => removeEntries(parts, checkpoint.removed_to_seq));
  if (!removed.more) await slices(() => removeMinutes(parts, checkpoint.removed_to_seq));
  return removed;
}

async function moveCheckpoint(parts: Parts, query: RetainQuery): Promise<void> {
  const { sql, group } = parts;
  const before = checkpointOf(sql);
  // A clock that went back is no reason to wait.
  const age = before === undefined ? CHECKPOINT_EVERY_MS : Math.abs(query.now - before.ts);
  if (age < CHECKPOINT_EVERY_MS) return;
  const from = before?.removed_to_seq ?? 0;
  const to = lastToGo(parts, query);
  const [hash] = to > from ? sql.column<string>(text.audit_hash, [to]) : [];
  if (hash === undefined) return;
  const facts: AuditCheckpoint = { removed_to_seq: to, hash, ts: Math.round(query.now) };
  const entry = auditEntry(query.checkpoint_id, facts.ts, {
    kind: 'audit_checkpoint',
    detail: { removed_to_seq: to, hash, rows: to - from },
  });
  await group.submit({
    savepoint: true,
    entries: [prepareEntry(entry)],
    run: () => {
      sql.run(text.checkpoint_add, [to, hash, facts.ts]);
      sql.run(text.checkpoint_before_remove, [to]);
    },
  });
}

/** The newest entry that is old enough and that nothing still needs, nor any entry before it. */
function lastToGo({ sql, chain }: Parts, query: RetainQuery): number {
  const before = Math.min(query.audit_before, query.runs_since);
  const [young] = sql.column<number>(catalogue.audit_since, [Math.floor(before / MINUTE_MS)]);
  const [block] = sql.column<number | null>(text.audit_held);
  const held = block === null || block === undefined ? Infinity : block * BLOCK_ROWS;
  return Math.min(young ?? Infinity, held, chain.head().seq + 1) - 1;
}

interface Refs {
  readonly fingerprint: string | null;
  readonly episode: string | null;
  readonly remediation: string | null;
}

async function removeEntries({ sql, chain, group }: Parts, to: number): Promise<Slice> {
  const found = sql.all(text.audit_look, [to, SLICE_ROWS]) as unknown as readonly (Refs & {
    readonly seq: number;
  })[];
  const last = found.at(-1)?.seq;
  if (last === undefined) return { rows: 0, next: null };
  const blocks = Map.groupBy(found, (row) => blockOf(row.seq));
  const rows = await remove(group, () => {
    for (const [block, of] of blocks) {
      const gone = refsOf(of);
      // Of the last block some entries may stay, and what they name.
      const rest = sql.all(text.audit_block_rest, [last, (block + 1) * BLOCK_ROWS - 1]);
      for (const ref of refsOf(rest as unknown as readonly Refs[])) gone.delete(ref);
      sql.run(text.audit_refs_remove, [block, JSON.stringify([...gone])]);
    }
    // It remembers what it has noted for the block under way, which may be among them.
    chain.forget();
    return sql.run(text.audit_remove, [last]);
  });
  return { rows, next: found.length < SLICE_ROWS ? null : last };
}

function refsOf(rows: readonly Refs[]): Set<string> {
  const refs = new Set<string>();
  for (const { fingerprint, episode, remediation } of rows)
    for (const ref of [fingerprint, episode, remediation]) if (ref !== null) refs.add(ref);
  return refs;
}

/** last_seq grows with the minute, so those that are through are the first. */
async function removeMinutes({ sql, group }: Parts, to: number): Promise<Slice> {
  const found = sql.all(text.audit_minutes_look, [SLICE_ROWS]) as unknown as readonly {
    readonly minute: number;
    readonly last_seq: number;
  }[];
  const through = found.filter((row) => row.last_seq <= to).at(-1);
  if (through === undefined) return { rows: 0, next: null };
  const rows = await remove(group, () => sql.run(text.audit_minutes_remove, [through.minute]));
  return { rows, next: rows < SLICE_ROWS ? null : through.minute };
}
