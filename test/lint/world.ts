import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRuleFiles } from '../../src/adapters/rule-files.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { catalogueFor, compileAll } from '../../src/engine/compile.ts';
import { loadActions } from '../../src/engine/registry.ts';
import type { Rule } from '../../src/core/rules/rule.ts';
import type { FileText } from '../../src/lint/run.ts';

export const ROOT = join(import.meta.dirname, '../..');
export const FIXTURES = join(import.meta.dirname, 'fixtures');

/** The rules of a folder, compiled as the service does. */
export async function rulesOf(rules_dir: string): Promise<readonly Rule[]> {
  const compiled = await compileAll({
    files: createRuleFiles({ rules_dir, policy_file: undefined }),
    catalogueOf: catalogueFor(await loadActions(join(ROOT, 'actions/'))),
    clock: systemClock,
  });
  if (!compiled.ok) throw new Error(compiled.rendered);
  return compiled.set.rules;
}

export function textAt(folder: string, file: string): FileText {
  return { file, text: readFileSync(join(folder, file), 'utf8') };
}

/** The three configurations of a fixture; what it does not have itself is that of `clean`. */
export async function worldOf(name: string): Promise<{
  readonly rules: readonly Rule[];
  readonly prometheus: readonly FileText[];
  readonly alertmanager: FileText;
}> {
  const rules_dir = join(placeOf(name, 'rules'), 'rules');
  return {
    rules: await rulesOf(rules_dir),
    prometheus: [textAt(placeOf(name, 'prometheus.yml'), 'prometheus.yml')],
    alertmanager: textAt(placeOf(name, 'alertmanager.yml'), 'alertmanager.yml'),
  };
}

function placeOf(name: string, part: string): string {
  const own = join(FIXTURES, name);
  return existsSync(join(own, part)) ? own : join(FIXTURES, 'clean');
}

export function fixtureNames(): readonly string[] {
  return readdirSync(FIXTURES).toSorted();
}
