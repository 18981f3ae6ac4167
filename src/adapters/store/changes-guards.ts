import { type Change, ConflictError } from '../../store.ts';
import { APPROVALS, HOLDS } from './rows.ts';
import type { Sql } from './sqlite.ts';
import * as text from './statements-guards.ts';

/** How the changes that operators ask for are applied. */

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

export function startCount(sql: Sql, { expected }: Of<'start_count'>): void {
  if (sql.run(text.start_counted, [expected]) === 1) return;
  throw new ConflictError('starts_moved', `another run started since ${expected} were counted`);
}

export function holdPut(sql: Sql, { hold }: Of<'hold_put'>): void {
  sql.run(text.hold_put, HOLDS.encode(hold));
}

export function approvalAdd(sql: Sql, { approval }: Of<'approval_add'>): void {
  sql.run(text.approval_add, APPROVALS.encode(approval));
}

export function approvalAnswer(sql: Sql, change: Of<'approval_answer'>): void {
  const { id, state, by, reason, at } = change;
  const values = [id, state, by.toWellFormed(), reason.toWellFormed(), Math.round(at)];
  if (sql.run(text.approval_answer, values) === 1) return;
  throw new ConflictError('approval_over', `approval ${id} was answered, or its time is over`);
}

export function approvalUse(sql: Sql, { id }: Of<'approval_use'>): void {
  if (sql.run(text.approval_use, [id]) === 1) return;
  throw new ConflictError('approval_over', `approval ${id} is not granted, or was used`);
}

export function remediationCancel(sql: Sql, { id, cancel }: Of<'remediation_cancel'>): void {
  if (sql.run(text.remediation_cancel, [id, JSON.stringify(cancel)]) === 1) return;
  throw new ConflictError('remediation_over', `remediation ${id} is done`);
}

export function remediationWake(sql: Sql, { id }: Of<'remediation_wake'>): void {
  sql.run(text.remediation_wake, [id]);
}

export function leaseEnd(sql: Sql, { id, by }: Of<'lease_end'>): void {
  sql.run(text.lease_end, [id, by.toWellFormed()]);
}
