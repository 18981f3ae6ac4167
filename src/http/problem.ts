import type { FastifyRequest } from 'fastify';
import { AutohealError, ERRORS, type ErrorCode } from '../core/errors.ts';
import type { HttpDeps } from './deps.ts';
import { traceOf } from './traceparent.ts';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** RFC 9457, with our stable `code`. Members of `extra` stand beside these. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  /** Names the request in our log. */
  readonly instance: string;
}

export function problemDocument(error: AutohealError, request_id: string): ProblemDocument {
  const { status, title } = ERRORS[error.code];
  return {
    ...error.extra,
    type: `urn:autoheal:error:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.message,
    instance: `urn:autoheal:request:${request_id}`,
  };
}

/** Seconds until a client may send again; Alertmanager has its own backoff and ignores it. */
const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
  not_stored: 5,
  overloaded: 2,
  not_ready: 5,
  not_started: 2,
  stopping: 5,
};

export function problemHeaders(error: AutohealError): Record<string, string> {
  const headers: Record<string, string> = { 'cache-control': 'no-store' };
  const retry = RETRY_AFTER_SECONDS[error.code] ?? error.extra['retry_after_seconds'];
  if (typeof retry === 'number') headers['retry-after'] = String(retry);
  if (error.code === 'method_not_allowed') headers['allow'] = allowOf(error);
  if (error.code === 'unauthorized') headers['www-authenticate'] = 'Bearer realm="autoheal"';
  return headers;
}

function allowOf(error: AutohealError): string {
  const allow = error.extra['allow'];
  return Array.isArray(allow) ? allow.join(', ') : '';
}

/** What the framework throws, by its code. */
const FRAMEWORK: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'unsupported_media_type',
    "send JSON and say so: -H 'Content-Type: application/json'",
  ],
  FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', 'send fewer alerts in one body'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'invalid_request',
    'the body is not as long as its Content-Length says',
  ],
  FST_ERR_BAD_URL: ['invalid_request', 'the path has a bad percent-encoding'],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'a part of the path is longer than any name or id'],
};

/** Any thrown thing as one of our errors; undefined when we do not know it. */
export function known(error: unknown): AutohealError | undefined {
  if (error instanceof AutohealError) return error;
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  const mapped = typeof code === 'string' ? FRAMEWORK[code] : undefined;
  if (mapped !== undefined) return new AutohealError(mapped[0], mapped[1]);
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') return hungUp();
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return undefined;
  return new AutohealError('invalid_request', 'the request cannot be read');
}

/** Nobody reads this answer; it stands in the log, and the metric counts it as the client's doing. */
export function hungUp(): AutohealError {
  return new AutohealError('invalid_request', 'the client hung up before the end of the request');
}

/**
 * Like `known`; what nobody expected is logged with the request's id, told to who collects errors, and said
 * without its message.
 */
export function toProblem(
  error: unknown,
  { id: request_id, headers }: Pick<FastifyRequest, 'id' | 'headers'>,
  { log, tracer }: Pick<HttpDeps, 'log' | 'tracer'>,
): AutohealError {
  const ours = known(error);
  if (ours !== undefined) return ours;
  log.error({ err: error, request_id }, 'request failed unexpectedly');
  tracer.fault(error, { where: 'request', request_id, parent: traceOf(headers['traceparent']) });
  return new AutohealError('internal', `look for request ${request_id} in the log of autoheal`);
}
