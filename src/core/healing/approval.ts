import canonicalize from 'canonicalize';
import type { Hasher } from '../audit/audit-chain.ts';
import type { Plan } from './remediation.ts';

/**
 * One question to a person: may this plan be carried out? Bound to the plan's hash, so that what runs is
 * what was granted; one grant starts one run.
 */
export interface Approval {
  readonly id: string;
  readonly remediation_id: string;
  readonly plan_hash: string;
  readonly state: 'asked' | 'granted' | 'denied' | 'used';
  /** Who may answer. */
  readonly role: 'operator' | 'admin';
  /** What would be done, as a person would type it. */
  readonly cmds: readonly string[];
  /** Why it is asked for: the mode, the budget. */
  readonly why: string;
  /** Ms since the epoch. */
  readonly asked_at: number;
  readonly expires_at: number;
  readonly answered_at: number | null;
  readonly answered_by: string | null;
  readonly reason: string | null;
}

/**
 * The hash that a grant is bound to: rule, step, parameters, and for each target what is wanted and what
 * would be done. What was observed is left out on purpose: a plan made anew after the grant may see other
 * uptimes, and asks again only when it would do something else.
 */
export function planHash(rule_hash: string, plan: Plan, hash: Hasher): string {
  const { step, action, params } = plan;
  const targets = plan.targets.map(({ id, desired, cmd }) => ({ id, desired, cmd }));
  return hash(canonicalize({ rule_hash, step, action, params, targets }) ?? '');
}
