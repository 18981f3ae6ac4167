import type { z } from 'zod';
import type { FlagDeclaration, Policy } from './rule.ts';

/** What a rule may refer to. */
export interface Catalogue {
  readonly action: (id: string) => ActionFacts | undefined;
  readonly action_ids: readonly string[];
  /** Names of the policy's notifiers, without `log`. */
  readonly notifiers: readonly string[];
  readonly flags: Readonly<Record<string, FlagDeclaration>>;
  /** Names of the policy's time intervals. */
  readonly time_intervals: () => readonly string[];
  /** Names of the policy's databases. */
  readonly databases: readonly string[];
  /** What the policy lets `http_request` and `run_command` reach. */
  readonly hosts: Policy['hosts'];
  readonly commands: Policy['commands'];
  /** Annotations that the policy leaves out by name; absent: none. */
  readonly redacted?: ReadonlySet<string>;
}
export interface ActionFacts {
  readonly params: z.ZodType;
  readonly leasable: boolean;
  readonly has_verify: boolean;
}
export interface CompileOptions {
  /**
   * The rule already runs and pins this text: names of the policy may have gone since, and whoever
   * needs one says so then.
   */
  readonly pinned?: boolean;
}
