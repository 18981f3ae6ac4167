import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderProblems } from '../src/core/rules/diagnostic.ts';
import { parseSlos } from '../src/core/slo.ts';
import { renderRules } from './slo-rules.ts';
import { renderTable } from './slo-table.ts';

/**
 * `npm run slo`: prometheus/slos.yaml -> the rules of Prometheus, and the table that `GET /api/v1/slo`
 * reads. Writes nothing when the file has a problem. Another folder than the project's may be given.
 */
const ROOT = process.argv[2] ?? join(import.meta.dirname, '..');
const FILE = 'prometheus/slos.yaml';

main();

function main(): void {
  const text = readFileSync(join(ROOT, FILE), 'utf8');
  const { slos, problems } = parseSlos(FILE, text);
  if (slos === undefined) {
    console.error(renderProblems(problems, () => text));
    process.exitCode = 1;
    return;
  }
  write('prometheus/rules/autoheal-slo.yml', renderRules(slos));
  write('src/core/slo-table.ts', renderTable(slos));
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(ROOT, path)), { recursive: true });
  writeFileSync(join(ROOT, path), text);
  console.log(`wrote ${path}`);
}
