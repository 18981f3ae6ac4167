import type { Touched } from '../../core/healing/guard-facts.ts';
import type { Outcome } from '../../core/healing/remediation.ts';
import type { Store } from '../../store.ts';
import { many, one } from './reads.ts';
import { APPROVALS, HOLDS, LEASES } from './rows.ts';
import type { Sql } from './sqlite.ts';
import * as text from './statements-guards.ts';

type GuardReads = Pick<
  Store,
  | 'startCount'
  | 'lockSharers'
  | 'nthStart'
  | 'touchedSince'
  | 'wantedSince'
  | 'outcomesOn'
  | 'lastLease'
  | 'holds'
  | 'hold'
  | 'approvalFor'
  | 'approvalOf'
  | 'openApprovals'
>;

/** What the guards look at beyond one target, and what operators asked for. */
export function createGuardReads(sql: Sql): GuardReads {
  return {
    startCount: async () => sql.column<number>(text.start_count)[0] ?? 0,
    lockSharers: async (parents, except) =>
      sql.column<number>(text.lock_sharers, [JSON.stringify(parents), except])[0] ?? 0,
    nthStart: async ({ rule, n, since, except }) =>
      sql.column<number>(text.nth_start, [since, rule, except, n - 1])[0],
    touchedSince: async ({ since, except, limit }) =>
      sql.all(text.touched_since, [since, except, limit]) as unknown as readonly Touched[],
    wantedSince: async (since, limit) =>
      sql.column<number>(text.wanted_since, [since, limit])[0] ?? 0,
    outcomesOn: async ({ rule, target, limit }) =>
      sql.column<Outcome>(text.outcomes_on, [target.toWellFormed(), rule, limit]),
    lastLease: async (target) => one(sql, LEASES, text.last_lease, [target.toWellFormed()]),
    holds: async (now) => many(sql, HOLDS, text.holds_standing, [now]),
    hold: async (id) => one(sql, HOLDS, text.hold_by_id, [id]),
    approvalFor: async (id, hash) => one(sql, APPROVALS, text.approval_for, [id, hash]),
    approvalOf: async (id) => one(sql, APPROVALS, text.approval_of, [id]),
    openApprovals: async (now) => many(sql, APPROVALS, text.approvals_open, [now]),
  };
}
