import { isoTime } from '../../core/time.ts';
import type { FilterCounts } from '../../rehearsal/backtest/filter.ts';
import { type Comparison, differs, type Pair } from '../../rehearsal/backtest/compare.ts';
import { oneLine } from '../plain.ts';
import { tableText } from '../ask/table.ts';

export interface BacktestReport {
  readonly source: string;
  /** Of the record, ms since the epoch; infinite where it has nothing. */
  readonly times: { readonly first: number; readonly last: number };
  readonly counts: FilterCounts;
  readonly candidate: string;
  /** Null: it was compared with nothing. */
  readonly against: string | null;
  readonly comparison: Comparison;
  readonly seconds: number;
}

/** Said with each result: what a record cannot tell. */
export const ASSUMPTIONS: readonly string[] = [
  'Every target exists, has opted in and can be acted on, unless --world says otherwise.',
  'A symptom is gone if and only if its alert resolved in the record: what a rule verifies by holds then, and not before. An action that would have healed sooner is not seen to.',
  'Preconditions hold, unless --world says otherwise. Nobody pauses, holds or answers an approval.',
  'Nothing fails that did not fail by a guard; Alertmanager is not asked, and silences are not seen.',
];

export function reportJson(report: BacktestReport): string {
  const { times, comparison, ...rest } = report;
  const { actions, episodes } = comparison;
  return `${JSON.stringify(
    {
      ...rest,
      from: timeOrNull(times.first),
      to: timeOrNull(times.last),
      assumptions: ASSUMPTIONS,
      ...comparison,
      actions: actions.map((one) => ({ ...one, first: one.first.map(isoTime) })),
      episodes: {
        ...episodes,
        shown: episodes.shown.map((one) => ({ ...one, opened_at: isoTime(one.opened_at) })),
      },
    },
    null,
    2,
  )}\n`;
}

function timeOrNull(ms: number): string | null {
  return Number.isFinite(ms) ? isoTime(ms) : null;
}

/** For people. It is the same from the same record: nothing of it is about this run. */
export function reportText(report: BacktestReport): string {
  const { comparison, against } = report;
  const parts = [
    headOf(report),
    ...(against === null ? [] : [verdictOf(comparison)]),
    actionsOf(comparison, against),
    rulesOf(comparison, against),
    wordsOf(comparison, against),
    ...(against === null ? [] : [episodesOf(comparison)]),
    `Assumed:\n${ASSUMPTIONS.map((text) => `  - ${text}\n`).join('')}`,
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function headOf({ source, times, counts, candidate, against }: BacktestReport): string {
  const { deliveries, alerts, mapped, unusable } = counts;
  const when = deliveries === 0 ? '' : `, ${shortTime(times.first)} to ${shortTime(times.last)}`;
  const bad = unusable === 0 ? '' : `; ${unusable} deliveries that cannot be used`;
  return [
    `Record:    ${oneLine(source)}${when}`,
    `           ${deliveries} deliveries, ${alerts} alerts, ${mapped} of them for a rule${bad}`,
    `Candidate: ${oneLine(candidate)}`,
    ...(against === null ? [] : [`Against:   ${oneLine(against)}`]),
    '',
  ].join('\n');
}

function verdictOf({ same, sentences }: Comparison): string {
  if (same) return 'No difference: both would have done the same.\n';
  if (sentences.length === 0) return 'Both would have acted alike; what they waited for differs.\n';
  return `${sentences.map(oneLine).join('\n')}\n`;
}

/** `14 (3)`: the candidate's number, and the other's where it differs. */
function cell(pair: Pair, against: string | null): string {
  return against !== null && differs(pair)
    ? `${pair.candidate} (${pair.against})`
    : String(pair.candidate);
}

function actionsOf({ actions }: Comparison, against: string | null): string {
  if (actions.length === 0) return 'Neither would have acted on anything.\n';
  const rows = actions.map(({ action, target, starts, failures, previews, first }) => [
    target,
    action,
    cell(starts, against),
    cell(failures, against),
    cell(previews, against),
    first.map(shortTime).join(', '),
  ]);
  return titled(
    'Actions by target',
    ['target', 'action', 'begun', 'failed', 'previewed', 'first'],
    rows,
    against,
  );
}

function rulesOf({ rules }: Comparison, against: string | null): string {
  const rows = rules.map(({ rule, runs, outcomes, approvals }) => [
    rule,
    cell(runs, against),
    cell(outcomes.healed, against),
    cell(outcomes.escalated, against),
    cell(outcomes.refused, against),
    cell(outcomes.dry_run, against),
    cell(approvals, against),
  ]);
  const titles = ['rule', 'runs', 'healed', 'escalated', 'refused', 'dry run', 'approvals'];
  return rows.length === 0 ? '' : titled('Rules', titles, rows, against);
}

function wordsOf({ words }: Comparison, against: string | null): string {
  const rows = words.map(({ word, waits, refusals }) => [
    word,
    cell(waits, against),
    cell(refusals, against),
  ]);
  return rows.length === 0 ? '' : titled('Guards', ['guard', 'waited', 'refused'], rows, against);
}

function titled(
  title: string,
  titles: readonly string[],
  rows: Parameters<typeof tableText>[1],
  against: string | null,
): string {
  const note = against === null ? '' : ', in brackets what the others did where it differs';
  const columns = titles.map((one) => ({ title: one }));
  return `${title}${note}:\n${tableText(columns, rows, false)}`;
}

function episodesOf({ episodes: { changed, shown, left_out } }: Comparison): string {
  if (changed === 0) return '';
  const lines = shown.map(({ alertname, fingerprint, opened_at, candidate, against }) =>
    [
      `  ${shortTime(opened_at)} ${alertname} ${fingerprint}`,
      `    candidate: ${said(candidate)}`,
      `    against:   ${said(against)}`,
    ]
      .map(oneLineKept)
      .join('\n'),
  );
  const more = changed > shown.length ? `  and ${changed - shown.length} more: --limit\n` : '';
  const beyond =
    left_out > 0 ? `  ${left_out} firings more were counted, not compared one by one\n` : '';
  const list = lines.map((line) => `${line}\n`).join('');
  return `Firings that went another way (${changed}):\n${list}${more}${beyond}`;
}

function oneLineKept(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  return `${indent}${oneLine(line.trimStart())}`;
}

function said(deeds: readonly string[]): string {
  return deeds.length === 0 ? 'nothing' : deeds.join(', ');
}

function shortTime(ms: number): string {
  return isoTime(ms).replace(/\.\d+Z$/, 'Z');
}
