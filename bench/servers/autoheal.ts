import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';

/** The service as it ships, with the bench's own actions folder; configured by the environment. */
const read = loadConfig(process.env, (path) => readFileSync(path, 'utf8'));
if (!read.ok) throw new Error(read.problems.join('\n'));
const actions_dir = fileURLToPath(new URL('./actions/', import.meta.url));
// What goes wrong is seen: the bench keeps nothing of the server's output but this.
const log = pino({ level: read.config.log_level }, pino.destination(2));
const app = await startApp(read.config, 'bench', log, { actions_dir });
process.once('SIGTERM', () => void app.close().then(() => process.exit(0)));
