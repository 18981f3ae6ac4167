import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NOW } from '../http/values.ts';
import { startWorld, type World } from '../http/world.ts';
import { autoheal } from './command.ts';

const TOKENS = {
  webhook: [],
  api: [
    { role: 'operator' as const, token: 'operate' },
    { role: 'viewer' as const, token: 'view' },
  ],
};
const ENV = { AUTOHEAL_API_TOKEN: 'operator:operate' };
let world: World;
beforeEach(async () => {
  world = await startWorld({ tokens: TOKENS });
});
afterEach(() => world.close());

const WHY = ['--reason', 'we are on it'];
const REASON = { reason: 'we are on it' };

/** Each command, what the engine is asked, and what a person is told. */
const CHANGES: readonly (readonly [readonly string[], string, object, RegExp])[] = [
  [
    ['hold', '--rule', 'ai-errors', '--target', 'a b', ...WHY, '--for', '1h'],
    'place',
    {
      rule: 'ai-errors',
      target: 'a b',
      alertname: null,
      fingerprint: null,
      until: NOW + 3_600_000,
      ...REASON,
    },
    /^held until 2026-03-01T13:00:00Z; to end it: npx autoheal unhold hold-1 --reason '...'\n$/,
  ],
  [
    ['hold', '--alertname', 'A', '--fingerprint', 'f', ...WHY],
    'place',
    { alertname: 'A', fingerprint: 'f', until: null },
    /^held until somebody ends it;/,
  ],
  [['unhold', 'hold/1', ...WHY], 'end', { id: 'hold/1', ...REASON }, /^ended: hold hold\/1 /],
  [
    ['ack', 'e-1', ...WHY],
    'acknowledge',
    { episode: 'e-1', until: null, ...REASON },
    /^held until the alert is over;/,
  ],
  [
    ['approve', 'r-1', '--plan', 'abc', ...WHY],
    'grant',
    { plan_hash: 'abc', role: 'operator', ...REASON },
    /^granted: poke thing\/a /,
  ],
  [
    ['deny', 'r-1', '--plan', 'abc', ...WHY],
    'deny',
    { plan_hash: 'abc', ...REASON },
    /^denied: poke thing\/a /,
  ],
  [
    ['run', 'ai-errors', '--fingerprint', 'f00d', ...WHY],
    'run',
    { rule: 'ai-errors', fingerprint: 'f00d', ...REASON },
    /^started for AIErrorRateHigh: remediation r-1\nwatch it: npx autoheal remediations show r-1\n$/,
  ],
  [['cancel', 'r-1', ...WHY], 'cancel', REASON, /^cancelled: remediation r-1 /],
  [['undo', 'r-1', ...WHY], 'undo', REASON, /^will be undone: thing\/a /],
];

test.each(CHANGES)('autoheal %j', async (args, what, given, told) => {
  const ended = await autoheal(world.url, args, ENV);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toMatch(told);
  expect(world.state.people.calls).toMatchObject([{ what, with: given }]);
});

test('pause and resume', async () => {
  const paused = await autoheal(world.url, ['pause', ...WHY, '--for', '30m'], ENV);
  expect(paused.stdout).toBe('paused until 2026-03-01T12:30:00Z: we are on it\n');
  expect(world.state.pause).toMatchObject({ ...REASON, until: NOW + 1_800_000 });
  const open_ended = await autoheal(world.url, ['pause', ...WHY], ENV);
  expect(open_ended.stdout).toBe('paused until somebody resumes it: we are on it\n');
  const resumed = await autoheal(world.url, ['resume', '--json'], ENV);
  expect(JSON.parse(resumed.stdout)).toEqual({ mode: 'auto', pause: null });
  expect(world.state.pause).toBeUndefined();
  const again = await autoheal(world.url, ['resume'], ENV);
  expect(again).toMatchObject({ code: 1, stdout: '' });
  expect(again.stderr).toMatch(/^autoheal resume: http\S+ answered 409: nothing is paused\n$/);
});

test.each([
  [['ai-model', 'true'], 'true', 'ai-model is true now\n'],
  [['max-batch', '-2.5'], -2.5, 'max-batch is -2.5 now\n'],
  [['ai-model', '--', '--small'], '--small', 'ai-model is --small now\n'],
])('a flag is set as the type that it has: %j', async (words, value, told) => {
  for (const [key, flag] of world.state.flags) world.state.flags.set(key, { ...flag, lease: null });
  const ended = await autoheal(world.url, ['flags', 'set', ...WHY, ...words], ENV);
  expect(ended).toEqual({ code: 0, stdout: told, stderr: '' });
  expect(world.state.flag_sets).toMatchObject([{ key: words[0], value, ...REASON }]);
});

test.each<[string, readonly string[], number, RegExp]>([
  [
    'a lease stands on it',
    ['flags', 'set', 'heuristics-only', 'false', ...WHY],
    1,
    /answered 409: a lease stands on it\n$/,
  ],
  ['no such flag', ['flags', 'set', 'nope', 'false', ...WHY], 1, /answered 404: /],
  [
    'another type',
    ['flags', 'set', 'max-batch', 'many', ...WHY],
    2,
    /^autoheal flags set: max-batch is a number: "many" is none\n$/,
  ],
  [
    'no remediation',
    ['approve', 'r-2', '--plan', 'abc', ...WHY],
    1,
    /^autoheal approve: http\S+ answered 404: no remediation has this id\n$/,
  ],
  ['may not', ['pause', ...WHY, '--token', 'view'], 1, /answered 403: /],
  ['no reason', ['approve', 'r-1', '--plan', 'abc'], 2, /required option '--reason <text>'/],
  ['no plan', ['deny', 'r-1', ...WHY], 2, /required option '--plan <hash>'/],
  ['no id', ['cancel', ...WHY], 2, /missing required argument 'remediation'/],
  [
    'a hold of nothing',
    ['hold', ...WHY],
    2,
    /say what: --rule, --alertname, --fingerprint, --target/,
  ],
  ['no duration', ['pause', ...WHY, '--for', 'soon'], 2, /Write a duration, as 30m or 2h/],
])('refused, and nothing is done: %s', async (_name, args, code, expected) => {
  const ended = await autoheal(world.url, args, ENV);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toMatch(expected);
  expect(world.state.people.calls).toEqual([]);
  expect([world.state.pause, world.state.flag_sets]).toEqual([undefined, []]);
});

test('something else that answers is told from autoheal, and steers no terminal', async () => {
  const other = createServer((request, response) => {
    if (request.url === '/api/v1/holds') response.end('{"hello":1}');
    else response.writeHead(502).end('bad\u001B[2J\ngateway');
  }).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  try {
    const holds = await autoheal(url, ['holds']);
    expect(holds).toMatchObject({ code: 1, stdout: '' });
    expect(holds.stderr).toContain('does not answer as this version of autoheal does');
    const resumed = await autoheal(url, ['resume']);
    expect(resumed.stderr).toBe(`autoheal resume: ${url} answered 502: bad?[2J gateway\n`);
  } finally {
    other.close();
  }
});
