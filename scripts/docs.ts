import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SCHEMA_NAMES, schemaText } from '../src/cli/author/file-schemas.ts';
import { referencePages } from './docs/pages.ts';

/** `npm run docs`: docs/reference and schemas/ from the code. */
const ROOT = join(import.meta.dirname, '..');

for (const [path, text] of await referencePages(ROOT)) write(path, text);
for (const name of SCHEMA_NAMES) write(`schemas/${name}.schema.json`, schemaText(name));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(ROOT, path)), { recursive: true });
  writeFileSync(join(ROOT, path), text);
  console.log(`wrote ${path}`);
}
