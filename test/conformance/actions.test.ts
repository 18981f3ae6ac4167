import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ActionError, type AnyAction, isAction } from '../../src/action.ts';
import { contractProblems, idOf, loadActions } from '../../src/engine/registry.ts';
import { contextOf } from '../actions/context.ts';

/** Every file in actions/, whoever adds it, is held to the contract. */
const FILES = readdirSync('actions').filter((name) => name.endsWith('.ts'));
const DOCS = readFileSync('docs/actions.md', 'utf8');

async function load(file: string): Promise<AnyAction> {
  const module = (await import(`../../actions/${file}`)) as { default: unknown };
  if (!isAction(module.default)) throw new Error(`${file} has no action`);
  return module.default;
}

test('the registry takes the whole folder', async () => {
  const actions = await loadActions('actions');
  expect([...actions.keys()].toSorted()).toEqual(FILES.map(idOf).toSorted());
});

test.each(FILES)('%s keeps the contract', async (file) => {
  const action = await load(file);
  expect(contractProblems(action, file)).toEqual([]);
  expect(action.summary).toMatch(/^[A-Z].*\.$/);
  expect(action.summary.length).toBeLessThanOrEqual(120);
  expect(action.backend).toMatch(/^[a-z_]+$/);
});

test.each(FILES)('%s refuses what it does not know', async (file) => {
  const { params } = await load(file);
  for (const given of [undefined, null, 'x', [], 1, { surely_not_a_parameter: true }])
    expect(params.safeParse(given).success).toBe(false);
});

test.each(FILES)('%s is documented, with every parameter', async (file) => {
  const { id, params } = await load(file);
  const section = DOCS.split(/^## /m).find((part) => part.startsWith(`\`${id}\``));
  expect(section, `docs/actions.md has no section ## \`${id}\``).toBeDefined();
  const schema = z.toJSONSchema(params, { io: 'input' });
  const undocumented = Object.keys(schema.properties ?? {}).filter(
    (name) => !section?.includes(`\`${name}\``),
  );
  expect(undocumented).toEqual([]);
});

test.each(FILES)(
  '%s stops at once when its signal has aborted, and says so as an ActionError',
  async (file) => {
    const action = await load(file);
    const given = EXAMPLES[action.id];
    if (given === undefined) return;
    const params: unknown = action.params.parse(given);
    const error: unknown = await action
      .resolve(params, contextOf({ signal: AbortSignal.abort() }))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ActionError);
  },
);

/** Parameters whose resolve cannot succeed without a backend; nothing is configured in that test. */
const EXAMPLES: Readonly<Record<string, object>> = {
  restart_container: { container: 'crm-api' },
  rollout_restart: { workload: 'k8s/prod/deployment/worker' },
  rollout_undo: { workload: 'k8s/prod/deployment/worker' },
  delete_pod: { pod: 'k8s/prod/pod/worker-a' },
  scale_workers: { workload: 'compose/worker', by: 1, max: 2 },
  set_flag: { flag: 'heuristics-only', value: true },
  notify: { notifier: 'page', message: 'help' },
  cancel_queries: { database: 'crm', blocking: true },
  http_request: { url: 'https://crm.example.com/restart', method: 'POST' },
  run_command: { argv: ['/usr/bin/systemctl', 'restart', 'crm'] },
  silence: { matchers: ['alertname="NodeDown"'], for: '1h' },
};
