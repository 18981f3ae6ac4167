import { formatDuration } from '../../core/duration.ts';
import { rows, sentence, wrapped } from './explanation-lines.ts';

/** Parts of the answers of `/api/v1/explain`, as far as they are shown. */
export interface ExplainedPlan {
  readonly step: number;
  readonly action: string;
  readonly params: unknown;
  readonly targets: readonly {
    readonly id: string;
    readonly name: string;
    readonly opted_in: boolean;
    readonly observed: unknown;
    readonly desired: unknown;
    readonly cmd: string;
  }[];
}
export interface ExplainedGuard {
  readonly guard: string;
  readonly verdict: string | null;
  readonly detail: string | null;
}
export interface ExplainedRule {
  readonly rule: string;
  readonly matches: boolean;
  readonly first_failing_matcher: string | null;
  readonly why: string | null;
  readonly would: {
    readonly remediation: string | null;
    readonly step: number;
    readonly ladder: readonly {
      readonly step: number;
      readonly action: string;
      readonly params: unknown;
      readonly problem: string | null;
      readonly lease_seconds: number | null;
    }[];
    readonly plan: ExplainedPlan | null;
    readonly unplanned: string | null;
    readonly asked_at: string | null;
    readonly guards: readonly ExplainedGuard[];
    readonly decision: { readonly would: string; readonly text: string };
  } | null;
}
type Would = NonNullable<ExplainedRule['would']>;

/** Of each rule that is taken what it would do, the winning one first; then all in their order. */
export function rulesLines(rules: readonly ExplainedRule[]): readonly string[] {
  const taken = rules.flatMap(({ rule, would }) => (would === null ? [] : [{ rule, would }]));
  return [
    ...taken.flatMap(({ rule, would }) => [...wouldLines(rule, would), '']),
    ...(taken.length === 0 ? ['No rule is taken: nothing would be done.', ''] : []),
    'Rules, in the order they are tried:',
    ...(rules.length === 0 ? ['  there is none'] : rows(rules.map(ruleRow), '  ')),
  ];
}

function ruleRow({ rule, matches, first_failing_matcher, why }: ExplainedRule) {
  if (!matches) return [rule, `does not match: ${first_failing_matcher ?? 'a matcher'}`] as const;
  return [rule, why === null ? 'matches' : `matches, not taken: ${why}`] as const;
}

function wouldLines(rule: string, would: Would): readonly string[] {
  const { decision, ladder, plan, unplanned, asked_at, guards } = would;
  return [
    ...sentence(`${rule}: ${decision.text}`),
    ...ladder.flatMap((rung) => rungLines(rung, rung.step === would.step ? plan : null)),
    // Where that is what stops it, the sentence has it.
    ...(unplanned === null || decision.text.includes(unplanned)
      ? []
      : wrapped('  no plan: ', unplanned)),
    ...(asked_at === null ? [] : guardLines('  guards:', guards)),
  ];
}

function rungLines(
  { step, action, params, problem, lease_seconds }: Would['ladder'][number],
  plan: ExplainedPlan | null,
): readonly string[] {
  const lease = lease_seconds === null ? '' : `, for ${formatDuration(lease_seconds * 1_000)}`;
  const said = problem === null ? `${jsonText(params)}${lease}` : `cannot be made: ${problem}`;
  const lead = `  step ${step}  ${action}  `;
  return [...wrapped(lead, said), ...(plan === null ? [] : targetLines(plan, '    '))];
}

/** Each target: what it is, its state and the one wanted, what would be typed. */
export function targetLines({ targets }: ExplainedPlan, indent: string): readonly string[] {
  return targets.flatMap(({ id, name, opted_in, observed, desired, cmd }) => {
    const called = id.endsWith(`/${name}`) ? id : `${id} (${name})`;
    const wanted = desired === null ? '' : ` -> ${jsonText(desired)}`;
    const state = observed === null && desired === null ? '' : `: ${jsonText(observed)}${wanted}`;
    const stranger = opted_in ? '' : ', not opted in';
    return [
      ...wrapped(`${indent}on `, `${called}${stranger}${state}`),
      ...wrapped(`${indent}   `, cmd),
    ];
  });
}

/** JSON on one line, with blanks where a line may be broken. */
export function jsonText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const fields = Object.entries(value).map(
    ([key, one]) => `${JSON.stringify(key)}: ${jsonText(one)}`,
  );
  return `{${fields.join(', ')}}`;
}

/** Those that had something to say, what stops it marked; and how many had not. */
export function guardLines(title: string, guards: readonly ExplainedGuard[]): readonly string[] {
  const said = guards.filter(({ verdict, detail }) => stops(verdict) || detail !== null);
  const unasked = guards.filter(({ verdict }) => verdict === null).length;
  return [
    title,
    ...rows(
      said.map(({ guard, verdict, detail }) => [
        `${stops(verdict) ? '!' : ' '} ${guard}`,
        `${verdict ?? 'not asked'}${detail === null ? '' : `: ${detail}`}`,
      ]),
      '  ',
    ),
    `    allowed by ${said.length === 0 ? 'all' : 'the others'}${unasked === 0 ? '' : `; ${unasked} were not asked: no plan was made`}`,
  ];
}

function stops(verdict: string | null): boolean {
  return verdict !== null && verdict !== 'allow';
}
