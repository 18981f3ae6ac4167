import { startLane } from '../src/cli/author/backtest-lanes.ts';
import { rehearsalParts } from '../src/cli/author/rehearsal-parts.ts';
import { catalogueFor, compileAll } from '../src/engine/compile.ts';
import { createFilter } from '../src/rehearsal/backtest/filter.ts';
import { playAll } from '../src/rehearsal/backtest/run.ts';
import { month } from './backtest-month.ts';
import { benchRules, MAPPED } from './backtest-rules.ts';
import { say, table } from './print.ts';

const MONTH_ALERTS = 1_000_000;
const START = Date.parse('2026-03-01T00:00:00Z');

/**
 * A part of a month of a million alerts, as dense as the whole of it, played to two sets of 20 rules, a thread each.
 * Measured from the first delivery, so that the start of the threads is in it.
 */
export async function benchBacktest(alerts: number): Promise<void> {
  say(
    `Backtest: ${alerts} of a month of ${MONTH_ALERTS} alerts, two sets of ${MAPPED.length} rules`,
  );
  const rows: string[][] = [];
  for (const share of [0, 0.1, 0.3]) rows.push(await measure(alerts, share));
  table(['share of groups', 'mapped', 'remediations', 'alerts/s', 'a month in s'], rows);
}

async function measure(alerts: number, share: number): Promise<string[]> {
  const { actions } = await rehearsalParts();
  const sets = [benchRules('10m'), benchRules('2m')];
  const compiled = await Promise.all(
    sets.map((rules) =>
      compileAll({
        files: { read: async () => ({ rules, policy: null }) },
        catalogueOf: catalogueFor(actions),
        clock: { now: () => START, sleep: async () => undefined },
      }),
    ),
  );
  const filter = createFilter(compiled.flatMap((one) => (one.ok ? [one.set] : [])));
  const lanes = sets.map((rules) => startLane({ rules, policy: null, mode: 'auto', world: {} }));
  const days = (30 * alerts) / MONTH_ALERTS;
  // Made beforehand: what is measured is the replay.
  const record = [...month({ alerts, start: START, days, mapped: MAPPED, share })];
  const began_at = performance.now();
  const [tally] = await playAll(each(record), filter, lanes, () => undefined);
  const seconds = (performance.now() - began_at) / 1000;
  const { counts } = filter;
  const runs = [...(tally?.rules.values() ?? [])].reduce((sum, rule) => sum + rule.runs, 0);
  return [
    share.toFixed(1),
    `${((100 * counts.mapped) / counts.alerts).toFixed(0)} %`,
    String(runs),
    (counts.alerts / seconds).toFixed(0),
    ((seconds * MONTH_ALERTS) / counts.alerts).toFixed(0),
  ];
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* items;
}
