import { createHmac, hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type AuditLink,
  CHAIN_START,
  type ChainHead,
  type Hasher,
  type PreparedEntry,
  chainLink,
  linkFault,
} from '../../core/audit/audit-chain.ts';
import type { AuditCheckpoint, AuditVerdict } from '../../store.ts';
import { AUDIT } from './rows.ts';
import type { Row, Sql } from './sqlite.ts';
import * as text from './statements.ts';
import * as retention from './statements-retention.ts';

/** Rows checked between two turns of the event loop; about 10 ms of work. */
const VERIFY_ROWS = 1000;
const MINUTE_MS = 60_000;

export interface AuditChain {
  /** The last entry that is on disk. */
  head(): ChainHead;
  /** Writes entries after the head, inside the running transaction. @returns the head to be. */
  append(entries: readonly PreparedEntry[]): ChainHead;
  /** After the commit. A transaction that failed leaves the head where it was, and calls `forget`. */
  moveTo(head: ChainHead): void;
  forget(): void;
  /**
   * Checks each entry from `from` (at least 1) to the head of now, `limit` of them: number, link and content.
   * Finds edited, deleted, inserted and reordered entries. It cannot find that the newest entries
   * are missing: nothing after them remembers them.
   */
  verify(from: number, limit?: number): Promise<AuditVerdict>;
}

/**
 * The chain on disk, see core/audit-chain.ts. With a key its hashes are HMAC-SHA-256, so that who
 * can write the file but not read the key cannot forge it. The key has to be set before the first
 * entry: entries written under another key, or none, do not verify.
 */
export function openAuditChain(sql: Sql, key: Uint8Array | undefined): AuditChain {
  const hasher = createHasher(key);
  const refs = createRefs(sql);
  let head = readHead(sql);

  function append(entries: readonly PreparedEntry[]): ChainHead {
    let end = head;
    const minutes = new Map<number, number>();
    for (const entry of entries) {
      const link = chainLink(entry, end, hasher);
      sql.run(text.audit_add, AUDIT.encode(link));
      refs.note(link);
      const minute = Math.floor(link.ts / MINUTE_MS);
      if (!minutes.has(minute)) minutes.set(minute, link.seq);
      end = { seq: link.seq, hash: link.hash };
    }
    // In order of first_seq (a Map keeps it), which audit_minute_add relies on. The batch's end is
    // taken for the last seq of all its minutes: a bound may be wide, never too narrow.
    for (const [minute, first_seq] of minutes) {
      sql.run(text.audit_minute_add, [minute, first_seq, end.seq]);
      sql.run(text.audit_minute_extend, [minute, end.seq]);
    }
    return end;
  }

  return {
    head: () => head,
    append,
    moveTo: (to) => {
      head = to;
    },
    forget: refs.forget,
    verify: (from, limit) =>
      verify({ sql, hasher, head: () => head }, Math.max(1, Math.trunc(from)), limit),
  };
}

function createHasher(key: Uint8Array | undefined): Hasher {
  if (key === undefined) return (content) => hash('sha256', content);
  if (key.length === 0)
    throw new Error('the audit key is empty: set AUTOHEAL_AUDIT_KEY or leave it out');
  return (content) => createHmac('sha256', key).update(content).digest('hex');
}

function readHead(sql: Sql): ChainHead {
  return (sql.get(text.audit_head) as unknown as ChainHead | undefined) ?? CHAIN_START;
}

/** Notes which blocks name what, once a block: those of the block under way are remembered. */
function createRefs(sql: Sql): {
  readonly note: (link: AuditLink) => void;
  readonly forget: () => void;
} {
  const known = new Set<string>();
  let under_way = -1;

  function note(link: AuditLink): void {
    const block = blockOf(link.seq);
    if (block !== under_way) known.clear();
    under_way = block;
    for (const ref of [link.fingerprint, link.episode, link.remediation]) {
      if (ref === null || known.has(ref)) continue;
      known.add(ref);
      sql.run(text.audit_ref_add, [ref, block]);
    }
  }

  return { note, forget: () => known.clear() };
}

/** Entries that share a row of audit_refs for each thing they name. */
export const BLOCK_ROWS = 256;
export function blockOf(seq: number): number {
  return Math.floor(seq / BLOCK_ROWS);
}

interface Checked {
  readonly sql: Sql;
  readonly hasher: Hasher;
  readonly head: () => ChainHead;
}

/** Up to where retention has removed the log; undefined while it is whole. */
export function checkpointOf(sql: Sql): AuditCheckpoint | undefined {
  return sql.get(retention.checkpoint) as unknown as AuditCheckpoint | undefined;
}

async function verify(
  chain: Checked,
  asked: number,
  limit = Number.POSITIVE_INFINITY,
): Promise<AuditVerdict> {
  const head = chain.head().seq;
  const removed = checkpointOf(chain.sql);
  const first = (removed?.removed_to_seq ?? 0) + 1;
  const from = Math.max(asked, first);
  const last = Math.min(head, Math.max(from, from + limit - 1));
  const start = from <= last + 1 ? headBefore(chain.sql, from, removed) : undefined;
  if (start === undefined) {
    const why = from <= last ? `entry ${from - 1} is missing` : `the log ends at entry ${last}`;
    return { ok: false, rows: 0, bad_seq: Math.min(from - 1, last + 1), why };
  }
  const { rows, at, why } = await walk(chain, start, last);
  if (why !== undefined) return { ok: false, rows, bad_seq: at.seq + 1, why };
  const forged = from === first ? checkpointFault(chain.sql) : undefined;
  if (forged !== undefined) return { ok: false, rows, bad_seq: from, why: forged };
  const verdict = { ok: true, rows, from, head: at.hash } as const;
  return removed === undefined || asked === from ? verdict : { ...verdict, checkpoint: removed };
}

interface Walked {
  readonly rows: number;
  /** The last entry that holds. */
  readonly at: ChainHead;
  /** What is wrong with the next one. */
  readonly why?: string;
}

async function walk({ sql, hasher }: Checked, start: ChainHead, last: number): Promise<Walked> {
  let at = start;
  let rows = 0;
  while (at.seq < last) {
    at = leap(sql, at);
    const found = sql.all(text.audit_slice, [at.seq + 1, last, VERIFY_ROWS]);
    if (found.length === 0 && at.seq < last)
      return { rows, at, why: `entry ${at.seq + 1} is missing` };
    for (const row of found) {
      const why = rowFault(row, at, hasher);
      if (why !== undefined) return { rows, at, why };
      at = { seq: row['seq'] as number, hash: row['hash'] as string };
      rows += 1;
    }
    await nextTurn();
  }
  return { rows, at };
}

/** Retention may have gone past us between two slices: the chain begins later now. */
function leap(sql: Sql, at: ChainHead): ChainHead {
  const removed = checkpointOf(sql);
  if (removed === undefined || removed.removed_to_seq <= at.seq) return at;
  return { seq: removed.removed_to_seq, hash: removed.hash };
}

/**
 * The checkpoint stands beside the chain; the newest entry `audit_checkpoint` says the same within it.
 * Without this, who can write the file could remove the beginning of the log.
 */
function checkpointFault(sql: Sql): string | undefined {
  const removed = checkpointOf(sql);
  if (removed === undefined) return undefined;
  const [detail] = sql.column<string>(retention.checkpoint_entry);
  const said = detail === undefined ? undefined : (JSON.parse(detail) as Partial<AuditCheckpoint>);
  const { removed_to_seq, hash: of } = removed;
  if (said?.removed_to_seq === removed_to_seq && said.hash === of) return undefined;
  return `entries up to ${removed_to_seq} are gone, and no audit_checkpoint entry says that they were removed`;
}

/** What entry `from` has to follow. */
function headBefore(
  sql: Sql,
  from: number,
  removed: AuditCheckpoint | undefined,
): ChainHead | undefined {
  if (removed?.removed_to_seq === from - 1) return { seq: from - 1, hash: removed.hash };
  if (from === 1) return CHAIN_START;
  const row = sql.get(text.audit_row, [from - 1]);
  return row === undefined ? undefined : { seq: from - 1, hash: row['hash'] as string };
}

/** A row can be so broken that it cannot even be written down; that is a finding, not a crash. */
function rowFault(row: Row, before: ChainHead, hasher: Hasher): string | undefined {
  try {
    return linkFault(AUDIT.decode(row), before, hasher);
  } catch (error) {
    return `an entry after ${before.seq} cannot be read: ${String(error)}`;
  }
}
