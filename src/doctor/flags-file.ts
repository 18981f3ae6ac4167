import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Finding, notebook } from './finding.ts';
import type { Installation } from './installation.ts';

/** The file is replaced by renaming, so it is the folder that must be writable. */
export async function checkFlagsFile({ config }: Installation): Promise<readonly Finding[]> {
  const note = notebook('flags');
  if (config.flagd_file === undefined) return note.findings();
  const folder = dirname(resolve(config.flagd_file));
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    note.ok(`${config.flagd_file} can be written`);
  } catch {
    note.fail(
      `AUTOHEAL_FLAGD_FILE=${config.flagd_file}: this user may not write to ${folder}, or it is not there`,
      `make the folder and give it to the user who runs autoheal (mkdir -p, chown)`,
    );
  }
  return note.findings();
}
