import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from '../src/cli/author/slo-files.ts';
import { renderTable } from '../src/core/slo/table.ts';

/**
 * `npm run slo`: what `autoheal slo generate` makes of both SLO files that ship, and the table that
 * `GET /api/v1/slo` reads. Writes nothing when a file has a problem. Another folder than the project's may be given.
 */
const ROOT = process.argv[2] ?? join(import.meta.dirname, '..');
const FILES = ['prometheus/slos.yaml', 'prometheus/slos/services.yaml'];
const TABLE = 'src/core/slo-table.ts';

process.chdir(ROOT);
const sets = await generate(FILES, undefined);
const own = sets?.find(({ job }) => job !== null);
if (own === undefined) process.exitCode = 1;
else {
  writeFileSync(TABLE, renderTable(own));
  console.log(`wrote ${TABLE}`);
}
