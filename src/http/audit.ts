import { z } from 'zod';
import { AUDIT_KINDS } from '../core/audit/audit.ts';
import { AutohealError } from '../core/errors.ts';
import { isoTime } from '../core/time.ts';
import type { AuditQuery, AuditVerdict } from '../store.ts';
import { acceptedFormat, AUDIT_FORMATS, exportAudit, MEDIA_TYPES } from './audit-export.ts';
import { tailAudit } from './audit-tail.ts';
import type { StoreReads } from './deps.ts';
import { flagText, instant, many, one, text, when, whole, type QueryOf } from './query.ts';
import { ok, route, type Answer, type Call } from './route.ts';
import { AuditItem, auditView, pageOf, without } from './views.ts';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;
/** Lines of one export. */
export const EXPORT_MAX = 1_000_000_000;

/** Paging, the same for every list. */
export const PAGE = {
  limit: one(whole(1, LIMIT_MAX), `Items of a page, 1 to ${LIMIT_MAX}; ${LIMIT_DEFAULT} if absent`),
  cursor: one(text, 'next_cursor of the page before, with the same filter'),
};
export function pageQuery(query: QueryOf<typeof PAGE>): { limit: number; cursor?: string } {
  const { limit = LIMIT_DEFAULT, cursor } = query;
  return cursor === undefined ? { limit } : { limit, cursor };
}

const FILTER = {
  kind: many(z.enum(AUDIT_KINDS), 'Kind of entry'),
  alertname: many(text, 'Name of the alert'),
  fingerprint: many(text, 'Fingerprint of the alert'),
  episode: many(text, 'Id of the episode'),
  remediation: many(text, 'Id of the remediation'),
  target: many(text, 'Id of the target, as docker/3f2a...'),
  rule: many(text, 'Name of the rule'),
  action: many(text, 'Id of the action'),
  result: many(text, 'Result'),
  reason: many(text, 'Word of the guard, the ending or the error'),
  actor: many(text, 'Who caused it'),
  chaos: one(flagText, 'Injected failures only, or without them'),
  drill: one(flagText, 'Drills only, or without them'),
  q: one(text, 'Substring, case-insensitive, of names, command, reason, result or detail'),
};
const RANGE = {
  since: one(when, 'From this time on: RFC 3339, or a duration meaning "ago"'),
  until: one(when, 'Before this time: RFC 3339, or a duration meaning "ago"'),
};
const LIST = {
  ...FILTER,
  ...RANGE,
  ...PAGE,
  order: one(z.enum(['asc', 'desc']), 'Oldest first, or newest first (desc, if absent)'),
  limit: one(
    whole(1, EXPORT_MAX),
    `Of a page, 1 to ${LIMIT_MAX}, ${LIMIT_DEFAULT} if absent; of an export, all if absent`,
  ),
  format: one(z.enum(AUDIT_FORMATS), 'Form of the answer; the Accept header, if absent'),
};
/** Where the chain begins, when entries asked for were removed. */
const Checkpoint = z.strictObject({
  removed_to_seq: z.int(),
  hash: z.string(),
  ts: z.string(),
  detail: z.string(),
});
const TAIL = {
  ...FILTER,
  since: one(when, 'Begin at this time: RFC 3339, or a duration meaning "ago"; at now, if absent'),
  last_event_id: one(text, 'For clients that cannot send the header Last-Event-ID'),
};

export const AUDIT_ROUTES = [
  route({
    method: 'GET',
    path: '/api/v1/audit',
    access: 'viewer',
    summary: 'Who did what, why, and did it help?',
    query: LIST,
    answers: {
      200: {
        description: 'A page of entries; as CSV or NDJSON all of them',
        schema: pageOf(AuditItem),
        text: [MEDIA_TYPES.csv, MEDIA_TYPES.ndjson],
      },
    },
    handle: getAudit,
  }),
  route({
    method: 'GET',
    path: '/api/v1/audit/stream',
    access: 'viewer',
    summary: 'Entries as they are written, as server-sent events.',
    query: TAIL,
    headers: { 'Last-Event-ID': 'The last id seen: goes on after it' },
    answers: {
      200: {
        description:
          'An event for each entry: id is its seq, event its kind, data the entry as JSON',
        text: ['text/event-stream'],
      },
    },
    handle: streamAudit,
  }),
  route({
    method: 'GET',
    path: '/api/v1/audit/verify',
    access: 'viewer',
    summary: 'Recomputes the chain of hashes.',
    query: { from: one(whole(1, Number.MAX_SAFE_INTEGER), 'First seq to look at; 1 if absent') },
    answers: {
      200: {
        description: 'The verdict; a broken chain is an answer too, not an error',
        schema: z.discriminatedUnion('ok', [
          z.strictObject({
            ok: z.literal(true),
            rows: z.int(),
            from: z.int(),
            head: z.string(),
            checkpoint: Checkpoint.optional(),
          }),
          z.strictObject({
            ok: z.literal(false),
            rows: z.int(),
            bad_seq: z.int(),
            why: z.string(),
          }),
        ]),
      },
    },
    handle: async ({ deps, query }) =>
      ok(verdictView(await verifyOnce(deps.store, query.from ?? 1))),
  }),
];

async function getAudit(call: Call<QueryOf<typeof LIST>, undefined>): Promise<Answer> {
  const { deps, query, headers } = call;
  const { since, until, order = 'desc', ...rest } = query;
  const filter = without(rest, ['format', 'limit']);
  const now = deps.clock.now();
  const asked = {
    ...filter,
    ...(since && { since: instant(since, now) }),
    ...(until && { until: instant(until, now) }),
    order,
  };
  const format = query.format ?? acceptedFormat(headers.accept);
  if (format === 'json') return listAudit(deps.store, { ...asked, limit: pageLimit(query.limit) });
  return exportAudit(call, asked, { format, total: query.limit ?? EXPORT_MAX });
}

async function listAudit(store: StoreReads, asked: AuditQuery): Promise<Answer> {
  const page = await store.audit(asked);
  const body = { items: page.items.map(auditView), next_cursor: page.next_cursor };
  return ok(body, { vary: 'accept' });
}

/** @throws AutohealError `invalid_request` beyond what a page may have. */
export function pageLimit(limit = LIMIT_DEFAULT): number {
  if (limit <= LIMIT_MAX) return limit;
  throw new AutohealError(
    'invalid_request',
    `query parameter "limit": must be a whole number from 1 to ${LIMIT_MAX}; an export takes more`,
    { parameter: 'limit' },
  );
}

function streamAudit(call: Call<QueryOf<typeof TAIL>, undefined>): Promise<Answer> {
  const { since, last_event_id, ...filter } = call.query;
  const header = call.headers['last-event-id'];
  const asked = { ...filter, ...(since && { since: instant(since, call.deps.clock.now()) }) };
  // A browser that comes back repeats its URL and adds the header, which is the newer of the two.
  return tailAudit(call, asked, header === undefined ? last_event_id : String(header));
}

function verdictView(verdict: AuditVerdict): object {
  if (!verdict.ok || verdict.checkpoint === undefined) return verdict;
  const { removed_to_seq, hash, ts } = verdict.checkpoint;
  const detail = `entries 1 to ${removed_to_seq} were removed by retention; the chain was checked from ${verdict.from}`;
  return { ...verdict, checkpoint: { removed_to_seq, hash, ts: isoTime(ts), detail } };
}

interface Verification {
  readonly from: number;
  readonly verdict: Promise<AuditVerdict>;
}
const under_way = new WeakMap<StoreReads, Verification>();

/** It reads the whole log, so one runs at a time; whoever asks the same gets the same answer. */
async function verifyOnce(store: StoreReads, from: number): Promise<AuditVerdict> {
  const other = under_way.get(store);
  if (other?.from === from) return other.verdict;
  if (other !== undefined) {
    throw new AutohealError(
      'conflict',
      `a verification from ${other.from} is under way; ask again when it is through`,
    );
  }
  const verdict = store.verifyAudit(from);
  under_way.set(store, { from, verdict });
  try {
    return await verdict;
  } finally {
    under_way.delete(store);
  }
}
