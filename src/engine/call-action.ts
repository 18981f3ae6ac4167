import type { ActionContext } from '../action.ts';
import type { JsonObject } from '../core/json.ts';
import { actionContext, causeOf } from './action-context.ts';
import { callBackend } from './call.ts';
import type { Engine } from './deps.ts';
import type { Work } from './work.ts';

/** One question to a step's action, or its execution. */
export interface ActionCall<T> {
  readonly idempotency_key: string;
  readonly params: JsonObject;
  /** All attempts together end within this. */
  readonly within_ms: number;
  /** When the intent was committed; null while planning. Ms since the epoch. */
  readonly intent_at: number | null;
  /** True for an execution: its attempts are counted in the metric. */
  readonly counted?: boolean;
  /** Attempts begun before this call, e.g. before a crash. */
  readonly attempts_before?: number;
  readonly before?: () => Promise<void>;
  // Parameters are of the action's own type, which its schema gives back.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly ask: (params: any, context: ActionContext) => Promise<T>;
}

/**
 * Calls the work's action under its backend's breaker, with retry and deadline.
 * @throws CallFailed, or what `before` threw.
 */
export function callAction<T>(
  work: Work,
  engine: Engine,
  call: ActionCall<T>,
): Promise<{ readonly value: T; readonly attempts: number }> {
  const { action } = work;
  const { idempotency_key, attempts_before = 0 } = call;
  return callBackend(engine, {
    backend: action.backend,
    action: call.counted === true ? action.id : null,
    deadline_at: engine.clock.now() + call.within_ms,
    ...(call.before === undefined ? {} : { before: call.before }),
    run: (signal, number) => {
      const attempt = attempts_before + number;
      const cause = causeOf(work, call.intent_at);
      const context = actionContext(engine, { signal, attempt, idempotency_key, cause });
      return call.ask(action.params.parse(call.params), context);
    },
  });
}
