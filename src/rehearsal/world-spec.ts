import type { ActionErrorCode, FlagValue, Health } from '../action.ts';
import type { Json, Labels } from '../core/json.ts';

/** A world that data describes: what a rule test, a backtest or an offline explanation says is true. */

/** What a look finds: it holds, it does not, or nobody answers. */
export type Answer = boolean | 'unavailable';

/** Alertmanager's API: not configured, shows what fires in the timeline, or does not answer. */
export type AlertmanagerState = 'absent' | 'present' | 'down';

export interface TargetSpec {
  /** Its state, in the words of its action: `{ replicas: 2 }`. Absent: the action's own default stands in. */
  readonly value?: Json;
  /** True unless said. */
  readonly opted_in?: boolean;
  /** What the target says of itself after an action. `healthy` unless said. */
  readonly health?: Health;
  /** False: it is not there. */
  readonly exists?: boolean;
  /** Its siblings: total with it, healthy besides it, and whether it serves itself. */
  readonly group?: {
    readonly id: string;
    readonly total: number;
    readonly healthy: number;
    readonly serves: boolean;
  };
}

export interface WorldSpec {
  /** Whether there is one is said at the start; then it comes and goes. */
  readonly alertmanager?: AlertmanagerState;
  /** What other people silenced, where an Alertmanager shows it: alerts that have all labels of one of these. */
  readonly silences?: readonly Labels[];
  /** By target id: `docker/crm-api`, `compose/import-worker`, `k8s/prod/deployment/worker`. */
  readonly targets?: Readonly<Record<string, TargetSpec>>;
  /** By rendered expression. */
  readonly promql?: Readonly<Record<string, Answer>>;
  /** By address. */
  readonly http?: Readonly<Record<string, Answer>>;
  /** By `host:port`. */
  readonly tcp?: Readonly<Record<string, Answer>>;
  /** What flags of the policy are set to. */
  readonly flags?: Readonly<Record<string, FlagValue>>;
  /** The answer to a look that the world does not name. `unavailable` unless said; it is noted in `unanswered` either way. */
  readonly otherwise?: Answer;
}

/** How the next calls of an action go: they fail, or do not answer at all. */
export interface ActionScript {
  readonly action: string;
  /** Absent: whatever it touches. */
  readonly target?: string;
  readonly outcome: { readonly fails: ActionErrorCode } | { readonly hangs: true };
  readonly times: number;
}
