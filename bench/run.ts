import { availableParallelism, loadavg } from 'node:os';
import { benchActed } from './acted.ts';
import { benchBacktest } from './backtest.ts';
import { benchIntake } from './intake.ts';
import { say } from './print.ts';
import { benchStartup } from './start.ts';

/**
 * `npm run bench [-- intake|acted|start|backtest] [--quick]`: ratios measured in one run. Absolute figures differ from
 * machine to machine and hour to hour; the ratios are what to read.
 */
const args = process.argv.slice(2);
const quick = args.includes('--quick');
const wanted = args.filter((arg) => !arg.startsWith('--'));
const SECTIONS: Readonly<Record<string, () => Promise<void>>> = {
  intake: () => benchIntake(quick ? 1 : 5, quick ? 1 : 3),
  acted: () => benchActed(quick ? 1 : 3, quick ? 2_000 : 5_000),
  start: () => benchStartup(quick ? 3 : 9),
  backtest: () => benchBacktest(quick ? 10_000 : 100_000),
};

say(`node ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`);
for (const [name, bench] of Object.entries(SECTIONS))
  if (wanted.length === 0 || wanted.includes(name)) await bench();
