import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createIds } from '../../src/adapters/ids.ts';
import { createMetrics } from '../../src/adapters/metrics.ts';
import { createRuleFiles } from '../../src/adapters/rule-files.ts';
import { openSqliteStore } from '../../src/adapters/store/open.ts';
import { compilePolicy } from '../../src/core/rules/policy-compile.ts';
import { loadActions } from '../../src/engine/registry.ts';
import { catalogueFor, createRulebook } from '../../src/engine/rulebook.ts';
import { fakeClock } from '../fakes/clock.ts';

function scrape(): Promise<never> {
  return Promise.reject(new Error('not scraped'));
}

test('the rules that ship compile with the actions that ship, each with its runbook', async () => {
  const root = join(import.meta.dirname, '../..');
  const dir = await mkdtemp(join(tmpdir(), 'autoheal-shipped-'));
  const clock = fakeClock();
  const metrics = createMetrics({ version: 'test', actions: [], backends: [], scrape });
  const store = await openSqliteStore({ path: join(dir, 'autoheal.db'), metrics, clock });
  onTestFinished(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });
  const rulebook = createRulebook({
    files: createRuleFiles({ rules_dir: join(root, 'rules'), policy_file: undefined }),
    catalogueOf: catalogueFor(await loadActions(join(root, 'actions/'))),
    store,
    clock,
    ids: createIds(clock),
    metrics,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const result = await rulebook.reload('autoheal');
  expect(result.ok ? '' : result.rendered).toBe('');
  const rules = rulebook.current()?.rules ?? [];
  expect(rules.map((rule) => rule.name)).toEqual(
    expect.arrayContaining(['ai-errors', 'endpoint-down', 'import-backlog']),
  );
  for (const { name, runbook } of rules)
    expect([`docs/runbooks/${name}.md`, `docs/runbooks/kubernetes.md#${name}`]).toContain(runbook);
  expect(rulebook.current()?.policy).toEqual(compilePolicy(undefined).policy);
});
