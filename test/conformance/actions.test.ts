import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
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

test.each(FILES)(
  '%s has its section, whose example has parameters that there are',
  async (file) => {
    const { id, params } = await load(file);
    const section = DOCS.split(/^## /m).find((part) => part.startsWith(`\`${id}\``));
    expect(section, `docs/actions.md has no section ## \`${id}\``).toBeDefined();
    const [, yaml = ''] = /```yaml\n([^]*?)```/.exec(section ?? '') ?? [];
    const [step] = parse(yaml) as readonly { readonly action: string; readonly with: object }[];
    expect(step?.action).toBe(id);
    const known = Object.keys(z.toJSONSchema(params, { io: 'input' }).properties ?? {});
    expect(Object.keys(step?.with ?? {}).filter((name) => !known.includes(name))).toEqual([]);
  },
);

test.each(FILES)('%s says what each of its parameters means', async (file) => {
  const { params } = await load(file);
  const { properties = {} } = z.toJSONSchema(params, { io: 'input' });
  for (const [name, { description }] of Object.entries(properties as Described))
    expect(description, name).toMatch(/^\S.*\.$/);
});
type Described = Readonly<Record<string, { readonly description?: string }>>;

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

test.each(FILES)('%s can be rehearsed', async (file) => {
  const { rehearse, params } = await load(file);
  const [, yaml = ''] =
    /```yaml\n([^]*?)```/.exec(
      DOCS.split(/^## /m).find((part) => part.startsWith(`\`${idOf(file)}\``)) ?? '',
    ) ?? [];
  const [step] = parse(yaml) as readonly { readonly with: object }[];
  const texts = JSON.stringify(step?.with).replaceAll(/\{\{.*?\}\}/g, 'name');
  const given: unknown = params.parse(JSON.parse(texts));
  if (rehearse === 'as_is') return;
  const said = { opted_in: false, group: { id: 'group/a', total: 2, healthy: 1, serves: true } };
  const world = {
    observed: () => undefined,
    about: () => said,
    clients: { allowed: { command: () => true, host: () => true } },
    cause: { labels: {}, annotations: {} } as never,
  };
  const targets = rehearse?.(given, world) ?? [];
  expect(targets.length).toBeGreaterThan(0);
  for (const { id, cmd } of targets) expect([id, cmd]).not.toContain('');
  // Gone in the world is not found by the action.
  const gone = {
    ...world,
    about: () => {
      throw new ActionError('not_found', 'it is not there', { retryable: false });
    },
  };
  const touches_nothing = ['command', 'http'].includes(targets[0]?.id.split('/')[0] ?? '');
  if (!touches_nothing) expect(() => rehearse?.(given, gone)).toThrow('it is not there');
});
