import { readFileSync } from 'node:fs';
import { type Config, loadConfig } from '../../config.ts';

/** The configuration of this process; every problem is printed, then it ends with code 2. */
export function readConfig(): { readonly config: Config; readonly notices: readonly string[] } {
  const read = loadConfig(process.env, (path) => readFileSync(path, 'utf8'));
  if (read.ok) return read;
  process.stderr.write(
    `autoheal cannot start: ${read.problems.length} problem(s) in its configuration\n`,
  );
  for (const problem of read.problems) process.stderr.write(`  ${problem}\n`);
  process.exit(2);
}
