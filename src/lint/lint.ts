import type { Problem } from '../core/rules/diagnostic.ts';
import type { Rule } from '../core/rules/rule.ts';
import type { YamlSource } from '../core/rules/yaml-source.ts';
import type { Alertmanager } from './alertmanager.ts';
import type { Alert } from './prometheus.ts';

/** From worst to mildest. */
export const SEVERITIES = ['error', 'warning', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A rule that compiled, with the places of its file. */
export interface RuleWithSource {
  readonly rule: Rule;
  readonly source: YamlSource;
}

/** What is compared. Undefined: that configuration was not given, and lints that need it say nothing. */
export interface Configurations {
  /** Enabled ones, in file-name order. */
  readonly rules: readonly RuleWithSource[];
  readonly alerts: readonly Alert[] | undefined;
  readonly alertmanager: Alertmanager | undefined;
}

/** One thing that can be wrong between the configurations; one file each, one section of docs/lint.md. */
export interface Lint {
  /** Kebab-case, the file's name. */
  readonly id: string;
  readonly severity: Severity;
  readonly check: (of: Configurations) => readonly Problem[];
}

export interface LintProblem extends Problem {
  readonly severity: Severity;
  /** The lint's id; null: a file that does not read. */
  readonly code: string | null;
}
