import type { Command } from 'commander';
import { redacted } from '../../config.ts';
import { readConfig } from './environment.ts';
import { teach } from '../help.ts';

export function registerConfig(program: Command): void {
  const config = program
    .command('config')
    .description('Print the configuration that `serve` would use, secrets redacted.')
    .option('--json', 'taken as elsewhere: what it prints is JSON anyway');
  teach(config, {
    example: 'npx autoheal config',
    ends: '0: it reads; 2: it does not, or wrong usage.',
  }).action(() => {
    const { config: read, notices } = readConfig();
    process.stdout.write(`${JSON.stringify(redacted(read), null, 2)}\n`);
    for (const notice of notices) process.stderr.write(`notice: ${notice}\n`);
  });
}
