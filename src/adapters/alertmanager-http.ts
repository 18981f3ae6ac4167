import { ActionError } from '../action.ts';
import { readText, TooLong } from './http-body.ts';
import { messageOf, networkFailure } from './net-errors.ts';

/**
 * One Alertmanager. Paths are relative to its address (`api/v2/silences`); redirects are not followed.
 * Every call gives what a status below 300 came with, null without a body, and
 * @throws ActionError `unavailable`, `timeout`, `forbidden`, `rejected`, `not_found`.
 */
export interface AlertmanagerHttp {
  /** Its address without user and password, for messages. */
  readonly url: string;
  get(path: string, query: URLSearchParams, signal: AbortSignal): Promise<unknown>;
  post(path: string, body: unknown, signal: AbortSignal): Promise<unknown>;
  delete(path: string, signal: AbortSignal): Promise<unknown>;
}
export interface AlertmanagerHttpOptions {
  /** Base address, path prefix included; user and password in it are sent as Basic. */
  readonly url: string;
  /** Of one request. */
  readonly timeout_ms: number;
  /** Sent with each request: the trace it belongs to. */
  readonly traceHeaders?: () => Readonly<Record<string, string>>;
}

/** All alerts come in one answer: 30,000 of 1 KiB, far beyond what one Alertmanager is run with. */
export const ANSWER_LIMIT_BYTES = 32 * 1024 * 1024;
const SAID_LIMIT_CHARS = 300;

/** @throws ActionError `not_configured` when the address is none. */
export function createAlertmanagerHttp(options: AlertmanagerHttpOptions): AlertmanagerHttp {
  const { base, authorization } = addressOf(options.url);
  async function ask(
    method: string,
    path: string,
    signal: AbortSignal,
    body?: unknown,
  ): Promise<unknown> {
    try {
      const response = await fetch(`${base}/${path}`, {
        method,
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(options.timeout_ms)]),
        headers: {
          ...options.traceHeaders?.(),
          ...(authorization === null ? {} : { authorization }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return readAnswer(response.status, await readText(response, ANSWER_LIMIT_BYTES), base);
    } catch (error) {
      throw classifyAlertmanager(error, `Alertmanager ${base}`);
    }
  }
  return {
    url: base,
    get: (path, query, signal) =>
      ask('GET', query.size === 0 ? path : `${path}?${query.toString()}`, signal),
    post: (path, body, signal) => ask('POST', path, signal, body),
    delete: (path, signal) => ask('DELETE', path, signal),
  };
}

function addressOf(configured: string): {
  readonly base: string;
  readonly authorization: string | null;
} {
  const url = URL.canParse(configured) ? new URL(configured) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new ActionError(
      'not_configured',
      'AUTOHEAL_ALERTMANAGER_URL has an entry that is no address; write http://alertmanager:9093',
      { retryable: false },
    );
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  return {
    base: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    authorization: user === '' ? null : `Basic ${basic}`,
  };
}

/** Folds what fetch or reading threw; `who` did not answer. */
export function classifyAlertmanager(error: unknown, who = 'Alertmanager'): ActionError {
  if (error instanceof ActionError) return error;
  if (error instanceof TooLong)
    return failure('rejected', `${who} gives more than ${ANSWER_LIMIT_BYTES} bytes`);
  return (
    networkFailure(error, who) ??
    new ActionError('unavailable', `${who}: ${messageOf(error)}`, { retryable: true })
  );
}

function readAnswer(status: number, text: string, url: string): unknown {
  if (status >= 200 && status < 300) return jsonOf(text, url);
  const said = `Alertmanager ${url} answered ${status}${saidOf(text)}`;
  if (status === 429 || status >= 500)
    throw new ActionError('unavailable', said, { retryable: true });
  if (status === 401 || status === 403)
    throw failure('forbidden', `${said}; check user and password in AUTOHEAL_ALERTMANAGER_URL`);
  if (status === 404) throw failure('not_found', said);
  if (status >= 300 && status < 400)
    throw failure('rejected', `${said}: redirects are not followed; configure the final address`);
  throw failure('rejected', said);
}

/** A DELETE has no body. */
function jsonOf(text: string, url: string): unknown {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw failure('rejected', `${url} does not speak Alertmanager's API v2; check its address`);
  }
}

/** Errors come as a JSON text, or as an object with a message. */
function saidOf(text: string): string {
  let said = text;
  try {
    const value: unknown = JSON.parse(text);
    const { message } = (value ?? {}) as { message?: unknown };
    said = typeof value === 'string' ? value : typeof message === 'string' ? message : text;
  } catch {
    // As it is.
  }
  const line = said.replace(/\s+/g, ' ').trim();
  return line === '' ? '' : `: ${line.slice(0, SAID_LIMIT_CHARS)}`;
}

function failure(code: 'rejected' | 'forbidden' | 'not_found', message: string): ActionError {
  return new ActionError(code, message, { retryable: false });
}
