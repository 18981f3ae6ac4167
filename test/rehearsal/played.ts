import { expect } from 'vitest';
import { createIds } from '../../src/adapters/ids.ts';
import { IN_MEMORY, openSqliteStore } from '../../src/adapters/store/open.ts';
import { NO_TRACER } from '../../src/adapters/tracing.ts';
import { MUTE_METRICS } from '../../src/engine/mute.ts';
import { loadActions } from '../../src/engine/registry.ts';
import { renderProblems } from '../../src/core/rules/diagnostic.ts';
import { runTest, type TestResult } from '../../src/rehearsal/run-test.ts';
import { readTestFile } from '../../src/rehearsal/test-file.ts';
import { ACTIONS, textOf } from './stage.ts';

const actions = await loadActions(ACTIONS);

export interface Played {
  /** Bodies of rules by name; `name` and `summary` are added. */
  readonly rules: Readonly<Record<string, string>>;
  readonly policy?: string;
  /** One test, its keys as YAML; `name` is added. */
  readonly test: string;
}

/** Plays one test of a file, as `autoheal test` does. */
export async function played({ rules, policy, test }: Played): Promise<TestResult> {
  const file = `tests:\n  - name: it\n${test.replace(/^\n/, '').replaceAll(/^/gm, '    ')}\n`;
  const names = { rules: Object.keys(rules), actions: [...actions.keys()] };
  const read = readTestFile({ file: 'a.test.yaml', text: file }, names);
  expect(renderProblems(read.problems, () => file)).toBe('');
  const [one] = read.file?.tests ?? [];
  if (one === undefined) throw new Error('no test');
  const texts = Object.entries(rules).map(([name, text]) =>
    textOf(`rules/${name}.yaml`, `name: ${name}\nsummary: One of the test.\n${text}\n`),
  );
  return await runTest(one, {
    rules: texts,
    policy: policy === undefined ? null : textOf('autoheal.yaml', policy),
    actions,
    openStore: (clock) => openSqliteStore({ path: IN_MEMORY, metrics: MUTE_METRICS, clock }),
    parts: { ids: createIds, metrics: MUTE_METRICS, tracer: NO_TRACER },
  });
}

/** The story as it was: `12m revert_ok resolved`. */
export function toldBy({ diff }: TestResult): readonly string[] {
  return diff
    .filter(({ kind }) => kind === 'same' || kind === 'extra')
    .map(({ text }) => text.replaceAll(/ +/g, ' '));
}
