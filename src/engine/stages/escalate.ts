import { ActionError, type Notification } from '../../action.ts';
import type { AuditDraft } from '../../core/audit/audit.ts';
import { backoffMs } from '../../core/healing/retry.ts';
import { CallFailed, callBackend } from '../call.ts';
import type { Engine } from '../deps.ts';
import { auditOf, type Stage, type StageResult, type Work } from '../work.ts';

/** Rounds of sending before autoheal gives up on a notifier; each has its own attempts. */
export const ESCALATION_ROUNDS_MAX = 6;
const ROUND_PAUSE_MS = 15_000;
const SEND_DEADLINE_MS = 15_000;

/** The ladder is exhausted: tells a human, with the story so far. */
export const escalate: Stage = { name: 'escalate', states: ['escalating'], run };

async function run(work: Work, engine: Engine): Promise<StageResult> {
  const { remediation, rule } = work;
  const reason = remediation.reason ?? 'not_healed';
  const detail = remediation.detail ?? reason;
  const end = { kind: 'end' as const, outcome: 'escalated' as const, reason, detail };
  if (rule.otherwise === 'log') {
    engine.log.warn({ ...auditOf(work), reason, detail }, 'not healed: a human is needed');
    return { ...end, drafts: [told('log', 'logged', reason, detail)] };
  }
  try {
    await send(work, reason, detail, engine);
    return { ...end, drafts: [told(rule.otherwise, 'sent', reason, detail)] };
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    return undelivered(work, error.failure, engine);
  }
}

async function send(work: Work, reason: string, detail: string, engine: Engine): Promise<void> {
  const message = await story(work, reason, detail, engine);
  await callBackend(engine, {
    backend: 'notify',
    action: null,
    deadline_at: engine.clock.now() + SEND_DEADLINE_MS,
    run: (signal) => {
      if (!engine.clients.notifiers.has(work.rule.otherwise))
        throw new ActionError(
          'not_configured',
          `the policy has no notifier ${work.rule.otherwise}`,
          { retryable: false },
        );
      const idempotency_key = `${work.remediation.id}/escalation`;
      return engine.clients.notifiers.send(work.rule.otherwise, message, {
        signal,
        idempotency_key,
      });
    },
  });
}

/** A human who cannot be reached now is tried again; one who never can is said loudly, in log and audit. */
function undelivered(work: Work, failure: ActionError, engine: Engine): StageResult {
  const { remediation, rule } = work;
  const tries = remediation.tries + 1;
  const why = `${failure.code}: ${failure.message}`;
  engine.log.error({ ...auditOf(work), tries, why }, 'escalation not delivered');
  const draft = told(rule.otherwise, 'not_sent', remediation.reason, why);
  if (tries < ESCALATION_ROUNDS_MAX) {
    const at = engine.clock.now() + ROUND_PAUSE_MS + backoffMs(tries + 1, engine.random());
    return { kind: 'again', at, remediation: { ...remediation, tries }, drafts: [draft] };
  }
  const detail = `${remediation.detail ?? ''} (and ${rule.otherwise} could not be told: ${why})`;
  return {
    kind: 'end',
    outcome: 'escalated',
    reason: remediation.reason ?? 'not_healed',
    detail,
    drafts: [draft],
  };
}

function told(notifier: string, result: string, reason: string | null, why: string): AuditDraft {
  return {
    kind: 'escalated',
    target: `notifier/${notifier}`,
    result,
    reason,
    detail: { notifier, why },
  };
}

async function story(
  work: Work,
  reason: string,
  detail: string,
  engine: Engine,
): Promise<Notification> {
  const { remediation, rule, episode } = work;
  const runs = await engine.store.runsOf(remediation.id);
  const done = runs.map(
    (row) => `step ${row.step + 1}: ${row.target.cmd} -> ${row.error ?? row.state}`,
  );
  const lines = [
    `autoheal could not heal ${episode.alertname}: ${detail}`,
    `rule ${rule.name}: ${rule.summary}`,
    ...(done.length === 0 ? ['nothing was done'] : done),
    ...(rule.runbook === null ? [] : [`runbook: ${rule.runbook}`]),
  ];
  return {
    title: `${episode.alertname} needs a human (${reason})`,
    text: lines.join('\n'),
    fields: {
      alertname: episode.alertname,
      fingerprint: episode.fingerprint,
      labels: { ...episode.labels },
      rule: rule.name,
      remediation: remediation.id,
      episode: episode.id,
      reason,
      steps: done,
      drill: remediation.drill,
    },
  };
}
