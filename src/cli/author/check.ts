import type { Command } from 'commander';
import { SEVERITIES } from '../../lint/lint.ts';
import { teach } from '../help.ts';
import type { CheckOptions } from './checking.ts';

export function registerCheck(program: Command): void {
  const command = program
    .command('check')
    .description('Compile rules and policy as serve would, and compare them with their neighbours.')
    .argument('[paths...]', 'folders of rules, or rule files (default: AUTOHEAL_RULES or ./rules)')
    .option('--config <file>', 'the policy (default: AUTOHEAL_CONFIG, or ./autoheal.yaml if there)')
    .option('--prometheus <files...>', 'rule files of Prometheus: lints over both, docs/lint.md')
    .option('--alertmanager <file>', 'alertmanager.yml: lints over its routes and receivers')
    .option(
      '--url <url>',
      "autoheal's webhook in alertmanager.yml (default: any address that ends in /webhook)",
    )
    .addOption(
      program
        .createOption('--fail-on <severity>', 'the mildest problem that makes it end with 1')
        .choices(SEVERITIES)
        .default('error'),
    )
    .option(
      '--json',
      'for programs: [{"file", "line", "col", "severity", "code", "message", "fix"}]',
    );
  teach(command, {
    example: 'npx autoheal check rules',
    ends: '0: nothing to mend; 1: problems; 2: wrong usage.',
  }).action(async (paths: readonly string[], options: CheckOptions) => {
    const { check } = await import('./checking.ts');
    await check(paths, options);
  });
}
