import { hash } from 'node:crypto';
import { z } from 'zod';
import { AutohealError } from '../core/errors.ts';
import { isoTime } from '../core/time.ts';
import type { FlagView } from '../engine/api.ts';
import type { HttpDeps } from './deps.ts';
import { ok, route, type Answer, type Call } from './route.ts';

/**
 * The OpenFeature Remote Evaluation Protocol, https://github.com/open-feature/protocol: one flag, or
 * all of them with an ETag. Its error bodies are its own, because its clients read them.
 */
const Request = z.looseObject({ context: z.looseObject({}).optional() });
const Evaluation = z.strictObject({
  key: z.string(),
  value: z.union([z.boolean(), z.number(), z.string()]),
  reason: z.string(),
  variant: z.string(),
  metadata: z.record(z.string(), z.union([z.boolean(), z.number(), z.string()])),
});
const Failure = z.strictObject({
  key: z.string().optional(),
  errorCode: z.enum(['FLAG_NOT_FOUND', 'PARSE_ERROR', 'INVALID_CONTEXT', 'GENERAL']),
  errorDetails: z.string(),
});
const FAILURES = {
  400: { description: 'PARSE_ERROR or INVALID_CONTEXT', schema: Failure },
  500: { description: 'GENERAL', schema: Failure },
};

export const OFREP_ROUTES = [
  route({
    method: 'POST',
    path: '/ofrep/v1/evaluate/flags/{key}',
    access: 'viewer',
    summary: 'One flag for an OpenFeature SDK.',
    body_read_by_handler: Request,
    answers: {
      200: { description: 'The evaluation', schema: Evaluation },
      404: { description: 'FLAG_NOT_FOUND', schema: Failure },
      ...FAILURES,
    },
    handle: (call) => guarded(call, { key: call.param('key') }, evaluateOne),
  }),
  route({
    method: 'POST',
    path: '/ofrep/v1/evaluate/flags',
    access: 'viewer',
    summary: 'All flags for an OpenFeature SDK; If-None-Match saves the body.',
    body_read_by_handler: Request,
    headers: { 'If-None-Match': 'The ETag of the answer before' },
    answers: {
      200: {
        description: 'All evaluations, with an ETag',
        schema: z.strictObject({ flags: z.array(Evaluation) }),
      },
      304: { description: 'Nothing has changed since that ETag' },
      ...FAILURES,
    },
    handle: (call) => guarded(call, {}, evaluateAll),
  }),
];

type AnyCall = Call<object, undefined>;
/** `key` stands in the failures of a single evaluation, and not in those of all. */
type Named = { readonly key?: string };

async function guarded(
  call: AnyCall,
  named: Named,
  evaluate: (call: AnyCall) => Promise<Answer>,
): Promise<Answer> {
  const bad = badBody(call, named);
  if (bad !== undefined) return bad;
  try {
    return await evaluate(call);
  } catch (error) {
    const { request_id } = call;
    call.deps.log.error({ err: error, request_id }, 'flag evaluation failed');
    call.deps.tracer.fault(error, { where: 'request', request_id });
    const details = `look for request ${call.request_id} in the log of autoheal`;
    return failure(500, named, 'GENERAL', details);
  }
}

/** Every client gets the same values, so the context is checked and not used. */
function badBody(call: AnyCall, named: Named): Answer | undefined {
  const body = tryJson(call);
  if (body instanceof AutohealError) return failure(400, named, 'PARSE_ERROR', body.message);
  if (body === undefined) return undefined;
  if (!isObject(body)) return failure(400, named, 'PARSE_ERROR', 'the body must be an object');
  const context = body['context'];
  if (context === undefined || isObject(context)) return undefined;
  return failure(400, named, 'INVALID_CONTEXT', 'context must be an object');
}

function tryJson(call: AnyCall): unknown {
  try {
    return call.json();
  } catch (error) {
    if (error instanceof AutohealError) return error;
    throw error;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function failure(status: number, named: Named, errorCode: string, errorDetails: string): Answer {
  return { status, body: { ...named, errorCode, errorDetails } };
}

async function evaluateOne({ deps, param }: AnyCall): Promise<Answer> {
  const key = param('key');
  const flag = await deps.flags.get(key);
  if (flag !== undefined) return ok(evaluation(flag));
  return failure(404, { key }, 'FLAG_NOT_FOUND', 'the policy declares no flag of this name');
}

async function evaluateAll({ deps, headers }: AnyCall): Promise<Answer> {
  const body = { flags: await evaluations(deps) };
  const etag = `"${hash('sha256', JSON.stringify(body), 'base64url')}"`;
  // `no-store` would forbid what the ETag is for.
  const caching = { etag, 'cache-control': 'no-cache' };
  if (matches(headers['if-none-match'], etag)) return { status: 304, headers: caching };
  return ok(body, caching);
}

async function evaluations({ flags }: HttpDeps): Promise<readonly object[]> {
  const all = await flags.list();
  return all.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map(evaluation);
}

/** RFC 9110, 13.1.2: `*` or a list, compared weakly. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
}

function evaluation(flag: FlagView): object {
  return {
    key: flag.key,
    value: flag.value,
    reason: reasonOf(flag),
    variant: String(flag.value),
    metadata: metadataOf(flag),
  };
}

/**
 * A lease is a rule's doing: TARGETING_MATCH. Some SDKs keep a STATIC value for ever, so only what an
 * operator set is called that, and never the default, which a lease may replace at any time.
 */
function reasonOf(flag: FlagView): string {
  if (flag.lease !== null) return 'TARGETING_MATCH';
  return flag.value === flag.default ? 'DEFAULT' : 'STATIC';
}

/** Flat values only: OpenFeature's flag metadata has no others. */
function metadataOf({ type, lease, updated_at }: FlagView): Record<string, string> {
  return {
    type,
    ...(lease && { lease: lease.id, rule: lease.rule, until: isoTime(lease.until) }),
    ...(updated_at !== null && { updated_at: isoTime(updated_at) }),
  };
}
