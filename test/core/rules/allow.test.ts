import { describe, expect, test } from 'vitest';
import { commandAllowed, createAllowed, hostAllowed } from '../../../src/core/rules/allow.ts';
import { compilePolicy } from '../../../src/core/rules/policy-compile.ts';

const COMMANDS = [
  ['/usr/bin/systemctl', 'restart', 'import-*'],
  ['/opt/clear', '--tenant=*', '*'],
  ['/opt/list', '/var/cache/*'],
];

describe('a command', () => {
  test.each([
    [['/usr/bin/systemctl', 'restart', 'import-a'], true],
    [['/usr/bin/systemctl', 'restart', 'import-a b; rm'], true],
    [['/usr/bin/systemctl', 'restart', 'import-'], false],
    [['/usr/bin/systemctl', 'restart', 'crm'], false],
    [['/usr/bin/systemctl', 'stop', 'import-a'], false],
    [['/usr/bin/systemctl', 'restart'], false],
    [['/usr/bin/systemctl', 'restart', 'import-a', '--now'], false],
    [['systemctl', 'restart', 'import-a'], false],
    [['/opt/clear', '--tenant=7', 'x'], true],
    [['/opt/clear', '--tenant=7', '-x'], false],
    [['/opt/clear', '--tenant=7', '--all'], false],
    [['/opt/clear', '--tenant=7', ''], false],
    [['/opt/clear', '--tenant=../etc', 'x'], false],
    [['/opt/list', '/var/cache/a/b'], true],
    [['/opt/list', '/var/cache/a..b'], true],
    [['/opt/list', '/var/cache/../../etc'], false],
    [['/opt/list', '/var/cache/a/..'], false],
    [[], false],
  ])('%j: %s', (argv, wanted) => {
    expect(commandAllowed(COMMANDS, argv)).toBe(wanted);
  });
});

describe('a host', () => {
  const { policy } = compilePolicy({
    file: 'autoheal.yaml',
    text: "hosts: ['HTTPS://CRM.example.com:443/', 'http://127.0.0.1:8080', 'http://[::1]:90']",
  });
  test.each([
    ['https://crm.example.com/restart?x=1', true],
    ['https://crm.example.com:443/', true],
    ['http://crm.example.com/', false],
    ['https://crm.example.com:8443/', false],
    ['https://crm.example.com.evil.org/', false],
    ['https://crm.example.com@evil.org/', false],
    ['http://127.0.0.1:8080/x', true],
    ['http://127.1:8080/x', true],
    ['http://[::1]:90/', true],
    ['http://localhost:8080/', false],
  ])('%s: %s', (url, wanted) => {
    expect(hostAllowed(policy?.hosts ?? [], new URL(url))).toBe(wanted);
  });
});

test('follows the policy of the moment, and without one allows nothing', () => {
  let policy: { commands: string[][]; hosts: string[] } | undefined;
  const allowed = createAllowed(() => policy);
  const ask = () => [allowed.command(['/bin/true']), allowed.host(new URL('http://a'))];
  expect(ask()).toEqual([false, false]);
  policy = { commands: [['/bin/true']], hosts: ['http://a'] };
  expect(ask()).toEqual([true, true]);
});
