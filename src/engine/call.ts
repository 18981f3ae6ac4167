import { ActionError } from '../action.ts';
import { ATTEMPTS_MAX, backoffMs } from '../core/healing/retry.ts';
import type { BackendResult } from '../ports.ts';
import type { Engine } from './deps.ts';
import { callSpan } from './spans.ts';

export interface CallOptions<T> {
  /** Whose breaker counts. */
  readonly backend: string;
  /** For the attempt metric; null for calls that only look. */
  readonly action: string | null;
  /** Ms since the epoch; all attempts together end by then. */
  readonly deadline_at: number;
  /** Runs before each attempt; what it throws ends the call as it is: lost claims, resolved alerts. */
  readonly before?: () => Promise<void>;
  readonly run: (signal: AbortSignal, attempt: number) => Promise<T>;
}

/** A call that failed for good. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly failure: ActionError;
  readonly attempts: number;
  constructor(failure: ActionError, attempts: number) {
    super(failure.message, { cause: failure });
    this.failure = failure;
    this.attempts = attempts;
  }
}

/**
 * Calls a backend under its deadline, with retry, breaker and a bounded number of calls at once
 * (DESIGN §6: the engine alone owns them).
 * @throws CallFailed, or what `before` threw.
 */
export async function callBackend<T>(
  engine: Engine,
  options: CallOptions<T>,
): Promise<{ readonly value: T; readonly attempts: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await attemptInPlace(engine, options, attempt);
    if (result.ok) return { value: result.value, attempts: attempt };
    const pause_ms = backoffMs(attempt + 1, engine.random());
    if (!mayRetry(engine, options, result.failure, attempt, pause_ms))
      throw new CallFailed(result.failure, attempt);
    await engine.clock.sleep(pause_ms);
  }
}

function mayRetry<T>(
  engine: Engine,
  options: CallOptions<T>,
  failure: ActionError,
  attempt: number,
  pause_ms: number,
): boolean {
  if (!failure.retryable || attempt >= ATTEMPTS_MAX) return false;
  if (engine.breakers.state(options.backend) === 'open') return false;
  return engine.clock.now() + pause_ms < options.deadline_at;
}

type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: ActionError };

/**
 * With one of the backend's places; none is kept while it pauses between two attempts. What `before`
 * reads may have changed while it waited for the place, so it comes after it.
 */
async function attemptInPlace<T>(
  engine: Engine,
  options: CallOptions<T>,
  attempt: number,
): Promise<Attempt<T>> {
  let giveBack: () => void;
  try {
    giveBack = await engine.places.take(options.backend, options.deadline_at);
  } catch (error) {
    // The backend was not called: neither its breaker nor the metric of attempts counts this.
    return { ok: false, failure: classify(engine, options.backend, error) };
  }
  try {
    await options.before?.();
    return await attemptInSpan(engine, options, attempt);
  } finally {
    giveBack();
  }
}

/** One span each attempt: a retry that helped is seen as one. */
function attemptInSpan<T>(
  engine: Engine,
  options: CallOptions<T>,
  attempt: number,
): Promise<Attempt<T>> {
  const about = callSpan(options.backend, options.action, attempt);
  return engine.tracer.span(about, async (span) => {
    const result = await attemptOnce(engine, options, attempt);
    span.set({ 'autoheal.outcome': result.ok ? 'ok' : result.failure.code });
    if (!result.ok) span.fail(result.failure.code);
    return result;
  });
}

async function attemptOnce<T>(
  engine: Engine,
  options: CallOptions<T>,
  attempt: number,
): Promise<Attempt<T>> {
  const began_at = engine.clock.now();
  function took(result: BackendResult): void {
    const seconds = Math.max(0, engine.clock.now() - began_at) / 1_000;
    engine.metrics.backendCall(options.backend, result, seconds);
  }
  engine.breakers.begin(options.backend);
  try {
    const value = await underDeadline(engine, options, attempt);
    took('ok');
    engine.breakers.end(options.backend, true);
    if (options.action !== null) engine.metrics.attempt(options.action, 'ok');
    return { ok: true, value };
  } catch (error) {
    const failure = classify(engine, options.backend, error);
    // A clear "no" (not found, forbidden, conflict) is an answer: the backend works.
    const works = !speaksOfBackend(failure);
    took(works ? 'refused' : 'unavailable');
    engine.breakers.end(options.backend, works);
    if (options.action !== null) engine.metrics.attempt(options.action, 'error');
    return { ok: false, failure };
  }
}

/** Made once: an abort without a reason makes an exception with a stack, for every call that went well. */
const OVER = new Error('the call is over');

/** Races the call against its deadline, so that an action that ignores its signal cannot hold the worker. */
async function underDeadline<T>(
  engine: Engine,
  options: CallOptions<T>,
  attempt: number,
): Promise<T> {
  const call = new AbortController();
  const timer = new AbortController();
  const remaining_ms = Math.max(0, options.deadline_at - engine.clock.now());
  const deadline = engine.clock.sleep(remaining_ms, timer.signal).then(() => {
    const failure = new ActionError('timeout', `no answer within ${remaining_ms} ms`, {
      retryable: false,
    });
    call.abort(failure);
    throw failure;
  });
  // The loser of the race must not become an unhandled rejection.
  deadline.catch(() => undefined);
  try {
    return await Promise.race([options.run(call.signal, attempt), deadline]);
  } finally {
    timer.abort(OVER);
  }
}

function classify(engine: Engine, backend: string, error: unknown): ActionError {
  if (error instanceof ActionError) return error;
  const known = engine.backends.get(backend);
  if (known !== undefined) return known.classify(error);
  const message = error instanceof Error ? error.message : String(error);
  return new ActionError('unexpected', message, { retryable: false, cause: error });
}

function speaksOfBackend(failure: ActionError): boolean {
  return failure.code === 'unavailable' || failure.code === 'timeout';
}
