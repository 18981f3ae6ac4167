import { readFileSync } from 'node:fs';
import { registerConfig } from './cli/config.ts';
import { registerDoctor } from './cli/doctor.ts';
import { registerExplain } from './cli/explain.ts';
import { registerSend } from './cli/send.ts';
import { registerServe, serve } from './cli/serve.ts';

/** The version in package.json, which lies beside `src/` and, in a build, beside `dist/`. */
function version(): string {
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const found = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as unknown;
      if (typeof found === 'object' && found !== null && 'version' in found)
        return String(found.version);
    } catch {
      // The other place, then.
    }
  }
  return 'unknown';
}

/** Every command. Each loads what it needs when it runs. */
async function run(): Promise<void> {
  const { Command } = await import('commander');
  const program = new Command('autoheal')
    .description('Heals what Alertmanager alerts are about, and proves it.')
    .version(version())
    .showHelpAfterError();
  registerServe(program, version());
  registerSend(program);
  registerConfig(program);
  registerDoctor(program);
  registerExplain(program);
  await program.parseAsync();
}

const [command, ...rest] = process.argv.slice(2);
// What `npm start` says. It takes no options, so there is nothing to parse and no parser to load.
if (command === 'serve' && rest.length === 0) await serve(version());
else await run();
