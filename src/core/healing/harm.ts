import { formatDuration } from '../duration.ts';
import { type Json, jsonEqual } from '../json.ts';

/** Changes of one target in a row, each taking back the one before, that are no accident. */
export const UNDOING_CHANGES_MIN = 3;
/** Of a rule's newest runs, so many have to be followed by the same new alert. */
export const RUNS_LOOKED_AT = 5;
export const FOLLOWED_RUNS_MIN = 3;

/** An absolute change that an action made. `at`: ms since the epoch. */
export interface MadeChange {
  readonly rule: string;
  readonly target: string;
  readonly observed: Json;
  readonly desired: Json;
  readonly at: number;
}
/** One remediation that acted, at its first action. `at`: ms since the epoch. */
export interface ActedRun {
  readonly rule: string;
  /** Of the alert that it ran for. */
  readonly fingerprint: string;
  readonly at: number;
}
/** An alert began to fire. `at`: ms since the epoch. */
export interface Opening {
  readonly alertname: string;
  readonly fingerprint: string;
  readonly at: number;
}

export const HARM_KINDS = ['undoing', 'new_alert'] as const;
/** What looks as if autoheal itself did it. A suspicion: two things in a row need not be cause and effect. */
export interface Harm {
  /** `undoing`: two rules take back each other's change. `new_alert`: a rule's runs are followed by another alert. */
  readonly kind: (typeof HARM_KINDS)[number];
  readonly rules: readonly string[];
  /** Null: the rule's runs, whatever they touched. */
  readonly target: string | null;
  /** The alert that followed; null where none did. */
  readonly alertname: string | null;
  /** In words. */
  readonly why: string;
}

/** The same for one finding, however often it is seen. */
export function harmKey({ kind, rules, target, alertname }: Harm): string {
  return JSON.stringify([kind, rules, target, alertname]);
}

/**
 * Two rules that undo each other: on one target their changes take turns, each sets what the other had
 * found, and each within `within_ms` of the one before.
 */
export function undoingRules(changes: readonly MadeChange[], within_ms: number): readonly Harm[] {
  return [...Map.groupBy(changes, ({ target }) => target).values()].flatMap((made) => {
    const row = longestRow(
      made.toSorted((a, b) => a.at - b.at),
      within_ms,
    );
    return row.length < UNDOING_CHANGES_MIN ? [] : [undoing(row)];
  });
}

function longestRow(made: readonly MadeChange[], within_ms: number): readonly MadeChange[] {
  let best: readonly MadeChange[] = [];
  let row: readonly MadeChange[] = [];
  for (const change of made) {
    row = goesOn(row, change, within_ms)
      ? [...row, change]
      : restart(row.at(-1), change, within_ms);
    if (row.length >= best.length) best = row;
  }
  return best;
}

/** What broke a row may be the second of another one. */
function restart(
  before: MadeChange | undefined,
  change: MadeChange,
  within_ms: number,
): readonly MadeChange[] {
  return before !== undefined && goesOn([before], change, within_ms) ? [before, change] : [change];
}

function goesOn(row: readonly MadeChange[], change: MadeChange, within_ms: number): boolean {
  const before = row.at(-1);
  if (before === undefined) return true;
  const turn = row.at(-2)?.rule ?? change.rule;
  return (
    change.rule === turn &&
    change.rule !== before.rule &&
    change.at - before.at <= within_ms &&
    !jsonEqual(change.observed, change.desired) &&
    jsonEqual(change.desired, before.observed) &&
    jsonEqual(change.observed, before.desired)
  );
}

function undoing(row: readonly MadeChange[]): Harm {
  const rules = [...new Set(row.map(({ rule }) => rule))].toSorted();
  const target = row[0]?.target ?? '';
  const told = row
    .slice(-UNDOING_CHANGES_MIN)
    .map(({ rule, observed, desired }) => `${rule} ${said(observed)} to ${said(desired)}`);
  const why = `rules ${rules.join(' and ')} undo each other on ${target}, ${row.length} times in a row: ${told.join(', then ')}`;
  return { kind: 'undoing', rules, target, alertname: null, why };
}

const SAID_CHARS = 60;
function said(value: Json): string {
  return JSON.stringify(value).slice(0, SAID_CHARS);
}

/**
 * Rules whose runs are followed, within `within_ms`, by the beginning of another alert: of the newest
 * runs at least `FOLLOWED_RUNS_MIN`, while in the same time before those runs it never began.
 * `known_since`: earlier beginnings are not among `openings`. Ms since the epoch.
 */
export function alertsAfterRuns(
  runs: readonly ActedRun[],
  openings: readonly Opening[],
  { within_ms, known_since }: { readonly within_ms: number; readonly known_since: number },
): readonly Harm[] {
  const named = [...Map.groupBy(openings, ({ alertname }) => alertname)];
  return [...Map.groupBy(runs, ({ rule }) => rule)].flatMap(([rule, made]) => {
    const all = made.toSorted((a, b) => a.at - b.at);
    const known = all.filter(({ at }) => at - within_ms >= known_since);
    const newest = known.slice(-RUNS_LOOKED_AT);
    return named.flatMap(([alertname, began]) => {
      const { after, before } = around(all, began, within_ms);
      const hits = newest.filter((run) => after.has(run)).length;
      if (hits < FOLLOWED_RUNS_MIN || newest.some((run) => before.has(run))) return [];
      return [newAlert(rule, alertname, hits, newest.length, within_ms)];
    });
  });
}

/** The runs after which, and before which, one of another fingerprint began. What began after a run is not before the next. */
function around(
  runs: readonly ActedRun[],
  began: readonly Opening[],
  within_ms: number,
): { readonly after: ReadonlySet<ActedRun>; readonly before: ReadonlySet<ActedRun> } {
  const after = new Set<ActedRun>();
  const before = new Set<ActedRun>();
  for (const { at, fingerprint } of began) {
    const last = runs.findLast((run) => run.at < at);
    const follows = last !== undefined && at - last.at <= within_ms;
    const run = follows ? last : runs.find((each) => each.at >= at);
    if (run === undefined || run.fingerprint === fingerprint) continue;
    if (follows) after.add(run);
    else if (run.at - at <= within_ms) before.add(run);
  }
  return { after, before };
}

function newAlert(
  rule: string,
  alertname: string,
  hits: number,
  runs: number,
  within_ms: number,
): Harm {
  const time = formatDuration(within_ms);
  const why = `alert ${alertname} began within ${time} after ${hits} of the last ${runs} runs of rule ${rule}, and never in the ${time} before them`;
  return { kind: 'new_alert', rules: [rule], target: null, alertname, why };
}
