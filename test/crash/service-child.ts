import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { watchCommits } from './points.ts';

/**
 * The service as it ships, with actions that keep a journal, and with a point to die at (points.ts).
 * SIGUSR2 collects garbage where Node was started with --expose-gc.
 */
watchCommits();
const read = loadConfig(process.env, (path) => readFileSync(path, 'utf8'));
if (!read.ok) throw new Error(read.problems.join('\n'));
const actions_dir = fileURLToPath(new URL('./actions/', import.meta.url));
const app = await startApp(read.config, 'crash', pino({ level: read.config.log_level }), {
  actions_dir,
});
// A process that is killed writes nothing at its end.
flushCompileCache();
process.on('SIGUSR2', () => {
  globalThis.gc?.();
});
process.once('SIGTERM', () => void app.close().then(() => process.exit(0)));
