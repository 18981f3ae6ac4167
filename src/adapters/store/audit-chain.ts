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
import type { AuditVerdict } from '../../store.ts';
import { AUDIT } from './rows.ts';
import type { Row, Sql } from './sqlite.ts';
import * as text from './statements.ts';

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
   * Checks each entry from `from` (at least 1) to the head of now: number, link and content.
   * Finds edited, deleted, inserted and reordered entries. It cannot find that the newest entries
   * are missing: nothing after them remembers them.
   */
  verify(from: number): Promise<AuditVerdict>;
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
    verify: (from) => verify({ sql, hasher, head: () => head }, Math.max(1, Math.trunc(from))),
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

async function verify(chain: Checked, from: number): Promise<AuditVerdict> {
  const last = chain.head().seq;
  const start = from <= last + 1 ? headBefore(chain.sql, from) : undefined;
  if (start === undefined) {
    const why = from <= last ? `entry ${from - 1} is missing` : `the log ends at entry ${last}`;
    return { ok: false, rows: 0, bad_seq: Math.min(from - 1, last + 1), why };
  }
  let at = start;
  while (at.seq < last) {
    const rows = chain.sql.all(text.audit_slice, [at.seq + 1, last, VERIFY_ROWS]);
    if (rows.length === 0) return bad(at, from, `entry ${at.seq + 1} is missing`);
    for (const row of rows) {
      const why = rowFault(row, at, chain.hasher);
      if (why !== undefined) return bad(at, from, why);
      at = { seq: row['seq'] as number, hash: row['hash'] as string };
    }
    await nextTurn();
  }
  return { ok: true, rows: Math.max(0, at.seq - from + 1), from, head: at.hash };
}

/** What entry `from` has to follow. */
function headBefore(sql: Sql, from: number): ChainHead | undefined {
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

function bad(before: ChainHead, from: number, why: string): AuditVerdict {
  return { ok: false, rows: before.seq - from + 1, bad_seq: before.seq + 1, why };
}
