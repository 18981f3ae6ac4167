import { expect, test } from 'vitest';
import { compileRule } from '../../../src/core/rules/rule-compile.ts';
import { CATALOGUE } from '../../golden/catalogue.ts';

function problemsOf(step: string, pinned = false): readonly string[] {
  const text = `name: r\nsummary: A rule.\nmatchers: ['alertname="X"', 'host="a"']\nsteps:\n  - ${step}\n`;
  const input = { file: 'rules/r.yaml', text, hash: 'h' };
  return compileRule(input, CATALOGUE, { pinned }).problems.map(({ message }) => message);
}
function http(url: string, pinned = false) {
  return problemsOf(`{ action: http_request, with: { url: '${url}', method: POST } }`, pinned);
}
function command(...argv: readonly string[]) {
  return problemsOf(`{ action: run_command, with: { argv: ${JSON.stringify(argv)} } }`);
}
function database(name: string) {
  return problemsOf(`{ action: cancel_queries, with: { database: '${name}', older_than: 5m } }`);
}
const REFUSED = 'step 1: with.url: the policy does not allow requests to';

test.each([
  ['an allowed origin', 'https://crm.example.com/x', []],
  ['the default port written out', 'https://crm.example.com:443/x', []],
  ['capital letters', 'HTTPS://CRM.example.com/x', []],
  ['a path from the alert', 'https://crm.example.com/{{ labels.host }}', []],
  ['a host from the alert is asked later', 'https://{{ labels.host }}/x', []],
  ['a host half from the alert too', 'https://crm.{{ labels.host }}/x', []],
  ['a port from the alert too', 'https://crm.example.com:{{ labels.host }}/x', []],
  ['a whole address from the alert too', '{{ labels.host }}', []],
  ['another scheme', 'http://crm.example.com/', [`${REFUSED} http://crm.example.com`]],
  ['another port', 'https://crm.example.com:8/', [`${REFUSED} https://crm.example.com:8`]],
  ['a query', 'https://a?{{ labels.host }}', [`${REFUSED} https://a`]],
])('hosts: %s', (_name, url, expected) => {
  expect(http(url)).toEqual(expected);
});

test.each<[string, readonly string[], boolean]>([
  ['a line that fits', ['/usr/bin/systemctl', 'restart', 'crm-api'], true],
  [
    'an argument from the alert may fit',
    ['/usr/bin/systemctl', 'restart', '{{ labels.host }}'],
    true,
  ],
  ['an argument too many', ['/usr/bin/systemctl', 'restart', 'crm-api', 'crm-db'], false],
  [
    'one too many from the alert',
    ['/usr/bin/systemctl', 'restart', 'crm-api', '{{ labels.host }}'],
    false,
  ],
  ['another program', ['/bin/sh', 'restart', '{{ labels.host }}'], false],
])('commands: %s', (_name, argv, allowed) => {
  expect(command(...argv)).toEqual(
    allowed ? [] : ["step 1: with.argv: no line of the policy's commands allows this"],
  );
});

test('databases: declared, or named by the alert', () => {
  expect(database('crm')).toEqual([]);
  expect(database('{{ labels.host }}')).toEqual([]);
  expect(database('prod')).toHaveLength(1);
});

test('a rule that is under way is not held against a policy that has changed', () => {
  expect(http('https://gone.example.com/', true)).toEqual([]);
});
