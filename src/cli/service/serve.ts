import closeWithGrace from 'close-with-grace';
import type { Command } from 'commander';
import { readConfig } from './environment.ts';
import { teach } from '../help.ts';
import { createLog } from './log.ts';

/** After this a shutdown that hangs is cut; what was accepted is on disk all the same. */
const GRACE_MS = 25_000;

export function registerServe(program: Command, version: string): void {
  const command = program
    .command('serve')
    .description(
      'Run the service: receive alerts, heal, verify, record. Configured by AUTOHEAL_* variables.',
    );
  teach(command, {
    example: 'npx autoheal serve',
    ends: '0: stopped by a signal; 1: it could not start, or an error nobody caught; 2: the configuration does not read.',
    more: 'npx autoheal config shows what it is configured with; docs/reference/configuration.md has every variable.',
  }).action(async () => {
    await serve(version);
  });
}

/** Starts the service and sees to its end. Resolves once it listens. */
export async function serve(version: string): Promise<void> {
  // Not at the top: the other commands do without the service.
  const { startApp } = await import('../../app.ts');
  const { config, notices } = readConfig();
  const log = createLog(config.log_level);
  for (const notice of notices) log.warn({ notice }, 'configuration');
  if (config.tokens.webhook.length === 0 && config.tokens.api.length === 0)
    log.warn(
      { host: config.host },
      'no token is configured: only this machine is served; set AUTOHEAL_WEBHOOK_TOKEN and AUTOHEAL_API_TOKEN',
    );
  const app = await startApp(config, version, log).catch((error: unknown) => {
    log.fatal({ err: error }, 'autoheal could not start');
    process.exit(1);
  });
  process.on('SIGHUP', () => void app.reload('signal'));
  closeWithGrace({ delay: GRACE_MS, logger: false, skip: ['SIGHUP'] }, async ({ err, signal }) => {
    if (err !== undefined) {
      log.fatal({ err }, 'an error nobody caught: shutting down');
      app.fault(err);
    } else log.info({ signal }, 'shutting down');
    await app.close();
    log.info({}, 'stopped');
  });
}
