import type { AuditDraft } from '../core/audit/audit.ts';
import type { Lease } from '../core/healing/lease.ts';
import { CallFailed, callBackend } from './call.ts';
import type { Engine } from './deps.ts';

const SEND_DEADLINE_MS = 60_000;

/** A temporary change that cannot be undone is for a human, through the rule's own notifier. */
export async function toHuman(
  lease: Lease,
  reason: 'revert_failed' | 'revert_held',
  why: string,
  engine: Engine,
): Promise<AuditDraft> {
  const rule = engine.rulebook.current()?.rules.find((candidate) => candidate.name === lease.rule);
  const notifier = rule?.otherwise ?? 'log';
  const text = `${lease.target.id} still has ${JSON.stringify(lease.value)}; it should be ${JSON.stringify(lease.original)} again: ${why}`;
  engine.log.error(
    { lease: lease.id, trace_id: lease.trace_id, target: lease.target.id, why },
    'a lease is not undone: a human is needed',
  );
  const told = await notify(lease, notifier, text, engine);
  return {
    kind: 'escalated',
    target: `notifier/${notifier}`,
    result: told,
    reason,
    detail: { notifier, why: text },
  };
}

async function notify(
  lease: Lease,
  notifier: string,
  text: string,
  engine: Engine,
): Promise<string> {
  if (notifier === 'log') return 'logged';
  const message = {
    title: `autoheal could not undo ${lease.target.cmd}`,
    text,
    fields: { lease: lease.id },
  };
  try {
    await callBackend(engine, {
      backend: 'notify',
      action: null,
      deadline_at: engine.clock.now() + SEND_DEADLINE_MS,
      run: (signal) =>
        engine.clients.notifiers.send(notifier, message, {
          signal,
          idempotency_key: `${lease.id}/escalation`,
        }),
    });
    return 'sent';
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    return 'not_sent';
  }
}
