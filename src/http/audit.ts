import { z } from 'zod';
import { AUDIT_KINDS } from '../core/audit/audit.ts';
import { AutohealError } from '../core/errors.ts';
import type { AuditQuery, AuditVerdict } from '../store.ts';
import type { StoreReads } from './deps.ts';
import { flagText, instant, many, one, text, when, whole, type QueryOf } from './query.ts';
import { ok, route, type Answer, type Call } from './route.ts';
import { AuditItem, auditView, pageOf, without } from './views.ts';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

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
  format: one(
    z.enum(['json'], 'only json is served by this version; leave format out'),
    'Form of the answer',
  ),
};

export const AUDIT_ROUTES = [
  route({
    method: 'GET',
    path: '/api/v1/audit',
    access: 'viewer',
    summary: 'Who did what, why, and did it help?',
    query: LIST,
    answers: { 200: { description: 'A page of entries', schema: pageOf(AuditItem) } },
    handle: listAudit,
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
          z.strictObject({ ok: z.literal(true), rows: z.int(), from: z.int(), head: z.string() }),
          z.strictObject({
            ok: z.literal(false),
            rows: z.int(),
            bad_seq: z.int(),
            why: z.string(),
          }),
        ]),
      },
    },
    handle: async ({ deps, query }) => ok(await verifyOnce(deps.store, query.from ?? 1)),
  }),
];

async function listAudit({ deps, query }: Call<QueryOf<typeof LIST>, undefined>): Promise<Answer> {
  const { since, until, order = 'desc', ...rest } = query;
  const filter = without(rest, ['format', 'limit', 'cursor']);
  const now = deps.clock.now();
  const asked: AuditQuery = {
    ...filter,
    ...(since && { since: instant(since, now) }),
    ...(until && { until: instant(until, now) }),
    ...pageQuery(query),
    order,
  };
  const page = await deps.store.audit(asked);
  return ok({ items: page.items.map(auditView), next_cursor: page.next_cursor });
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
