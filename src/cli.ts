import { readFileSync } from 'node:fs';
import { serve } from './cli/service/serve.ts';

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

const [command, ...rest] = process.argv.slice(2);
// What `npm start` says. It takes no options, so there is nothing to parse and no parser to load.
if (command === 'serve' && rest.length === 0) await serve(version());
else {
  // A command is registered in cli/program.ts, which others read as well.
  const { createProgram } = await import('./cli/program.ts');
  await createProgram(version()).parseAsync();
}
