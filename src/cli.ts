import { readFileSync } from 'node:fs';
import { registerCheck } from './cli/check.ts';
import { registerConfig } from './cli/config.ts';
import { registerDoctor } from './cli/doctor.ts';
import { registerExplain } from './cli/explain.ts';
import { registerSchema } from './cli/schema.ts';
import { registerSend } from './cli/send.ts';
import { registerServe, serve } from './cli/serve.ts';
import { WRONG_USAGE } from './cli/service.ts';

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
    .showHelpAfterError()
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : WRONG_USAGE));
  registerServe(program, version());
  registerSend(program);
  registerConfig(program);
  registerCheck(program);
  registerSchema(program);
  registerDoctor(program);
  registerExplain(program);
  // Not at the top: `npm start` does without them.
  const { registerApi } = await import('./cli/api.ts');
  registerApi(program);
  await program.parseAsync();
}

const [command, ...rest] = process.argv.slice(2);
// What `npm start` says. It takes no options, so there is nothing to parse and no parser to load.
if (command === 'serve' && rest.length === 0) await serve(version());
else await run();
