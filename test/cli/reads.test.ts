import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { approvalsText, auditText } from '../../src/cli/ask/tables.ts';
import { ROUTE_INFOS } from '../../src/http/routes.ts';
import { AUDIT, NOW } from '../http/values.ts';
import { startWorld, type World } from '../http/world.ts';
import { autoheal, start } from './command.ts';

const TOKENS = { webhook: [], api: [{ role: 'viewer' as const, token: 'view' }] };
const ENV = { AUTOHEAL_API_TOKEN: 'viewer:view,admin:other' };
let world: World;
beforeEach(async () => {
  world = await startWorld({ tokens: TOKENS });
});
afterEach(() => world.close());

/** Each command that looks, its route, and what a person sees of the answer. */
const READS: readonly (readonly [args: string, path: string, seen: readonly string[]])[] = [
  [
    'alerts',
    '/api/v1/alerts',
    [
      'OPENED                STATE  ALERT            FINGERPRINT  FIRINGS  EPISODE\n',
      '2026-03-01T11:59:56Z  open   AIErrorRateHigh  f00d         2        e-1\n',
    ],
  ],
  [
    'remediations',
    '/api/v1/remediations',
    ['2026-03-01T11:59:56Z  verifying  ai-errors  AIErrorRateHigh  1     22x    r-1  -\n'],
  ],
  [
    'remediations show r-1',
    '/api/v1/remediations/r-1',
    [
      'Remediation r-1 of rule ai-errors\n',
      'alert:       AIErrorRateHigh, fingerprint f00d, episode e-1\n',
      'priority:    220, service=checkout\n',
      'plan:        set flag heuristics-only=true\n',
      'verifying:   still firing, until 2026-03-01T12:10:00Z\n',
      '2026-03-01T11:59:57Z  1     ok     set_flag  set flag heuristics-only=true  -\n',
      '2026-03-01T11:59:52Z  action_ok ',
    ],
  ],
  [
    'rules',
    '/api/v1/rules',
    [
      'RULE       RUNS  HEALED  LEFT ALONE  BENEFIT          IS    MATCHERS\n',
      'ai-errors  0     0       0           no evidence yet  auto  alertname="AIErrorRateHigh"\n',
    ],
  ],
  [
    'rules show ai-errors',
    '/api/v1/rules/ai-errors',
    [
      'Rule ai-errors: Answer without the model.\n',
      'steps:       set_flag\n',
      "benefit:     no evidence yet: missing about 99 more with it and about 99 more without it; `holdout: '5%'` in the rule would give some\n",
      'left alone:  0 in dry-run, 0 by the hold-out, 0 refused or waiting\n',
    ],
  ],
  ['audit', '/api/v1/audit', ['2026-03-01T11:59:53Z  pause  ', 'release; by local\n']],
  [
    'flags',
    '/api/v1/flags',
    ['heuristics-only  true   false    ai-errors until 2026-03-01T12:01:00Z  2026-03-01T11:59:59Z'],
  ],
  [
    'holds',
    '/api/v1/holds',
    ['hold  rule=ai-errors  somebody ends it  2026-03-01T11:59:59Z  ann  hold-1  we look at it\n'],
  ],
  [
    'approvals',
    '/api/v1/approvals',
    [
      'Remediation remediation-1, asked at 2026-03-01T11:59:59Z, until 2026-03-01T12:01:00Z; operator may answer\n',
      '  would do: poke thing/a\n',
      "  npx autoheal approve remediation-1 --plan plan-hash --reason '...'\n",
    ],
  ],
];

test.each(READS)(
  'autoheal %s: a table, and with --json what the API answers',
  async (args, path, seen) => {
    const words = args.split(' ');
    const table = await autoheal(world.url, words, ENV);
    expect(table).toMatchObject({ code: 0 });
    for (const text of seen) expect(table.stdout).toContain(text);
    const json = await autoheal(world.url, [...words, '--json'], ENV);
    const api = await world.call('GET', path, { token: 'view' });
    expect(json).toEqual({ code: 0, stdout: `${api.text}\n`, stderr: '' });
  },
);

describe('what is asked for reaches the service', () => {
  test('filters and paging of lists', async () => {
    await autoheal(
      world.url,
      ['alerts', '--state', 'open', '--alertname', 'A b', '--limit', '7'],
      ENV,
    );
    await autoheal(world.url, ['remediations', '--state', 'waiting', '--rule', 'x&y'], ENV);
    expect(world.state.list_queries).toEqual([
      { state: 'open', alertname: 'A b', limit: 7 },
      { state: 'waiting', rule: 'x&y', limit: 100 },
    ]);
  });

  test('filters of the audit log, repeated ones too', async () => {
    const filter = '--kind pause --kind action_ok --chaos false --since 1h --order asc --q t';
    const { stdout } = await autoheal(world.url, ['audit', ...filter.split(' ')], ENV);
    expect(world.state.audit_queries).toEqual([
      {
        kind: ['pause', 'action_ok'],
        chaos: false,
        since: NOW - 3_600_000,
        order: 'asc',
        q: 't',
        limit: 100,
      },
    ]);
    expect(stdout.split('\n').map((line) => line.split(/ +/)[1])).toEqual([
      'KIND',
      'action_ok',
      'pause',
      undefined,
    ]);
  });

  test('the audit log can be asked by every filter that the API has', async () => {
    const { stdout } = await autoheal(world.url, ['audit', '--help']);
    const route = ROUTE_INFOS.find(({ path }) => path === '/api/v1/audit');
    const names = Object.keys(route?.query ?? {}).filter((name) => name !== 'format');
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => !stdout.includes(`  --${name} <`))).toEqual([]);
  });

  test('connection options count before and behind the part of a command', async () => {
    const nobody = 'http://127.0.0.1:1';
    const before = ['remediations', '--url', world.url, '--token', 'view', '--json'];
    expect(await autoheal(nobody, [...before, 'show', 'r-1'])).toMatchObject({ code: 0 });
    const behind = ['remediations', 'show', 'r-1', '--url', world.url, '--token', 'view'];
    expect(await autoheal(nobody, behind)).toMatchObject({ code: 0 });
  });
});

test('where there is more, stderr says how to go on', async () => {
  const { stdout, stderr } = await autoheal(world.url, ['remediations'], ENV);
  expect(stderr).toBe('There is more: the same again with --cursor "more"\n');
  expect(stdout).not.toContain('more');
});

test('nothing to show is said in words; what others wrote stays on its line', () => {
  expect(auditText([], false)).toBe('No entry of the audit log fits.\n');
  expect(approvalsText([])).toBe('No plan waits for an answer.\n');
  const asked = {
    remediation_id: 'r-1',
    plan_hash: 'abc',
    role: 'admin',
    cmds: ['docker restart a\n  would do: nothing\u001B[1A'],
    why: 'x',
    asked_at: '2026-03-01T12:00:00.000Z',
    expires_at: '2026-03-01T12:00:00.000Z',
  };
  expect(approvalsText([asked]).split('\n')[1]).toBe(
    '  would do: docker restart a   would do: nothing?[1A',
  );
});

test('a reader that has seen enough is no error', async () => {
  world.state.audit = Array.from({ length: 1_000 }, (_, at) => ({
    ...(AUDIT[0] as (typeof AUDIT)[number]),
    seq: at + 1,
    detail: { padding: 'x'.repeat(1_000) },
  }));
  const running = start(world.url, ['audit', '--json', '--limit', '1000'], ENV);
  running.process.stdout?.destroy();
  const [code] = await new Promise<readonly [number | null]>((resolve) =>
    running.process.once('close', (ended) => resolve([ended])),
  );
  expect([code, running.stderr()]).toEqual([0, '']);
});

test.each<[string, readonly string[], Readonly<Record<string, string>>, number, RegExp]>([
  ['no token', ['alerts'], {}, 1, /^autoheal alerts: http\S+ answered 401: /],
  [
    'unknown',
    ['remediations', 'show', 'r-2'],
    ENV,
    1,
    /^autoheal remediations show: \S+ answered 404: no remediation has this id\n$/,
  ],
  ['nobody there', ['holds', '--url', 'http://127.0.0.1:1'], ENV, 1, /Is autoheal running\?/],
  [
    'a filter the service does not know',
    ['audit', '--kind', 'pausd'],
    ENV,
    1,
    /answered 400: query parameter "kind"/,
  ],
  [
    'no address',
    ['holds', '--url', 'localhost:9009'],
    ENV,
    2,
    /--url: localhost:9009 is no address/,
  ],
  ['an unknown state', ['alerts', '--state', 'firing'], ENV, 2, /Allowed choices are open, closed/],
  ['an unknown option', ['flags', '--stat'], ENV, 2, /unknown option '--stat'/],
  ['an unknown command', ['alrts'], ENV, 2, /unknown command 'alrts'/],
  [
    'an end of what has none',
    ['audit', '--follow', '--until', '1h'],
    ENV,
    2,
    /--follow goes without --until/,
  ],
])('a mistake has its exit code and a sentence: %s', async (_name, args, env, code, expected) => {
  const ended = await autoheal(world.url, args, env);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toMatch(expected);
});
