import { formatDuration } from '../../core/duration.ts';
import { oneLine } from '../plain.ts';
import { tableText } from './table.ts';

/** The API's answers about rules, as far as they are shown to people. */

export interface RuleList {
  readonly items: readonly Rule[];
}
export interface Rule {
  readonly name: string;
  readonly summary: string;
  readonly runbook: string | null;
  readonly enabled: boolean;
  readonly mode: string;
  readonly matchers: readonly string[];
  readonly steps: readonly { readonly action: string }[];
  readonly holdout: { readonly share_pct: number; readonly for_ms: number } | null;
  readonly file: string;
  readonly benefit: Benefit;
}
interface Share {
  readonly n: number;
  readonly k: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}
interface Difference {
  readonly points: number;
  readonly low: number;
  readonly high: number;
}
interface Span {
  readonly seconds: number | null;
  readonly low_seconds: number | null;
  readonly high_seconds: number | null;
}
interface Group {
  readonly recovered: Share | null;
  readonly undecided: number;
  readonly median: Span;
  readonly p90: Span;
}
interface Benefit {
  readonly word: string;
  readonly text: string;
  readonly since: string;
  readonly complete_since: string;
  readonly horizon_seconds: number;
  readonly treated: Group & { readonly acted: number; readonly healed: number };
  readonly untreated: Group & {
    readonly why: { readonly dry_run: number; readonly holdout: number; readonly waited: number };
  };
  readonly difference: Difference | null;
  readonly randomised: {
    readonly with_rule: Share | null;
    readonly held_out: Share | null;
    readonly difference: Difference | null;
  } | null;
  readonly left_out: { readonly other_rule: number; readonly meddled: number };
}

const COLUMNS = ['rule', 'runs', 'healed', 'left alone', 'benefit', 'is', 'matchers'];

/** In the order they are tried. `runs`: firings that it acted on within the window. */
export function rulesText({ items }: RuleList, colours: boolean): string {
  if (items.length === 0) return 'No rule is in force.\n';
  const rows = items.map(({ name, enabled, mode, matchers, benefit }) => {
    const { dry_run, holdout, waited } = benefit.untreated.why;
    return [
      name,
      benefit.treated.acted,
      benefit.treated.healed,
      dry_run + holdout + waited,
      benefit.word,
      enabled ? mode : 'disabled',
      matchers.join(' '),
    ];
  });
  return tableText(
    COLUMNS.map((title) => ({ title })),
    rows,
    colours,
  );
}

/** What it is, and its figures, each with its 95 % interval. */
export function ruleText(rule: Rule): string {
  const { benefit, holdout } = rule;
  const { treated, untreated, randomised, left_out } = benefit;
  const { dry_run, holdout: drawn, waited } = untreated.why;
  const facts: readonly (readonly [string, string | null])[] = [
    ['is', `${rule.enabled ? rule.mode : 'disabled'}, ${rule.file}`],
    ['for', rule.matchers.join(' ')],
    ['steps', rule.steps.map(({ action }) => action).join(', then ')],
    ['runbook', rule.runbook],
    ['hold-out', holdout && `${holdout.share_pct}% for ${formatDuration(holdout.for_ms)}`],
    ['benefit', benefit.text],
    ['watched', watchedText(benefit)],
    ['acted on', `${treated.acted}, its own verification healed ${treated.healed}`],
    ['', groupText(treated)],
    ['left alone', `${dry_run} in dry-run, ${drawn} by the hold-out, ${waited} refused or waiting`],
    ['', groupText(untreated)],
    ['difference', differenceText(benefit.difference)],
    ['by chance', randomised && randomisedText(randomised)],
    ['left out', leftOutText(left_out)],
  ];
  const lines = facts.flatMap(([name, said]) => {
    if (said === null) return [];
    return [`${(name === '' ? '' : `${name}:`).padEnd(FACT_WIDTH)}${oneLine(said)}`];
  });
  return `${oneLine(`Rule ${rule.name}: ${rule.summary}`)}\n${lines.join('\n')}\n`;
}
const FACT_WIDTH = 13;

function watchedText({ since, complete_since, horizon_seconds }: Benefit): string {
  const from = since === complete_since ? since : `${complete_since}, the newest only`;
  return `${formatDuration(horizon_seconds * 1_000)} from the moment it is chosen; since ${from}`;
}

/** Null: nobody is in it. */
function groupText({ recovered, undecided, median, p90 }: Group): string | null {
  if (recovered === null && undecided === 0) return null;
  return [
    ...(recovered === null ? [] : [`recovered ${shareText(recovered)}`]),
    `median ${spanText(median)}`,
    `90% after ${spanText(p90)}`,
    ...(undecided > 0 ? [`${undecided} too early to say`] : []),
  ].join('; ');
}

function shareText({ k, n, share, low, high }: Share): string {
  return `${k} of ${n}, ${percent(share)} (${percent(low)} to ${percent(high)})`;
}

/** A dash: so few ended that nobody can say. */
function spanText({ seconds, low_seconds, high_seconds }: Span): string {
  const [middle, low, high] = [seconds, low_seconds, high_seconds].map(secondsText);
  return `${middle} (${low} to ${high})`;
}

function secondsText(seconds: number | null): string {
  return seconds === null ? '-' : formatDuration(Math.round(seconds) * 1_000);
}

function differenceText(difference: Difference | null): string | null {
  if (difference === null) return null;
  const [points, low, high] = [difference.points, difference.low, difference.high].map(whole);
  return `${points} points (${low} to ${high})`;
}

function randomisedText({
  with_rule,
  held_out,
  difference,
}: NonNullable<Benefit['randomised']>): string {
  const parts = [
    with_rule === null ? null : `not drawn: recovered ${shareText(with_rule)}`,
    held_out === null ? null : `drawn: ${shareText(held_out)}`,
    differenceText(difference),
  ];
  return parts.filter((part) => part !== null).join('; ');
}

function leftOutText({ other_rule, meddled }: Benefit['left_out']): string | null {
  if (other_rule + meddled === 0) return null;
  return `${other_rule} that another rule acted on, ${meddled} by hand or failed on purpose`;
}

function percent(share: number): string {
  return `${whole(share)}%`;
}

function whole(share: number): string {
  return String(Math.round(share * 100) + 0);
}
