import type { Touched } from '../../core/healing/guard-facts.ts';
import type { ActionRun, Outcome } from '../../core/healing/remediation.ts';
import type { Change, Store } from '../../store.ts';
import type { Remediations } from './remediations.ts';
import { addTo, type Undo, whole } from './undo.ts';

type RunReads = Pick<
  Store,
  'runsOf' | 'lastEndOn' | 'runStarts' | 'nthStart' | 'touchedSince' | 'wantedSince' | 'outcomesOn'
>;
interface RunRow {
  it: ActionRun;
}
const TIMES = ['started_at', 'finished_at'] as const satisfies (keyof ActionRun)[];
/** As the store's: older runs on a target hold no lock any more. */
const ENDS_MAX = 1_000;
const STARTS_MAX = 10_000;
const BESIDES_MAX = 20;

function createRows() {
  const all: RunRow[] = [];
  const by_id = new Map<string, RunRow>();
  const by_remediation = new Map<string, RunRow[]>();
  const by_target = new Map<string, RunRow[]>();

  function put({ run }: Extract<Change, { kind: 'run_put' }>, undo: Undo): void {
    const it = whole(run, TIMES);
    const key = `${run.remediation_id} ${run.id}`;
    const known = by_id.get(key);
    if (known !== undefined) {
      const before = known.it;
      const { state, attempts, finished_at, evidence, error } = it;
      // What it is about stays as its intent wrote it.
      known.it = { ...before, state, attempts, finished_at, evidence, error };
      undo.push(() => {
        known.it = before;
      });
      return;
    }
    const row = { it };
    by_id.set(key, row);
    undo.push(() => {
      by_id.delete(key);
    });
    addTo(by_remediation, run.remediation_id, row, undo);
    const on_target = by_target.get(run.target.id);
    const list = on_target ?? [];
    if (on_target === undefined) by_target.set(run.target.id, list);
    addByStart(all, row, undo);
    addByStart(list, row, undo);
  }

  function on(target: string): readonly RunRow[] {
    return by_target.get(target) ?? [];
  }

  return { put, all, by_remediation, on };
}

/** Runs in a replay, in the order of their starts. */
export function createRuns(remediations: Remediations) {
  const { put, all, by_remediation, on } = createRows();
  const reads: RunReads = {
    runsOf: async (id) =>
      (by_remediation.get(id) ?? [])
        .map(({ it }) => it)
        .toSorted((a, b) => a.step - b.step || a.started_at - b.started_at || order(a.id, b.id)),
    async lastEndOn(target, except) {
      let last: number | undefined;
      let seen = 0;
      for (const { remediation_id } of since(on(target), Number.NEGATIVE_INFINITY)) {
        if (remediation_id === except) continue;
        if ((seen += 1) > ENDS_MAX) break;
        const ended_at = remediations.get(remediation_id)?.it.ended_at ?? null;
        if (ended_at !== null && ended_at > (last ?? Number.NEGATIVE_INFINITY)) last = ended_at;
      }
      return last;
    },
    async runStarts({ rule, target, since: from, except }) {
      const starts = new Map<string, number>();
      for (const run of since(on(target), from))
        if (run.rule === rule && run.remediation_id !== except && !starts.has(run.remediation_id))
          starts.set(run.remediation_id, run.started_at);
      return [...starts.values()].slice(0, STARTS_MAX);
    },
    async nthStart({ rule, n, since: from, except }) {
      const seen = new Set<string>();
      for (const run of since(all, from)) {
        if ((rule !== null && run.rule !== rule) || run.remediation_id === except) continue;
        seen.add(run.remediation_id);
        if (seen.size === n) return run.started_at;
      }
      return undefined;
    },
    async touchedSince({ since: from, except, limit }) {
      const touched = new Map<string, Touched>();
      for (const { target, started_at: at, remediation_id } of since(all, from))
        if (remediation_id !== except && !touched.has(target.id))
          touched.set(target.id, { target: target.id, group: target.group?.id ?? null, at });
      return [...touched.values()].toSorted((a, b) => order(a.target, b.target)).slice(0, limit);
    },
    async wantedSince(from, limit) {
      const wanted = new Set<string>();
      const { rows } = remediations;
      for (let at = rows.length - 1; at >= Math.max(0, rows.length - limit); at -= 1) {
        const { created_at = 0, fingerprint = '' } = rows[at]?.it ?? {};
        if (created_at < from) break;
        wanted.add(fingerprint);
      }
      return wanted.size;
    },
    outcomesOn: async ({ rule, target, limit }) =>
      outcomes({ remediations, rule, limit }, on(target)),
  };

  return { put, reads };
}

/** Newest first, until `since`. */
function* since(rows: readonly RunRow[], at: number): Generator<ActionRun> {
  for (let index = rows.length - 1; index >= 0; index -= 1) {
    const { it } = rows[index] as RunRow;
    if (it.started_at < at) return;
    yield it;
  }
}

function outcomes(
  { remediations, rule, limit }: { remediations: Remediations; rule: string; limit: number },
  rows: readonly RunRow[],
): readonly Outcome[] {
  // A remediation that began one of its runs on purpose to fail does not count at all.
  const by_chaos = new Set<string>();
  for (const { it } of rows) if (it.rule === rule && it.chaos) by_chaos.add(it.remediation_id);
  const seen = new Set<string>();
  const found: Outcome[] = [];
  for (const run of since(rows, Number.NEGATIVE_INFINITY)) {
    const { remediation_id: id } = run;
    if (run.rule !== rule || by_chaos.has(id) || seen.has(id)) continue;
    seen.add(id);
    if (seen.size > limit + BESIDES_MAX || found.length >= limit) break;
    const outcome = judged(remediations.get(id)?.it);
    if (outcome !== undefined) found.push(outcome);
  }
  return found;
}

/** Behind all that began no later; nearly always at the end. */
function addByStart(rows: RunRow[], row: RunRow, undo: Undo): void {
  let at = rows.length;
  while (at > 0 && (rows[at - 1] as RunRow).it.started_at > row.it.started_at) at -= 1;
  if (at === rows.length) rows.push(row);
  else rows.splice(at, 0, row);
  undo.push(() => {
    rows.splice(rows.lastIndexOf(row), 1);
  });
}

/** Drills and errors of ours say nothing about the rule. */
function judged(
  row: { outcome: Outcome | null; drill: boolean; reason: string | null } | undefined,
) {
  if (row === undefined || row.drill || row.reason === null || row.reason === 'internal')
    return undefined;
  return row.outcome === 'healed' || row.outcome === 'escalated' ? row.outcome : undefined;
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
