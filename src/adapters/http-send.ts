import { readFile } from 'node:fs/promises';
import { ActionError } from '../action.ts';
import type { Backend } from '../ports.ts';
import { messageOf, networkCode, networkFailure } from './net-errors.ts';

export interface HttpMessage {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** A file with a token, sent as `Authorization: Bearer ...`. */
  readonly bearer_token_file: string | null;
  readonly timeout_ms: number;
  readonly signal: AbortSignal;
  /** May it be sent again after a failure that leaves open whether it arrived? */
  readonly repeatable: boolean;
}
export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  /** The beginning of the body. */
  readonly text: string;
  readonly truncated: boolean;
}

/** Of an answer's body. */
export const KEPT_BYTES = 1_024;
const TOKEN_CHARS_MAX = 8 * 1_024;

/** Failures in which nothing was sent. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

export const httpBackend: Backend = {
  name: 'http',
  classify: (error) => classify(error, 'the host'),
};

/**
 * Sends one request and keeps the beginning of the answer. Redirects are not followed.
 * @throws ActionError `not_configured`, `unavailable`, `timeout`, `unexpected`. No message has the query.
 */
export async function sendHttp(message: HttpMessage): Promise<HttpAnswer> {
  const { method, url, body } = message;
  const token = await tokenOf(message.bearer_token_file);
  try {
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      signal: AbortSignal.any([message.signal, AbortSignal.timeout(message.timeout_ms)]),
      headers: {
        ...message.headers,
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === null ? {} : { body }),
    });
    const { text, truncated } = await beginning(response);
    const type = response.headers.get('content-type') ?? '';
    const shown = token === null ? text : text.replaceAll(token, '***');
    return { status: response.status, type, text: withoutSecrets(shown), truncated };
  } catch (error) {
    throw ended(error, message);
  }
}

function ended(error: unknown, { url, repeatable }: HttpMessage): ActionError {
  const failure = classify(error, url.origin);
  const sent = !NOT_SENT.has(networkCode(error) ?? '');
  if (!failure.retryable || repeatable || !sent) return failure;
  return new ActionError(failure.code, `${failure.message}; it may have arrived`, {
    retryable: false,
  });
}

function classify(error: unknown, who: string): ActionError {
  if (error instanceof ActionError) return error;
  return (
    networkFailure(error, who) ??
    new ActionError('unexpected', `${who}: ${messageOf(error, 200)}`, { retryable: false })
  );
}

async function tokenOf(path: string | null): Promise<string | null> {
  if (path === null) return null;
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch {
    throw notConfigured(`bearer_token_file ${path} cannot be read`);
  }
  if (text.length <= TOKEN_CHARS_MAX && /^[\x21-\x7e]+$/.test(text)) return text;
  throw notConfigured(`bearer_token_file ${path} has no usable token`);
}

/** The first bytes; the connection is closed when there are more. */
async function beginning(
  response: Response,
): Promise<{ readonly text: string; readonly truncated: boolean }> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > KEPT_BYTES) break;
  }
  const kept = Buffer.concat(chunks).subarray(0, KEPT_BYTES);
  return { text: kept.toString(), truncated: bytes > KEPT_BYTES };
}

const SECRET_NAME = String.raw`[\w-]*(?:token|secret|passw(?:or)?d|api[_-]?key|authorization|cookie|credential)[\w-]*`;
/** `"access_token": "x"`, `password=x`, `Authorization: Bearer x`, and what is cut off. */
const SECRET = new RegExp(
  String.raw`(["']?${SECRET_NAME}["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|(?:bearer\s+|basic\s+)?[^\s,;&}\]]+)`,
  'gi',
);

/** The text with the values of what is named like a secret starred out: it goes to the audit log. */
function withoutSecrets(text: string): string {
  return text.replace(SECRET, (_, before: string) => `${before}***`);
}

function notConfigured(message: string): ActionError {
  return new ActionError('not_configured', message, { retryable: false });
}
