/**
 * The one table of errors that cross our borders: problem documents of the API and failures of
 * actions. docs/reference/errors.md is made from it.
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
  rate_limited: { status: 429, title: 'Too many requests of one client' },
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

/** What whoever gets a problem document can do about it; for people. */
export const ERROR_ADVICE: Readonly<Record<ErrorCode, string>> = {
  not_json: 'Correct the body; `detail` has the place.',
  not_a_webhook: "Send Alertmanager's version 4 format; a custom `payload` must keep its `alerts`.",
  no_usable_alert: '`detail` says what each alert lacks.',
  invalid_request: '`detail` names the field or parameter and what it takes.',
  malformed_http: 'Look at the client or the proxy between; is it speaking TLS to a plain port?',
  unauthorized: 'Send `Authorization: Bearer <token>`; after a rotation, the new one.',
  forbidden: 'Use a token of the role that `detail` names.',
  loopback_only:
    'Configure `AUTOHEAL_API_TOKEN` and `AUTOHEAL_WEBHOOK_TOKEN`, or call it on the machine itself by `localhost`.',
  not_found: 'Check the path and the id; docs/api.md lists the paths.',
  method_not_allowed:
    'Use a method of the `Allow` header; a GET on `/webhook` is mostly a redirect that lost the body.',
  request_timeout: 'A whole request has 30 s, its headers 10 s: look at the network.',
  conflict: '`detail` says what stands in the way; look at the state, then decide anew.',
  idempotency_key_reused: 'Take a new key for a new request.',
  body_too_large: '16 MiB for `/webhook`, 64 KiB for all else; send fewer alerts in one body.',
  uri_too_long: 'Use fewer or shorter filters; 8 KiB is the limit.',
  unsupported_media_type: 'Send `Content-Type: application/json`, and no `Content-Encoding`.',
  rules_rejected: '`rendered` shows each place and what to write instead; correct it and reload.',
  rate_limited:
    'Wait for as long as `Retry-After` says. `AUTOHEAL_API_RATE_LIMIT` is the limit; `/webhook`, health and metrics have none. After many unknown tokens from one address: correct the client that sends them.',
  headers_too_large: '16 KiB for all headers together; look for oversized cookies or tokens.',
  internal: 'Find `request_id` in the log and report it.',
  not_stored:
    'Alertmanager does so by itself. If it lasts, look at the database and the disk: `GET /health`.',
  overloaded:
    'Alertmanager does so by itself. If it lasts, look at `autoheal_inbox_deliveries`. Of an export or a stream: `detail` has the number of places; close one.',
  not_ready: '`reasons` says what is missing: the database, or a first good set of rules.',
  not_live: 'Restart it; nothing accepted is lost. Keep the log from before.',
  not_started: 'Wait; a recovery after a crash can take a while.',
  stopping: 'Send it to the next instance, or after the restart.',
};

/** Stable words of failed actions: in the audit log (`reason`), in metrics and in notifications. */
export const ACTION_FAILURES = {
  not_found: { means: 'The target is not there.', tried_again: 'no' },
  ambiguous: {
    means: 'The parameter means more than one target; the message names some.',
    tried_again: 'no',
  },
  invalid_params: {
    means: 'A parameter does not fit, after its templates were filled in.',
    tried_again: 'no',
  },
  forbidden: { means: 'autoheal lacks a right; the message names it.', tried_again: 'no' },
  conflict: {
    means: 'The target is not as the plan saw it, or its state does not allow this.',
    tried_again: 'no, except when only a version number moved',
  },
  unavailable: { means: 'Nobody answers, or the other side is ill.', tried_again: 'yes' },
  rejected: { means: 'The other side says that the call is wrong.', tried_again: 'no' },
  timeout: { means: 'No answer in time.', tried_again: "yes, within the step's deadline" },
  limit_reached: {
    means: '`min`, `max` or what exists leaves nothing to change; the ladder goes on.',
    tried_again: 'no',
  },
  not_configured: {
    means: 'A setting is missing or cannot be used; the message names it.',
    tried_again: 'no',
  },
  chaos_injected_failure: {
    means: 'Failed on purpose: `AUTOHEAL_CHAOS_FAILURE_RATE`. Nothing was touched.',
    tried_again: 'no',
  },
  lost_in_crash: {
    means:
      'autoheal stopped between intent and outcome, and the target cannot say whether it was done. A human is told.',
    tried_again: 'no',
  },
  unexpected: {
    means: 'A failure that the action does not know; the message has what was said.',
    tried_again: 'no',
  },
} as const satisfies Record<string, { readonly means: string; readonly tried_again: string }>;

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
