import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../core/duration.ts';
import type { BacktestOptions } from './backtest-asked.ts';
import { teach } from '../help.ts';
import { DEFAULT_URL } from '../client.ts';

const MORE = `It plays what was recorded to both rule sets, on a clock of its own, with every guard. What it has to assume is said
with the result: docs/backtest.md.`;

export function registerBacktest(program: Command): void {
  const command = program
    .command('backtest')
    .description('What would these rules have done last month, and what did the others?')
    .option('--rules <folder>', 'the candidate (default: AUTOHEAL_RULES or ./rules)')
    .option('--config <file>', 'its policy (default: AUTOHEAL_CONFIG, or ./autoheal.yaml if there)')
    .option(
      '--against <folder>',
      'the rules to compare it with: a folder, `none`, or `current` (default): AUTOHEAL_RULES or ./rules',
    )
    .option('--against-config <file>', 'their policy (default: as of --config)')
    .option('--from <file>', 'the record: NDJSON of `deliveries --export`; - is stdin')
    .option('--database <url>', 'the record: sqlite:PATH, while no service has it open; only read')
    .option('--prometheus <url>', 'the record: what ALERTS says there')
    .option('--selector <labels>', 'of ALERTS: only these, as \'team="web"\'')
    .option('--step <duration>', 'how close ALERTS is looked at', duration, 60_000)
    .option('--repeat <duration>', 'how often an alert of ALERTS comes again', duration, 14_400_000)
    .option('--since <time>', 'from this time on: RFC 3339, or a duration meaning "ago" (30d)')
    .option('--until <time>', 'before this time: the same')
    .option('--world <file>', 'what is true besides the record: the `world` of a rule test')
    .addOption(
      new Option('--mode <mode>', 'of the service')
        .choices(['auto', 'approve', 'dry-run'])
        .default('auto'),
    )
    .option('--limit <count>', 'changed firings that are shown', whole, 20)
    .option('--json', 'for programs: the whole comparison')
    .addOption(
      new Option('--fail-on <what>', 'end with 1 when some target is acted on more often').choices([
        'more-actions',
      ]),
    )
    .option(
      '--url <url>',
      `the record: a running service (default: AUTOHEAL_URL, else ${DEFAULT_URL})`,
    )
    .option('--token <token>', 'its API token (default: the first of AUTOHEAL_API_TOKEN)');
  teach(command, {
    example: 'npx autoheal backtest --rules new --since 30d',
    ends: '0: compared; 1: refused, not to be read, or --fail-on; 2: wrong usage.',
    more: MORE,
  }).action(async (options: BacktestOptions, self: Command) => {
    const { backtest } = await import('./backtesting.ts');
    await backtest(options, self);
  });
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1_000) return ms;
  throw new InvalidArgumentError('Write a duration of a second at least, as 1m or 4h.');
}

function whole(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a whole number.');
}
