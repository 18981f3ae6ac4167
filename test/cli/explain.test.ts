import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DOWN, EASY, pokeRule } from '../engine/moves.ts';
import { useRig } from '../engine/rig.ts';
import { everythingOf } from '../engine/untouched.ts';
import { REMEDIATION } from '../http/values.ts';
import { startWorld, type World } from '../http/world.ts';
import { autoheal as command, start as startCommand } from './command.ts';

const TOKENS = { webhook: [], api: [{ role: 'viewer' as const, token: 'view' }] };
const startRig = useRig();
let world: World;
beforeEach(async () => {
  world = await startWorld({ tokens: TOKENS });
});
afterEach(() => world.close());

function autoheal(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const tokens = { AUTOHEAL_API_TOKEN: 'viewer:view,admin:other' };
  return command(world.url, ['explain', ...args], { ...tokens, ...env });
}

test('it asks the service that AUTOHEAL_URL names, with the token, by episode or fingerprint', async () => {
  const told = await autoheal(['--episode', 'e-1']);
  expect(told).toMatchObject({ code: 0, stderr: '' });
  expect(told.stdout).toMatch(/^AIErrorRateHigh {2}fingerprint f00d\nepisode e-1: open/);
  expect(told.stdout).toContain(
    `Remediation ${REMEDIATION.id} of rule ai-errors, step 1: verifying\n`,
  );
  const json = await autoheal(['--episode', 'e-1', '--json'], { AUTOHEAL_API_TOKEN: 'view' });
  const api = await world.call('GET', '/api/v1/explain?episode=e-1', { token: 'view' });
  expect(JSON.parse(json.stdout)).toEqual(api.body);
  expect(await autoheal(['--fingerprint', 'f00d', '--token', 'view'])).toMatchObject({ code: 0 });
});

test.each<[string, readonly string[], Readonly<Record<string, string>>, number, RegExp]>([
  ['neither', [], {}, 2, /^autoheal explain: give a payload, --episode or --fingerprint/],
  ['both', ['--episode', 'a', '--fingerprint', 'b'], {}, 2, /one of the three/],
  ['unknown', ['--episode', 'nobody'], {}, 1, /answered 404: no such alert was ever seen/],
  ['no token', ['--episode', 'e-1'], { AUTOHEAL_API_TOKEN: '' }, 1, /answered 401/],
  [
    'nobody there',
    ['--episode', 'e-1', '--url', 'http://127.0.0.1:1'],
    {},
    1,
    /Is autoheal running/,
  ],
  ['a payload that is not there', ['gone.json'], {}, 1, /gone\.json: cannot be read/],
  ['offline without a payload', ['--offline', '--episode', 'a'], {}, 2, /wants a payload/],
  ['rules for a service', ['a.json', '--rules', 'r'], {}, 2, /are for --offline/],
  ['no address', ['--episode', 'e-1', '--url', 'here'], {}, 2, /--url: here is no address/],
])('a mistake has its exit code and a sentence: %s', async (_name, args, env, code, expected) => {
  const ended = await autoheal(args, env);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toMatch(expected);
});

const BODY = JSON.stringify({ version: '4', alerts: [{ status: 'firing', labels: DOWN }] });

describe('a payload', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'autoheal-explain-'));
    writeFileSync(join(dir, 'body.json'), BODY);
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test('what the service would do about it, for people and as it came; nothing has changed', async () => {
    const it = await startRig({ rules: { 'thing-down': pokeRule(`mode: approve\n${EASY}`) } });
    await world.close();
    world = await startWorld({ tokens: TOKENS, what_if: it.machine.what_if });
    const before = await everythingOf(it);
    const told = await autoheal([join(dir, 'body.json')]);
    expect(told).toEqual({
      code: 0,
      stderr: '',
      stdout: `Asked at 2026-01-01T00:00:00.000Z, mode auto: nothing was changed.

ThingDown  fingerprint d0a97893a6cdb4db
firing: a new episode would begin

thing-down: would ask a person: approval: the rule asks before it acts; granted, it would act:
    poke a
  step 1  poke  {"thing": "a"}
    on thing/a: 1
       poke a
  guards:
  ! approval  ask: the rule asks before it acts
    allowed by the others

Rules, in the order they are tried:
  thing-down  matches
`,
    });
    const piped = startCommand(world.url, ['explain', '-', '--json'], {
      AUTOHEAL_API_TOKEN: 'view',
    });
    piped.process.stdin?.end(BODY);
    await once(piped.process, 'close');
    const api = await world.call('POST', '/api/v1/explain', {
      token: 'view',
      json: JSON.parse(BODY),
    });
    expect(JSON.parse(piped.stdout())).toEqual(api.body);
    expect(await everythingOf(it)).toEqual(before);
  });

  test('offline: the rules of a folder, in a world where all is well, which is said', async () => {
    const rules = join(dir, 'rules');
    mkdirSync(rules);
    const rule = `name: down
summary: Restarts what is down.
matchers: ['alertname="ThingDown"', 'thing=~".+"']
when: [{ promql: 'up == 1' }]
steps:
  - action: restart_container
    with: { container: '{{ labels.thing }}' }
`;
    writeFileSync(join(rules, 'down.yaml'), rule);
    const policy = join(dir, 'policy.yaml');
    writeFileSync(policy, "targets: ['docker/*']\n");
    const args = [join(dir, 'body.json'), '--offline', '--rules', rules, '--config', policy];
    const nobody = ['--url', 'http://127.0.0.1:1'];
    const told = await autoheal([...args, ...nobody]);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(
      told.stdout.replace(/at 20\S+,/, 'at NOW,'),
    ).toBe(`Asked at NOW, no service was asked: nothing was changed.
Assumed:
  mode auto; nothing was done before: no cooldown, no limit, no hold, no lease, no open breaker
  every target is there, opted in and healthy; where its state matters, the default of its action
  nothing silences the alert; Alertmanager and Prometheus answer
  this holds: promql: up == 1

ThingDown  fingerprint d0a97893a6cdb4db
firing: a new episode would begin

down: would act: docker restart a
  step 1  restart_container  {"container": "a", "then": [], "stop_seconds": 10, "wait_seconds": 45}
    on docker/a: {"running": true}
       docker restart a
  guards:
    allowed by all

Rules, in the order they are tried:
  down  matches
`);
    const json = await autoheal([...args, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      mode: 'auto',
      alerts: [{ rules: [{ rule: 'down', would: { decision: { would: 'act' } } }] }],
      assumed: expect.arrayContaining(['this holds: promql: up == 1']) as string[],
    });
    writeFileSync(join(rules, 'down.yaml'), rule.replace('matchers:', 'matches:'));
    const broken = await autoheal(args);
    expect(broken).toMatchObject({ code: 1, stdout: '' });
    expect(broken.stderr).toMatch(/rules\/down\.yaml:3:1: .*matches[^]*fix: /);
    writeFileSync(join(rules, 'down.yaml'), rule);
    writeFileSync(join(dir, 'body.json'), '[]');
    const none = await autoheal(args);
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toMatch(/^autoheal explain: the body is a list/);
  });
});
