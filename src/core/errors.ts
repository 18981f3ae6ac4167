/**
 * The one table of errors that cross our borders: problem documents of the API and failures of
 * actions. docs/errors.md lists the same codes; a test ties the two both ways.
 */
export const ERRORS = {
  not_json: { status: 400, title: 'The body is not JSON' },
  not_a_webhook: { status: 400, title: 'The body is not an Alertmanager webhook' },
  no_usable_alert: { status: 400, title: 'No alert in the body can be used' },
  invalid_request: { status: 400, title: 'The request does not fit the schema' },
  malformed_http: { status: 400, title: 'This is not HTTP as the standard has it' },
  unauthorized: { status: 401, title: 'A valid token is needed' },
  forbidden: { status: 403, title: 'The role of this token does not allow this' },
  loopback_only: { status: 403, title: 'Without a configured token only this machine is served' },
  not_found: { status: 404, title: 'There is no such thing' },
  method_not_allowed: { status: 405, title: 'This path does not take this method' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  conflict: { status: 409, title: 'The current state does not allow this' },
  idempotency_key_reused: {
    status: 409,
    title: 'This Idempotency-Key belongs to another request',
  },
  body_too_large: { status: 413, title: 'The body is too large' },
  uri_too_long: { status: 414, title: 'The URL is too long' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json' },
  rules_rejected: {
    status: 422,
    title: 'The rules or the policy have errors; the last good set stays',
  },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'autoheal made a mistake; it is logged' },
  not_stored: { status: 503, title: 'Not stored: send it again' },
  overloaded: { status: 503, title: 'Too much is waiting: send it again' },
  not_ready: { status: 503, title: 'Not ready' },
  not_live: { status: 503, title: 'The worker loop has stopped: restart autoheal' },
  not_started: { status: 503, title: 'Still starting' },
  stopping: { status: 503, title: 'Stopping: send it again' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>;
export type ErrorCode = keyof typeof ERRORS;

/** An error with a stable code; the HTTP layer turns it into an RFC 9457 problem document. */
export class AutohealError extends Error {
  override readonly name = 'AutohealError';
  readonly code: ErrorCode;
  readonly extra: Readonly<Record<string, unknown>>;
  constructor(code: ErrorCode, detail: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(detail);
    this.code = code;
    this.extra = extra;
  }
}
