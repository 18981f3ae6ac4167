import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Mends package-lock.json after `npm install` (`npm run lockfile`):
 * - no `resolved`: the lockfile works with any registry, and the hash still decides what is accepted;
 * - `gypfile: false` for what ships its binaries: npm keeps that out of the lockfile, takes the
 *   package for one to compile, and `npm ci` of npm 10 then fails on a machine without Python.
 */
const ROOT = join(import.meta.dirname, '..');
const FILE = join(ROOT, 'package-lock.json');

interface Entry {
  resolved?: string;
  gypfile?: boolean;
}
interface Lockfile {
  readonly packages: Record<string, Entry>;
}

const lockfile = JSON.parse(readFileSync(FILE, 'utf8')) as Lockfile;
for (const [folder, entry] of Object.entries(lockfile.packages)) {
  delete entry.resolved;
  if (folder !== '' && shipsBinaries(folder)) entry.gypfile = false;
}
writeFileSync(FILE, `${JSON.stringify(lockfile, null, 2)}\n`);

function shipsBinaries(folder: string): boolean {
  const file = join(ROOT, folder, 'package.json');
  if (!existsSync(file) || !existsSync(join(ROOT, folder, 'binding.gyp'))) return false;
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as { gypfile?: boolean };
  return manifest.gypfile === false;
}
