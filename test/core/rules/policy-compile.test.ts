import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  compilePolicy,
  maskAddresses,
  policyAllows,
} from '../../../src/core/rules/policy-compile.ts';
import type { Policy } from '../../../src/core/rules/rule.ts';

function policy(text?: string): Policy {
  const input = text === undefined ? undefined : { file: 'autoheal.yaml', text };
  const compiled = compilePolicy(input);
  if (compiled.policy === undefined) throw new Error(JSON.stringify(compiled.problems));
  return compiled.policy;
}

describe('compilePolicy', () => {
  test.each([undefined, '', '# only a comment\n', '{}'])('%j is the default policy', (text) => {
    const { file, ...rest } = policy(text);
    expect(file).toBe(text === undefined ? '' : 'autoheal.yaml');
    expect(rest).toMatchObject({
      notifiers: {},
      targets: [],
      flags: { 'heuristics-only': { default: false } },
    });
  });

  test('the example that ships compiles', () => {
    const text = readFileSync(new URL('../../../autoheal.example.yaml', import.meta.url), 'utf8');
    expect(policy(text)).toMatchObject({
      notifiers: {
        page: {
          format: 'json',
          url: 'https://alerts.example.com/hooks/autoheal',
          url_file: null,
          bearer_token_file: '/run/secrets/page_token',
          timeout_ms: 10_000,
        },
        chat: { format: 'slack', url: null, url_file: '/run/secrets/slack_webhook' },
      },
      flags: { 'heuristics-only': { default: false }, 'import-batch-size': { default: 500 } },
      targets: expect.arrayContaining(['docker/crm-api', 'k8s/staging/deployment/*']),
      commands: [['/usr/bin/systemctl', 'restart', 'import-*']],
      hosts: ['https://crm.example.com'],
      databases: { crm: { url: null, url_file: '/run/secrets/crm_database_url' } },
    });
  });

  test('a policy may declare heuristics-only anew', () => {
    const { flags } = policy('flags: { heuristics-only: { default: true } }');
    expect(flags).toEqual({ 'heuristics-only': { default: true, summary: '' } });
  });

  test('nothing may be run or reached by default', () => {
    expect(policy()).toMatchObject({ commands: [], hosts: [], databases: {} });
  });

  test.each(['sh', 'bash', 'python3.12', 'node', 'env', 'sudo', 'xargs', 'busybox', 'Bash'])(
    '%s runs whatever its arguments say, wherever it is',
    (name) => {
      const text = `commands: [[/opt/x/${name}, a]]`;
      const { problems } = compilePolicy({ file: 'autoheal.yaml', text });
      expect(problems.map(({ message }) => message).join()).toContain('runs whatever');
    },
  );

  test.each(['shutdown', 'findmnt', 'pythonic', 'systemctl', 'nodetool', 'clear-cache'])(
    '%s is a program like any other',
    (name) => {
      expect(policy(`commands: [[/opt/${name}]]`).commands).toEqual([[`/opt/${name}`]]);
    },
  );

  test.each([
    ['commands', `[${Array.from({ length: 101 }, () => '[/bin/a]').join()}]`],
    ['hosts', `[${Array.from({ length: 101 }, (_, n) => `'http://h${n}'`).join()}]`],
    ['databases', `{${Array.from({ length: 21 }, (_, n) => `d${n}: {url_file: /x}`).join()}}`],
    ['databases', '{ "a/b": { url_file: /x } }'],
    ['databases', '{ a: { url: "postgres://h/d?password=x" } }'],
    ['databases', '{ a: { url: "postgres://h/d", url_file: /x } }'],
    ['commands', '[[/usr//bin/a]]'],
    ['commands', '[[/usr/bin/../sh]]'],
    ['commands', '[[]]'],
    ['hosts', '["https://h?x=1"]'],
    ['hosts', '["ftp://h"]'],
  ])('%s: %.60s is refused', (section, value) => {
    const text = `${section}: ${value}`;
    expect(compilePolicy({ file: 'autoheal.yaml', text }).policy).toBeUndefined();
  });

  test('names like those of Object are names', () => {
    expect(policy('flags: { constructor: { default: 1 } }').flags['constructor']).toEqual({
      default: 1,
      summary: '',
    });
  });
});

function allows(entry: string, id: string, name: string): boolean {
  return policyAllows(policy(`targets: ['${entry}']`), id, name);
}

describe('policyAllows', () => {
  test.each([
    ['docker/crm-api', 'docker/3f2a', 'crm-api', true],
    ['docker/3f2a', 'docker/3f2a', 'crm-api', true],
    ['docker/crm-*', 'docker/3f2a', 'crm-api', true],
    ['docker/*', 'docker/3f2a', 'crm-api', true],
    ['docker/crm-api', 'docker/3f2a', 'crm-api-2', false],
    ['docker/crm-api', 'compose/crm-api', 'crm-api', false],
    ['compose/import-worker', 'compose/shop/import-worker', 'import-worker', true],
    ['compose/shop/import-worker', 'compose/shop/import-worker', 'import-worker', true],
    ['compose/shop/*', 'compose/shop/import-worker', 'import-worker', true],
    ['compose/shop/*', 'compose/shopping/import-worker', 'import-worker', false],
    ['compose/*', 'compose/shop/import-worker', 'shop/import-worker', false],
    ['k8s/prod/deployment/worker', 'k8s/prod/deployment/worker', 'worker', true],
    ['k8s/prod/deployment/*', 'k8s/prod/deployment/worker', 'worker', true],
    ['k8s/prod/deployment/*', 'k8s/staging/deployment/worker', 'worker', false],
    ['k8s/prod/deployment/*', 'k8s/prod/statefulset/worker', 'worker', false],
  ])('%s allows %s (%s): %s', (entry, id, name, wanted) => {
    expect(allows(entry, id, name)).toBe(wanted);
  });

  test('the default policy allows nothing', () => {
    expect(policyAllows(policy(), 'docker/3f2a', 'crm-api')).toBe(false);
  });
});

test('maskAddresses hides addresses and keeps every place', () => {
  const text =
    "a: https://me:pw@h/x\nurl: h/services/T0/secret\nx: { url: 'https://h/y', format: slak }\n";
  const masked = maskAddresses(text);
  expect(masked).not.toMatch(/secret|pw|services|h\/y/);
  expect(masked).toHaveLength(text.length);
  expect(masked.indexOf('slak')).toBe(text.indexOf('slak'));
});
