import type { AnyAction } from '../action.ts';
import type { AuditDraft } from '../core/audit/audit.ts';
import type { Episode } from '../core/alerts/episode.ts';
import type { Seen } from '../core/alerts/seen.ts';
import type { Approval } from '../core/healing/approval.ts';
import type { PreconditionFact } from '../core/healing/guard-facts.ts';
import type { GuardWord } from '../core/healing/guard-words.ts';
import type {
  ActionRun,
  Outcome,
  Remediation,
  RemediationState,
} from '../core/healing/remediation.ts';
import type { Rule, RuleStep } from '../core/rules/rule.ts';
import type { Change } from '../store.ts';
import type { Engine } from './deps.ts';

/** One claimed remediation with what it refers to: what the stages hand on. */
export interface Work {
  readonly remediation: Remediation;
  readonly episode: Episode;
  readonly rule: Rule;
  readonly step: RuleStep;
  readonly action: AnyAction;
  /** The current step's runs, from its intent on. */
  readonly runs: readonly ActionRun[];
  /** Read at the start of this pass, and again before acting where it has grown old. */
  readonly looks?: Looks;
  /** The grant that lets this plan run; used up by its intent. */
  readonly grant?: string;
  /** Runs counted when the guards looked across targets; the intent's commit refuses if others started since. */
  readonly starts?: number | null;
  /** Claimed with an intent on disk and no outcome: a worker died or lost its claim in between. */
  readonly interrupted: boolean;
}

/** What the early guards asked of the outside. */
export interface Looks {
  /** Ms since the epoch. */
  readonly at: number;
  readonly seen: Seen | undefined;
  readonly preconditions: readonly PreconditionFact[];
}

/** What is written together with the state change that a stage asks for. */
export interface Writes {
  /** The work as the stage left it, where it changed. */
  readonly work?: Work;
  readonly changes?: readonly Change[];
  readonly drafts?: readonly AuditDraft[];
}

/** A stage's decision, as a value. The pipeline alone writes it down. */
export type StageResult =
  /**
   * On to the next stage; what it writes is on disk before that one runs. `together`: it may as well be
   * written with what the next stage decides, which asks no backend.
   */
  | ({ readonly kind: 'next'; readonly work: Work; readonly together?: boolean } & Writes)
  /** A guard waits, or the firing is held out; the plan is made anew afterwards. */
  | ({
      readonly kind: 'wait';
      readonly reason: GuardWord | 'holdout';
      readonly retry_at: number;
      readonly detail: string;
    } & Writes)
  /** A person has to grant the plan; it waits for the answer. */
  | ({
      readonly kind: 'ask';
      readonly reason: GuardWord;
      readonly detail: string;
      readonly approval: Approval;
    } & Writes)
  /** Look again at `at`, in the same state. */
  | ({ readonly kind: 'again'; readonly at: number; readonly remediation: Remediation } & Writes)
  /** This step did not heal: the next one, or a human. */
  | ({ readonly kind: 'step_failed'; readonly reason: string; readonly detail: string } & Writes)
  /** No further step may run: to a human at once. */
  | ({ readonly kind: 'escalate'; readonly reason: string; readonly detail: string } & Writes)
  | ({
      readonly kind: 'end';
      readonly outcome: Outcome;
      readonly reason: string;
      readonly detail: string;
    } & Writes)
  /** The claim is somebody else's by now: nothing is ours to write. */
  | { readonly kind: 'lost' };

/** One stage of the pipeline: one file. It decides; it does not write. */
export interface Stage {
  readonly name: string;
  readonly states: readonly RemediationState[];
  readonly run: (work: Work, engine: Engine) => Promise<StageResult>;
}

/** The audit fields that every entry about this work carries. */
export function auditOf(work: Work): Omit<AuditDraft, 'kind'> {
  const { remediation } = work;
  return {
    ...auditOfRemediation(remediation),
    step: remediation.step + 1,
    action: work.step.action,
  };
}

export function auditOfRemediation(remediation: Remediation): Omit<AuditDraft, 'kind'> {
  return {
    alertname: remediation.alertname,
    fingerprint: remediation.fingerprint,
    episode: remediation.episode_id,
    rule: remediation.rule,
    remediation: remediation.id,
    drill: remediation.drill,
    trace_id: remediation.trace_id,
  };
}
