import { AutohealError } from '../core/errors.ts';
import type { Approval } from '../core/healing/approval.ts';
import { isoTime } from '../core/time.ts';
import { ConflictError } from '../store.ts';
import type { Approvals } from './api.ts';
import { callBackend } from './call.ts';
import { auditChange, type Engine } from './deps.ts';
import { policyOf } from './facts.ts';
import { auditOf, auditOfRemediation, type Work } from './work.ts';

const SEND_DEADLINE_MS = 15_000;

/** Answers to what the guard `approval` asked. The grant itself acts on nothing: all guards run again after it. */
export function createApprovals(engine: Engine): Approvals {
  async function answer(
    state: 'granted' | 'denied',
    remediation_id: string,
    by: Parameters<Approvals['grant']>[1],
  ): Promise<Approval> {
    const remediation = await engine.store.remediation(remediation_id);
    if (remediation === undefined)
      throw new AutohealError('not_found', 'no remediation has this id');
    const approval = await engine.store.approvalOf(remediation_id);
    if (approval === undefined)
      throw new AutohealError('conflict', 'this remediation never asked for an approval');
    if (remediation.state === 'done')
      throw new AutohealError('conflict', `this remediation is over: ${remediation.detail}`);
    refuseOthers(approval, by);
    const at = engine.clock.now();
    const { actor, reason } = by;
    try {
      await engine.store.commit([
        { kind: 'approval_answer', id: approval.id, state, by: actor, reason, at },
        { kind: 'remediation_wake', id: remediation_id },
        auditChange(engine, {
          ...auditOfRemediation(remediation),
          kind: state === 'granted' ? 'approval_granted' : 'approval_denied',
          actor,
          reason,
          result: state,
          detail: {
            approval: approval.id,
            plan_hash: approval.plan_hash,
            cmds: [...approval.cmds],
          },
        }),
      ]);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      throw new AutohealError(
        'conflict',
        overOf(await engine.store.approvalOf(remediation_id), at),
      );
    }
    return { ...approval, state, answered_at: at, answered_by: actor, reason };
  }

  return {
    grant: (id, by) => answer('granted', id, by),
    deny: (id, by) => answer('denied', id, by),
    open: () => engine.store.openApprovals(engine.clock.now()),
    of: (id) => engine.store.approvalOf(id),
  };
}

/** A grant is for what was shown: the caller names the plan's hash, and has the role that the rule wants. */
function refuseOthers(approval: Approval, by: Parameters<Approvals['grant']>[1]): void {
  if (by.plan_hash !== approval.plan_hash)
    throw new AutohealError(
      'conflict',
      `the plan has changed since you saw it: it is ${approval.plan_hash} now (${approval.cmds.join('; ')})`,
    );
  if (approval.role === 'admin' && by.role !== 'admin')
    throw new AutohealError('forbidden', 'this rule wants an admin to answer');
}

function overOf(approval: Approval | undefined, now: number): string {
  if (approval?.state === 'asked' && now >= approval.expires_at)
    return `its time was over at ${isoTime(approval.expires_at)}`;
  return `it was answered already: ${approval?.state} by ${approval?.answered_by ?? 'somebody'}`;
}

/** Tells the policy's notifier that a plan waits. Nothing depends on it: the API shows what waits as well. */
export async function tellThatItWaits(
  work: Work,
  approval: Approval,
  engine: Engine,
): Promise<void> {
  const { notify } = policyOf(engine).approvals;
  engine.log.info({ ...auditOf(work), approval: approval.id }, 'a plan waits for an approval');
  if (notify === null || notify === 'log') return;
  const { alertname, id } = work.remediation;
  const message = {
    title: `${alertname}: may autoheal act?`,
    text: [
      `rule ${work.rule.name} would do: ${approval.cmds.join('; ')}`,
      `why it asks: ${approval.why}`,
      `to allow it, until ${isoTime(approval.expires_at)}: POST /api/v1/remediations/${id}/approve ${JSON.stringify({ plan_hash: approval.plan_hash, reason: '...' })}`,
      `from a terminal: npx autoheal approve ${id} --plan ${approval.plan_hash} --reason '...'`,
    ].join('\n'),
    fields: { remediation: id, plan_hash: approval.plan_hash, cmds: [...approval.cmds] },
  };
  try {
    await callBackend(engine, {
      backend: 'notify',
      action: null,
      deadline_at: engine.clock.now() + SEND_DEADLINE_MS,
      run: (signal) =>
        engine.clients.notifiers.send(notify, message, { signal, idempotency_key: approval.id }),
    });
  } catch (error) {
    engine.log.error({ ...auditOf(work), err: error }, 'nobody was told that a plan waits');
  }
}
