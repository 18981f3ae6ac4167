import type { Problem } from '../core/rules/diagnostic.ts';
import type { Rule } from '../core/rules/rule.ts';
import { sortProblems } from '../core/rules/diagnostic.ts';
import { parseYaml } from '../core/rules/yaml-parse.ts';
import { alertUnknown } from './alert-unknown.ts';
import { type Alertmanager, readAlertmanager } from './alertmanager.ts';
import { cooldownShorterThanFor } from './cooldown-shorter-than-for.ts';
import { followRedirectsOn } from './follow-redirects-on.ts';
import { groupIntervalShort } from './group-interval-short.ts';
import { healsItself } from './heals-itself.ts';
import { labelImpossible } from './label-impossible.ts';
import type { Lint, LintProblem, Severity } from './lint.ts';
import { matchUnanchored } from './match-unanchored.ts';
import { maxAlertsSet } from './max-alerts-set.ts';
import { oppositeEffects } from './opposite-effects.ts';
import { type Alert, readPrometheus } from './prometheus.ts';
import { repeatIntervalLong } from './repeat-interval-long.ts';
import { routeNeedsLabel } from './route-needs-label.ts';
import { routeNeverReaches } from './route-never-reaches.ts';
import { sendResolvedOff } from './send-resolved-off.ts';

/** Every lint, in the order of docs/lint.md. */
export const LINTS: readonly Lint[] = [
  alertUnknown,
  routeNeverReaches,
  routeNeedsLabel,
  sendResolvedOff,
  followRedirectsOn,
  maxAlertsSet,
  repeatIntervalLong,
  groupIntervalShort,
  cooldownShorterThanFor,
  matchUnanchored,
  oppositeEffects,
  healsItself,
  labelImpossible,
];

export interface FileText {
  readonly file: string;
  readonly text: string;
}

/** The other two configurations as text; undefined: not given. */
export interface Neighbours {
  readonly prometheus: readonly FileText[] | undefined;
  readonly alertmanager: FileText | undefined;
  /** Where autoheal's webhook is; undefined: any address whose path ends in /webhook. */
  readonly url: string | undefined;
}

/** Rules that compiled against each other and their neighbours, by file and place. */
export function lintConfigurations(
  rules: readonly Rule[],
  neighbours: Neighbours,
): readonly LintProblem[] {
  const read = readNeighbours(neighbours);
  // Half a configuration would only raise findings that the other half answers.
  if (read.problems.length > 0)
    return read.problems.map((problem) => ({ ...problem, severity: 'error', code: null }));
  const enabled = rules.flatMap((rule) => {
    const { source } = parseYaml(rule.file, rule.text);
    return rule.enabled && source !== undefined ? [{ rule, source }] : [];
  });
  const found = LINTS.flatMap((lint) =>
    lint
      .check({ rules: enabled, alerts: read.alerts, alertmanager: read.alertmanager })
      .map((problem): LintProblem => ({ ...problem, severity: lint.severity, code: lint.id })),
  );
  return sortProblems(found) as readonly LintProblem[];
}

function readNeighbours({ prometheus, alertmanager, url }: Neighbours): {
  readonly alerts: readonly Alert[] | undefined;
  readonly alertmanager: Alertmanager | undefined;
  readonly problems: readonly Problem[];
} {
  const rules = prometheus?.map(({ file, text }) => readPrometheus(file, text));
  const routes =
    alertmanager === undefined
      ? undefined
      : readAlertmanager(alertmanager.file, alertmanager.text, url);
  return {
    alerts: rules?.flatMap(({ alerts }) => alerts),
    alertmanager: routes?.alertmanager,
    problems: [...(rules ?? []).flatMap(({ problems }) => problems), ...(routes?.problems ?? [])],
  };
}

/** Is a problem as bad as asked, or worse? */
export function atLeast(severity: Severity, asked: Severity): boolean {
  return RANK[severity] >= RANK[asked];
}
const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, error: 2 };
