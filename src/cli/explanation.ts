import { oneLine } from './plain.ts';

/** The answer of `GET /api/v1/explain`, as far as it is shown. */
export interface Explanation {
  readonly episode: {
    readonly id: string;
    readonly alertname: string;
    readonly fingerprint: string;
    readonly state: string;
    readonly opened_at: string;
    readonly close_reason: string | null;
  };
  readonly rules: readonly {
    readonly rule: string;
    readonly matches: boolean;
    readonly first_failing_matcher: string | null;
    readonly why: string | null;
  }[];
  readonly remediations: readonly {
    readonly remediation: {
      readonly id: string;
      readonly rule: string;
      readonly state: string;
      readonly outcome: string | null;
      readonly reason: string | null;
      readonly detail: string | null;
      readonly step: number;
      readonly next_at: string | null;
    };
    readonly asked_at: string | null;
    readonly guards: readonly {
      readonly guard: string;
      readonly verdict: string | null;
      readonly detail: string | null;
    }[];
  }[];
}
type Run = Explanation['remediations'][number];

/** For people: each rule with its first failing matcher, each remediation with what its guards said. */
export function explanationText({ episode, rules, remediations }: Explanation): string {
  const { alertname, fingerprint, id, state, opened_at, close_reason } = episode;
  const closed = close_reason === null ? '' : ` (${close_reason})`;
  const lines = [
    `${alertname}  fingerprint ${fingerprint}`,
    `episode ${id}: ${state}${closed}, since ${opened_at}`,
    '',
    'Rules, in the order they are tried:',
    ...(rules.length === 0 ? ['  there is none'] : table(rules.map(ruleOf))),
    ...remediations.flatMap((run) => ['', ...runLines(run)]),
    ...(remediations.length === 0 ? ['', 'No rule was run for it.'] : []),
  ];
  return `${lines.map(oneLine).join('\n')}\n`;
}

function ruleOf({ rule, matches, first_failing_matcher, why }: Explanation['rules'][number]) {
  if (!matches) return [rule, `does not match: ${first_failing_matcher ?? 'a matcher'}`] as const;
  return [rule, why === null ? 'matches' : `matches, not taken: ${why}`] as const;
}

function runLines({ remediation, asked_at, guards }: Run): readonly string[] {
  const { id, rule, state, outcome, reason, detail, step, next_at } = remediation;
  const words = [outcome, reason].filter((word) => word !== null);
  const how = words.length === 0 ? '' : ` (${words.join(', ')})`;
  return [
    `Remediation ${id} of rule ${rule}, step ${step}: ${state}${how}`,
    ...(detail === null ? [] : [`  ${detail}`]),
    ...(next_at === null ? [] : [`  it looks again at ${next_at}`]),
    ...(asked_at === null ? ['  its guards were not asked yet'] : guardLines(asked_at, guards)),
  ];
}

/** Those that had something to say, and how many had not. */
function guardLines(asked_at: string, guards: Run['guards']): readonly string[] {
  const said = guards.filter(({ verdict, detail }) => stops(verdict) || detail !== null);
  const unasked = guards.filter(({ verdict }) => verdict === null).length;
  return [
    `  its guards, asked at ${asked_at}:`,
    ...table(
      said.map(({ guard, verdict, detail }) => [
        guard,
        `${verdict ?? 'not asked'}${detail === null ? '' : `: ${detail}`}`,
      ]),
      4,
    ),
    `    allowed by ${said.length === 0 ? 'all' : 'the others'}${unasked === 0 ? '' : `; ${unasked} were not asked: no plan was made`}`,
  ];
}

function stops(verdict: string | null): boolean {
  return verdict !== null && verdict !== 'allow';
}

function table(
  rows: readonly (readonly [name: string, said: string])[],
  indent = 2,
): readonly string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, said]) => `${' '.repeat(indent)}${name.padEnd(width)}  ${said}`);
}
