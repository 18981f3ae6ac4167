import type { Command } from 'commander';
import { redacted } from '../config.ts';
import { readConfig } from './environment.ts';

export function registerConfig(program: Command): void {
  program
    .command('config')
    .description('Print the configuration that `serve` would use, secrets redacted.')
    .action(() => {
      const { config, notices } = readConfig();
      process.stdout.write(`${JSON.stringify(redacted(config), null, 2)}\n`);
      for (const notice of notices) process.stderr.write(`notice: ${notice}\n`);
    });
}
