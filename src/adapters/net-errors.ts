import { ActionError } from '../action.ts';

/** Error codes that mean: nobody answers there now, and may later. */
const AWAY = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'HPE_INVALID_CONSTANT',
]);
const TIMED_OUT = new Set([
  'ABORT_ERR',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'UND_ERR_ABORTED',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);
/** Causes are followed so far: fetch wraps its own error once, TLS twice. */
const CAUSES_MAX = 5;

/** The system's code of a failed connection, looked for along `cause` and in AggregateErrors. */
export function networkCode(error: unknown): string | undefined {
  let at: unknown = error;
  for (let depth = 0; depth < CAUSES_MAX && at instanceof Error; depth += 1) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string') return code;
    // Happy eyeballs: one error for each address that was tried.
    at = at instanceof AggregateError && at.errors.length > 0 ? at.errors[0] : at.cause;
  }
  return undefined;
}

/** An aborted or timed-out call, whichever library said so. */
export function isTimeout(error: unknown): boolean {
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError'))
    return true;
  const code = networkCode(error);
  return code !== undefined && TIMED_OUT.has(code);
}

/**
 * Folds a failure of the connection itself. The message has the code only: an error of fetch can
 * quote the whole URL, which may be a secret.
 * @param who what did not answer, for the message: `the Docker engine`.
 * @returns undefined when the error is not one of the connection.
 */
export function networkFailure(error: unknown, who: string): ActionError | undefined {
  if (isTimeout(error))
    return new ActionError('timeout', `${who} did not answer in time`, { retryable: true });
  const code = networkCode(error);
  if (code === undefined) return undefined;
  if (AWAY.has(code))
    return new ActionError('unavailable', `${who} cannot be reached (${code})`, {
      retryable: true,
    });
  if (/CERT|^ERR_TLS|^ERR_SSL|^EPROTO$/.test(code))
    return new ActionError(
      'not_configured',
      `${who} has a certificate that is not trusted here (${code}); check the CA and the address`,
      { retryable: false },
    );
  return undefined;
}

/** The message of whatever was thrown, cut to a length that fits an audit entry. */
export function messageOf(error: unknown, limit_chars = 500): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.length > limit_chars ? `${text.slice(0, limit_chars)}...` : text;
}

/** Settles with `promise`, or with `late` once `limit_ms` are over; never rejects. */
export async function within<T>(
  promise: Promise<T>,
  limit_ms: number,
  late: T,
  failed: (error: unknown) => T,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(late), limit_ms);
  });
  try {
    return await Promise.race([promise, over]);
  } catch (error) {
    return failed(error);
  } finally {
    clearTimeout(timer);
  }
}
