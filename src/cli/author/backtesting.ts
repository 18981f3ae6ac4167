import type { Command } from 'commander';
import { createFilter, type Filter } from '../../rehearsal/backtest/filter.ts';
import { LineProblem } from '../../rehearsal/backtest/lines.ts';
import { type Batches, playAll } from '../../rehearsal/backtest/run.ts';
import { createTeller } from '../../rehearsal/backtest/tally.ts';
import { compare } from '../../rehearsal/backtest/compare.ts';
import { startLane } from './backtest-lanes.ts';
import { type Asked, askedFor, type BacktestOptions, type Range } from './backtest-asked.ts';
import { type Source, sourceOf } from './backtest-sources.ts';
import { type BacktestReport, reportJson, reportText } from './backtest-text.ts';
import { createProgress } from '../progress.ts';
import { fail } from '../client.ts';

/** `autoheal backtest`: plays a record to two rule sets and prints the difference. */
export async function backtest(options: BacktestOptions, command: Command): Promise<void> {
  const asked = await askedFor(options);
  const source = sourceOf(options, asked.range, command);
  const { candidate, against, world } = asked;
  const sets = against === null ? [candidate] : [candidate, against];
  const filter = createFilter(sets.map(({ set }) => set));
  const lanes = sets.map(({ texts }) =>
    startLane({ rules: texts.rules, policy: texts.policy, mode: options.mode, world }),
  );
  const report = await reportOf({ asked, source, filter, lanes, limit: options.limit }).catch(
    (error: unknown) =>
      fail(
        'backtest',
        error instanceof LineProblem ? error.message : `${source.name}: ${messageOf(error)}`,
      ),
  );
  await Promise.all(lanes.map((lane) => lane.stop()));
  process.stdout.write(options.json === true ? reportJson(report) : reportText(report));
  const more = against !== null && report.comparison.more_actions;
  if (options.failOn === 'more-actions' && more) process.exitCode = 1;
}

async function reportOf({
  asked: { candidate, against, range },
  source,
  filter,
  lanes,
  limit,
}: {
  readonly asked: Asked;
  readonly source: Source;
  readonly filter: Filter;
  readonly lanes: readonly Batches[];
  readonly limit: number;
}): Promise<BacktestReport> {
  const began_at = performance.now();
  const times = { first: Number.POSITIVE_INFINITY, last: Number.NEGATIVE_INFINITY };
  const progress = createProgress({
    stream: process.stderr,
    label: `backtest, ${source.label}`,
    total: source.total,
  });
  try {
    const tallies = await playAll(within(source.read(), range), filter, lanes, ({ at }) => {
      times.first = Math.min(times.first, at);
      times.last = Math.max(times.last, at);
      progress.update(source.done(at), `${filter.counts.alerts} alerts`);
    });
    const nothing = createTeller().tally;
    return {
      source: source.name,
      times,
      counts: filter.counts,
      candidate: candidate.folder,
      against: against?.folder ?? null,
      comparison: compare(tallies[0] ?? nothing, tallies[1] ?? nothing, limit),
      seconds: (performance.now() - began_at) / 1000,
    };
  } finally {
    progress.end();
  }
}

async function* within<T extends { readonly at: number }>(
  deliveries: AsyncIterable<T>,
  { since, until }: Range,
): AsyncGenerator<T, void, undefined> {
  for await (const delivery of deliveries)
    if (delivery.at >= since && delivery.at < until) yield delivery;
}

/** Our own words say more than what they were made of. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
