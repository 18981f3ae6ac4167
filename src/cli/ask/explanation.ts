import { wrapped } from './explanation-lines.ts';
import {
  jsonText,
  type ExplainedGuard,
  type ExplainedPlan,
  type ExplainedRule,
  guardLines,
  rulesLines,
  targetLines,
} from './explanation-rule.ts';
import type { Episode, Remediation } from './tables.ts';
import { oneLine } from '../plain.ts';

/** The answer of `GET /api/v1/explain`, as far as it is shown. */
export interface Explanation {
  readonly episode: Omit<Episode, 'firings'>;
  readonly rules: readonly ExplainedRule[];
  readonly remediations: readonly {
    readonly remediation: Omit<Remediation, 'alertname' | 'fingerprint' | 'created_at'> & {
      readonly plan: ExplainedPlan | null;
    };
    readonly asked_at: string | null;
    readonly guards: readonly ExplainedGuard[];
  }[];
}
type Run = Explanation['remediations'][number];

/** For people: what each rule would do now, each rule, each remediation with its plan and its guards. */
export function explanationText({ episode, rules, remediations }: Explanation): string {
  const { alertname, fingerprint, id, state, opened_at, close_reason } = episode;
  const closed = close_reason === null ? '' : ` (${close_reason})`;
  return textOf([
    ...wrapped('', `${alertname}  fingerprint ${fingerprint}`),
    `episode ${id}: ${state}${closed}, since ${opened_at}`,
    '',
    ...rulesLines(rules),
    ...remediations.flatMap((run) => ['', ...runLines(run)]),
    ...(remediations.length === 0 ? ['', 'No rule was run for it.'] : []),
  ]);
}

function runLines({ remediation, asked_at, guards }: Run): readonly string[] {
  const { id, rule, state, outcome, reason, detail, step, plan, next_at } = remediation;
  const words = [outcome, reason].filter((word) => word !== null);
  const how = words.length === 0 ? '' : ` (${words.join(', ')})`;
  return [
    ...wrapped('', `Remediation ${id} of rule ${rule}, step ${step}: ${state}${how}`),
    ...(detail === null ? [] : wrapped('  ', detail)),
    ...(next_at === null ? [] : [`  it looks again at ${next_at}`]),
    ...priorityLines(remediation),
    ...(plan === null ? [] : planLines(plan)),
    ...(asked_at === null
      ? ['  its guards were not asked yet']
      : guardLines(`  its guards, asked at ${asked_at}:`, guards)),
  ];
}

/** Only where the policy asks for priorities. */
function priorityLines({ priority, priority_of }: Run['remediation']): readonly string[] {
  if (priority_of === null) return [];
  return wrapped('  ', `its priority is ${priority}: ${priority_of} burns ${priority / 10}x`);
}

function planLines(plan: ExplainedPlan): readonly string[] {
  return [
    ...wrapped(`  its plan: ${plan.action}  `, jsonText(plan.params)),
    ...targetLines(plan, '    '),
  ];
}

/* ---------------------------------------------------------------- of a webhook body */

/** The answer of `POST /api/v1/explain`, as far as it is shown. */
export interface PayloadExplanation {
  readonly asked_at: string;
  readonly mode: string;
  readonly alerts: readonly {
    readonly status: string;
    readonly alertname: string;
    readonly fingerprint: string;
    readonly becomes: string;
    readonly why: string | null;
    readonly episode: string | null;
    readonly rules: readonly ExplainedRule[];
  }[];
  readonly left_out: number;
  readonly unusable: readonly { readonly index: number; readonly why: string }[];
  /** Where no service was asked: what was taken for granted. */
  readonly assumed?: readonly string[];
}
type Alert = PayloadExplanation['alerts'][number];

/** For people: of each alert what would be done. */
export function payloadText(answer: PayloadExplanation): string {
  const { asked_at, mode, alerts, left_out, unusable, assumed } = answer;
  const where = assumed === undefined ? `mode ${mode}` : 'no service was asked';
  return textOf([
    `Asked at ${asked_at}, ${where}: nothing was changed.`,
    ...(assumed === undefined ? [] : ['Assumed:', ...assumed.flatMap((one) => wrapped('  ', one))]),
    ...alerts.flatMap((alert) => ['', ...alertLines(alert)]),
    ...(alerts.length === 0 ? ['', 'There is no alert in it that can be used.'] : []),
    ...unusable.flatMap(({ index, why }) => [
      '',
      ...wrapped(`Alert ${index} of it cannot be used: `, why),
    ]),
    ...(left_out === 0 ? [] : ['', `${left_out} more alerts were not looked at: ask about fewer.`]),
  ]);
}

function alertLines(alert: Alert): readonly string[] {
  const { alertname, fingerprint, status, rules } = alert;
  const name = alertname === '' ? '(no alertname)' : alertname;
  return [
    ...wrapped('', `${name}  fingerprint ${fingerprint}`),
    ...wrapped(`${status}: `, meaningOf(alert)),
    '',
    ...rulesLines(rules),
  ];
}

function meaningOf({ becomes, episode, why }: Alert): string {
  if (becomes === 'open') return 'a new episode would begin';
  if (becomes === 'repeat') return `episode ${episode} would go on`;
  if (becomes === 'close') return `episode ${episode} would end, and what is leased be undone`;
  return `nothing would change: ${why ?? becomes}`;
}

function textOf(lines: readonly string[]): string {
  return `${lines.map(oneLine).join('\n')}\n`;
}
