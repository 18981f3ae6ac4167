import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { registerConfig } from './cli/config.ts';
import { registerDoctor } from './cli/doctor.ts';
import { registerSend } from './cli/send.ts';
import { registerServe } from './cli/serve.ts';

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

const program = new Command('autoheal')
  .description('Heals what Alertmanager alerts are about, and proves it.')
  .version(version())
  .showHelpAfterError();

registerServe(program, version());
registerSend(program);
registerConfig(program);
registerDoctor(program);

await program.parseAsync();
