import type { Log, Metrics, Span, Tracer } from '../ports.ts';

/** A log, metrics and a tracer that keep nothing: for questions and rehearsals. */

function nothing(): void {}

export const MUTE_LOG: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

const NO_SPAN: Span = { set: nothing, fail: nothing, drop: nothing };
const NO_HEADERS: Readonly<Record<string, string>> = {};

/** Work runs as it is. */
export const MUTE_TRACER: Tracer = {
  enabled: false,
  span: (_options, work) => work(NO_SPAN),
  record: nothing,
  headers: () => NO_HEADERS,
  fault: nothing,
};

export const MUTE_METRICS: Metrics = {
  heartbeat: nothing,
  webhook: nothing,
  remediation: nothing,
  attempt: nothing,
  auditWrite: nothing,
  guard: nothing,
  remediationDone: nothing,
  harmSuspected: nothing,
  budgetSpent: nothing,
  burnsRead: nothing,
  revert: nothing,
  alerts: nothing,
  deliveryParked: nothing,
  authDenied: nothing,
  rulesReload: nothing,
  watchdog: nothing,
  chaos: nothing,
  breaker: nothing,
  backendCall: nothing,
  auditVerified: nothing,
  reconcilePoll: nothing,
  reconcileFinding: nothing,
  retained: nothing,
  alertmanagerPolled: nothing,
};
