import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startWorld, type World } from '../http/world.ts';
import { autoheal, type Ended } from './command.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/ai-errors.json');
let world: World;
let folder: string;
beforeEach(async () => {
  world = await startWorld({});
  folder = mkdtempSync(join(tmpdir(), 'autoheal-send-'));
  mkdirSync(join(folder, 'rules'));
  rule('crm-down', `'alertname="CrmDown"', 'container=~".+"'`);
});
afterEach(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

function rule(name: string, matchers: string, more = ''): void {
  writeFileSync(
    join(folder, `rules/${name}.yaml`),
    `name: ${name}\nsummary: S.\nmatchers: [${matchers}]\nsteps: [{ action: set_flag, with: { flag: heuristics-only, value: true } }]\n${more}`,
  );
}
function send(...args: readonly string[]): Promise<Ended> {
  return autoheal(world.url, ['send', '--rules', join(folder, 'rules'), ...args]);
}
function posted(): readonly unknown[] {
  return world.state.posts.map(({ body }) => JSON.parse(new TextDecoder().decode(body)) as unknown);
}

describe('--rule', () => {
  test('posts an alert that the rule takes, says what is made up and what to ask next', async () => {
    const { code, stdout, stderr } = await send('--rule', 'crm-down', '--annotation', 'a=b=c');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'container is made up: "test"; give a real one with --label container=...\n',
    });
    expect(posted()).toMatchObject([
      {
        version: '4',
        status: 'firing',
        alerts: [
          {
            status: 'firing',
            labels: { alertname: 'CrmDown', container: 'test' },
            annotations: { a: 'b=c', summary: expect.stringContaining('crm-down') as string },
          },
        ],
      },
    ]);
    const [{ alerts }] = posted() as [{ alerts: [{ fingerprint: string }] }];
    expect(stdout).toContain(`npx autoheal explain --fingerprint ${alerts[0].fingerprint}\n`);
  });

  test('--resolved is about the same alert; --drill and --label are its labels', async () => {
    const options = ['--rule', 'crm-down', '--label', 'container=crm', '--drill'];
    expect((await send(...options)).stderr).toBe('');
    expect((await send(...options, '--resolved')).code).toBe(0);
    const [fired, resolved] = posted() as { alerts: { fingerprint: string; status: string }[] }[];
    expect(resolved?.alerts[0]?.fingerprint).toBe(fired?.alerts[0]?.fingerprint);
    expect(resolved?.alerts[0]).toMatchObject({
      status: 'resolved',
      labels: { alertname: 'CrmDown', container: 'crm', drill: 'true' },
    });
  });

  test('--print sends nothing; --json is the answer as it came', async () => {
    const { stdout } = await send('--rule', 'crm-down', '--print');
    expect(JSON.parse(stdout)).toMatchObject({ alerts: [{ labels: { alertname: 'CrmDown' } }] });
    expect(posted()).toEqual([]);
    const answer = await send('--rule', 'crm-down', '--json');
    expect(JSON.parse(answer.stdout)).toEqual({ delivery: 'd-1', alerts: 1, unusable: [] });
  });

  test('nothing is sent that another rule would take', async () => {
    rule('b-first', `'alertname=~"Crm.*"'`);
    const { code, stderr } = await send('--rule', 'crm-down');
    expect(code).toBe(1);
    expect(stderr).toContain('crm-down would not take this alert: b-first would take it');
    expect(posted()).toEqual([]);
  });

  test('a rule that is off, and rules that do not compile', async () => {
    rule('off', `'alertname="Off"'`, 'enabled: false\n');
    expect((await send('--rule', 'off')).stderr).toContain('enabled: false: it never runs');
    writeFileSync(join(folder, 'rules/bad.yaml'), 'name: bad\n');
    const { code, stderr } = await send('--rule', 'crm-down');
    expect(code).toBe(1);
    expect(stderr).toContain('rules/bad.yaml:');
    expect(posted()).toEqual([]);
  });
});

test('a file still goes as before', async () => {
  const { code, stdout } = await autoheal(world.url, ['send', EXAMPLE]);
  expect(code).toBe(0);
  expect(stdout).toBe('202 stored: {"delivery":"d-1","alerts":1,"unusable":[]}\n');
  const shown = await autoheal(world.url, ['send', EXAMPLE, '--print', '--resolved']);
  expect(JSON.parse(shown.stdout)).toMatchObject({ alerts: [{ status: 'resolved' }] });
});

test.each<[readonly string[], string]>([
  [[], 'give a file, or --rule NAME: one of the two'],
  [['x.json', '--rule', 'crm-down'], 'give a file, or --rule NAME: one of the two'],
  [['x.json', '--drill'], '--rules, --drill goes with --rule only'],
  [['--rule', 'crm-down', '--as-is'], '--as-is goes with a file only'],
  [['--rule', 'crm-dwn'], 'there is no rule crm-dwn: did you mean "crm-down"?'],
  [['--rule', 'crm-down', '--label', 'x'], '--label: x is no pair: write --label name=value'],
  [['--rule', 'crm-down', '--label', 'container='], 'the rule wants container=~".+"'],
])('wrong usage ends with 2: %j', async (args, said) => {
  const { code, stderr } = await send(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(said);
});
