import type { Socket } from 'node:net';
import { AutohealError, ERRORS, type ErrorCode } from '../core/errors.ts';
import { PROBLEM_TYPE, problemDocument } from './problem.ts';

const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'send fewer or shorter headers'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'the headers or the body came too slowly'],
};

/** Time for the client to read the answer; closing at once could destroy it on the way. */
const LINGER_MS = 1_000;
const answered = new WeakSet<Socket>();

/**
 * What node's parser cannot make a request of. Written by hand because there is no response object.
 * On a connection that has carried an answer before, another one could be taken for the answer to
 * something else: it is only closed.
 */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (socket.destroyed || answered.has(socket)) return;
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const [code, detail] = CODES[error.code ?? ''] ?? (['malformed_http', 'closing'] as const);
  answered.add(socket);
  socket.end(rawAnswer(code, detail));
  socket.setTimeout(LINGER_MS, () => socket.destroy());
}

function rawAnswer(code: ErrorCode, detail: string): string {
  const body = JSON.stringify(problemDocument(new AutohealError(code, detail), 'none'));
  return [
    `HTTP/1.1 ${ERRORS[code].status} ${ERRORS[code].title}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}
