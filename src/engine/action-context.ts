import type { ActionCause, ActionContext } from '../action.ts';
import { policyAllows } from '../core/rules/policy-compile.ts';
import type { Engine } from './deps.ts';
import type { Work } from './work.ts';

export interface ContextOptions {
  readonly signal: AbortSignal;
  readonly attempt: number;
  readonly idempotency_key: string;
  readonly cause: ActionCause;
}

/** What an action gets to work with, for one call. */
export function actionContext(engine: Engine, options: ContextOptions): ActionContext {
  const { cause, signal } = options;
  const { rule, remediation, trace_id } = cause;
  return {
    signal,
    attempt: options.attempt,
    idempotency_key: options.idempotency_key,
    cause,
    clients: engine.clients,
    now: () => engine.clock.now(),
    sleep: (ms) => engine.clock.sleep(ms, signal),
    log: (event, fields = {}) =>
      engine.log.info({ ...fields, event, rule, remediation, trace_id }, 'action'),
    allows(target_id, name) {
      const policy = engine.rulebook.current()?.policy;
      return policy !== undefined && policyAllows(policy, target_id, name);
    },
  };
}

/** Why an action of this work is called. `intent_at`: null while planning. */
export function causeOf(work: Work, intent_at: number | null): ActionCause {
  return {
    fingerprint: work.episode.fingerprint,
    rule: work.rule.name,
    remediation: work.remediation.id,
    alertname: work.episode.alertname,
    labels: work.episode.labels,
    annotations: work.episode.annotations,
    intent_at,
    trace_id: work.remediation.trace_id,
  };
}
