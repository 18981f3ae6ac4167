import { hash } from 'node:crypto';
import { AutohealError } from '../core/errors.ts';
import type { HttpDeps } from './deps.ts';
import type { Answer } from './route.ts';

interface Kept {
  readonly request: string;
  readonly answer: Promise<Answer>;
  readonly until: number;
}
export interface Repeatable {
  readonly key: string | undefined;
  readonly actor: string;
  readonly method: string;
  readonly url: string;
  readonly body: Uint8Array | undefined;
}
/** Runs a change, or gives the answer that the same request with the same key had before. */
export type Once = (request: Repeatable, run: () => Promise<Answer>) => Promise<Answer>;

const KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * Answers by Idempotency-Key, per actor, in this process's memory: enough against a client's retry,
 * not across a restart. A failure is not kept, so that it can be tried again with its key.
 */
export function createOnce(deps: Pick<HttpDeps, 'limits' | 'clock'>): Once {
  const kept = new Map<string, Kept>();
  return async (request, run) => {
    if (request.key === undefined) return run();
    if (!KEY.test(request.key)) {
      throw new AutohealError(
        'invalid_request',
        'Idempotency-Key must be 1 to 255 visible ASCII characters',
      );
    }
    const now = deps.clock.now();
    const id = `${request.actor} ${request.key}`;
    const fingerprint = fingerprintOf(request);
    const before = kept.get(id);
    if (before !== undefined && before.until > now) return repeat(before, fingerprint);
    kept.delete(id);
    makeRoom(kept, now, deps.limits.idempotency_entries);
    const answer = run();
    kept.set(id, { request: fingerprint, answer, until: now + deps.limits.idempotency_ttl_ms });
    try {
      return await answer;
    } catch (error) {
      kept.delete(id);
      throw error;
    }
  };
}

function repeat(before: Kept, fingerprint: string): Promise<Answer> {
  if (before.request === fingerprint) return before.answer;
  throw new AutohealError(
    'idempotency_key_reused',
    'it came with another method, path or body before; take a new key for a new request',
  );
}

function fingerprintOf({ method, url, body }: Repeatable): string {
  const digest = hash('sha256', body ?? new Uint8Array(), 'hex');
  return `${method} ${url} ${digest}`;
}

/** A Map keeps the order of insertion, and all live equally long: the first are the oldest. */
function makeRoom(kept: Map<string, Kept>, now: number, limit: number): void {
  for (const [id, entry] of kept) {
    if (entry.until > now && kept.size < limit) return;
    kept.delete(id);
  }
}
