import canonicalize from 'canonicalize';
import type { AuditEntry, AuditRecord } from './audit.ts';
import { GENESIS_HASH } from './audit.ts';
import type { Json, JsonObject } from '../json.ts';
import { isoTime } from '../time.ts';

/**
 * The audit chain (DESIGN §8). An entry's `hash` covers its whole content, its number and the hash
 * of the entry before, so that an edited, deleted, inserted or moved entry breaks a link.
 *
 * What is hashed: the RFC 8785 text of the record without `hash`, `ts` being the RFC 3339 text with
 * milliseconds and `Z` (`2026-11-21T03:00:00.000Z`). This is the item as the audit API shows it, so
 * anybody can check a link from an exported file: drop `hash`, canonicalise, hash.
 *
 * What the chain cannot show: that its newest entries are missing. Compare the head with a copy
 * kept elsewhere for that.
 */

/** Hex hash of a text: SHA-256, or HMAC-SHA-256 under the audit key. Injected: core does no crypto. */
export type Hasher = (text: string) => string;

/** An entry checked and made well-formed; `detail` is its RFC 8785 text, stored as it is hashed. */
export type PreparedEntry = Omit<AuditEntry, 'detail'> & { readonly detail: string };

/** A prepared entry in its place in the chain: what the store keeps as a row. */
export type AuditLink = PreparedEntry & Pick<AuditRecord, 'seq' | 'prev_hash' | 'hash'>;

/** The end of the chain. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}
export const CHAIN_START: ChainHead = { seq: 0, hash: GENESIS_HASH };

const TEXTS = ['id', 'kind', 'actor'] as const;
const OPTIONAL_TEXTS = [
  'alertname',
  'fingerprint',
  'episode',
  'rule',
  'remediation',
  'action',
  'target',
  'cmd',
  'result',
  'reason',
  'trace_id',
] as const;
const OPTIONAL_INTEGERS = ['step', 'attempt', 'rc'] as const;
const FLAGS = ['chaos', 'drill', 'dry_run'] as const;
/** Last instant that RFC 3339 can write: the end of the year 9999, ms since the epoch. */
const TS_MAX = 253_402_300_799_999;

/**
 * Checks an entry and makes its strings well-formed (a lone surrogate becomes U+FFFD), so that
 * chaining it later cannot fail. @throws TypeError naming the field that cannot be kept.
 */
export function prepareEntry(entry: AuditEntry): PreparedEntry {
  let sound = true;
  for (const name of TEXTS) if (!isSound(name, entry[name])) sound = false;
  for (const name of OPTIONAL_TEXTS)
    if (entry[name] !== null && !isSound(name, entry[name])) sound = false;
  checkNumbers(entry);
  const detail = detailText(entry.detail);
  return sound ? { ...entry, detail } : { ...entry, ...mended(entry), detail };
}

/** True when the text is well-formed already, as nearly all are. */
function isSound(name: string, value: unknown): boolean {
  return typeof value === 'string' ? value.isWellFormed() : refuse(name, 'a text');
}

function mended(entry: AuditEntry): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const name of [...TEXTS, ...OPTIONAL_TEXTS]) {
    const text = entry[name];
    if (text !== null) texts[name] = text.toWellFormed();
  }
  return texts;
}

function checkNumbers(entry: AuditEntry): void {
  for (const name of OPTIONAL_INTEGERS) {
    if (entry[name] !== null && !Number.isSafeInteger(entry[name])) refuse(name, 'a whole number');
  }
  if (entry.duration_ms !== null && !Number.isFinite(entry.duration_ms)) {
    refuse('duration_ms', 'a number');
  }
  if (!Number.isSafeInteger(entry.ts) || entry.ts < 0 || entry.ts > TS_MAX) {
    refuse('ts', 'whole milliseconds since the epoch, before the year 10000');
  }
  for (const name of FLAGS) {
    if (typeof entry[name] !== 'boolean') refuse(name, 'true or false');
  }
}

function refuse(name: string, wanted: string): never {
  throw new TypeError(`audit entry: ${name} must be ${wanted}`);
}

function detailText(detail: JsonObject): string {
  const text = canonicalText(detail);
  return text?.startsWith('{') === true ? text : refuse('detail', 'a JSON object');
}

/** Only what canonicalize refuses is walked: lone surrogates are rare, this is on the hot path. */
function canonicalText(detail: JsonObject): string | undefined {
  try {
    return canonicalize(detail);
  } catch {
    return canonicalize(wellFormed(detail));
  }
}

function wellFormed(value: Json): Json {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(wellFormed);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key.toWellFormed(), wellFormed(inner)]),
  );
}

/**
 * The canonical text of a link. The keys are written in RFC 8785's order by hand, because sorting
 * 25 known keys for each row costs 6 us against 2 us this way (a test holds both equal);
 * JSON.stringify writes well-formed strings and finite numbers exactly as RFC 8785 wants them.
 */
export function linkText(entry: PreparedEntry, seq: number, prev_hash: string): string {
  const head = JSON.stringify({
    action: entry.action,
    actor: entry.actor,
    alertname: entry.alertname,
    attempt: entry.attempt,
    chaos: entry.chaos,
    cmd: entry.cmd,
  });
  const tail = JSON.stringify({
    drill: entry.drill,
    dry_run: entry.dry_run,
    duration_ms: entry.duration_ms,
    episode: entry.episode,
    fingerprint: entry.fingerprint,
    id: entry.id,
    kind: entry.kind,
    prev_hash,
    rc: entry.rc,
    reason: entry.reason,
    remediation: entry.remediation,
    result: entry.result,
    rule: entry.rule,
    seq,
    step: entry.step,
    target: entry.target,
    trace_id: entry.trace_id,
    ts: isoTime(entry.ts),
  });
  return `${head.slice(0, -1)},"detail":${entry.detail},${tail.slice(1)}`;
}

/** Puts an entry at the end of the chain. */
export function chainLink(entry: PreparedEntry, head: ChainHead, hash: Hasher): AuditLink {
  const seq = head.seq + 1;
  return {
    ...entry,
    seq,
    prev_hash: head.hash,
    hash: hash(linkText(entry, seq, head.hash)),
  };
}

/** What is wrong with a link that should follow `head`, in words; undefined when it holds. */
export function linkFault(link: AuditLink, head: ChainHead, hash: Hasher): string | undefined {
  if (link.seq !== head.seq + 1) return `entry ${head.seq + 1} is missing`;
  if (link.prev_hash !== head.hash) {
    return `entry ${link.seq} does not follow entry ${head.seq}: one was exchanged, moved or inserted`;
  }
  if (link.hash !== hash(linkText(link, link.seq, link.prev_hash))) {
    return `entry ${link.seq} was changed after it was written, or was written under another audit key`;
  }
  return undefined;
}
