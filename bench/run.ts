import { availableParallelism, loadavg } from 'node:os';
import { benchActed } from './acted.ts';
import { benchBacktest } from './backtest.ts';
import { benchIntake } from './intake.ts';
import { say } from './print.ts';
import { benchProfile } from './profile.ts';
import { benchStartup } from './start.ts';

/**
 * `npm run bench [-- intake|acted|start|profile|backtest] [--quick]`: ratios measured in one run. Absolute figures differ from
 * machine to machine and hour to hour; the ratios are what to read.
 */
const args = process.argv.slice(2);
const quick = args.includes('--quick');
const wanted = args.filter((arg) => !arg.startsWith('--'));
/** Short, so that both of a pair see the same machine. */
const BURST_S = 1;
const BURST_ALERTS = 600;

const SECTIONS: Readonly<Record<string, () => Promise<void>>> = {
  intake: () => benchIntake(quick ? 5 : 15, BURST_S),
  acted: () => benchActed(quick ? 3 : 9, BURST_ALERTS),
  start: () => benchStartup(quick ? 3 : 9),
  profile: () => benchProfile(quick ? 2_000 : 6_000),
  backtest: () => benchBacktest(quick ? 10_000 : 100_000),
};

say(`node ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`);
for (const [name, bench] of Object.entries(SECTIONS))
  if (wanted.length === 0 || wanted.includes(name)) await bench();
