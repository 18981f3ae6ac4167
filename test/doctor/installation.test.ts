import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { checkConfiguration } from '../../src/doctor/configuration.ts';
import { checkDatabase } from '../../src/doctor/database.ts';
import { worstOf } from '../../src/doctor/finding.ts';
import { checkFlagsFile } from '../../src/doctor/flags-file.ts';
import { serviceUrl } from '../../src/doctor/installation.ts';
import { needsOf } from '../../src/doctor/needs.ts';
import { checkRules } from '../../src/doctor/rules.ts';
import { tableOf } from '../../src/doctor/table.ts';
import { openSqliteStore } from '../../src/adapters/store/open.ts';
import { loadActions } from '../../src/engine/registry.ts';
import type { Env } from '../../src/config.ts';
import { configOf } from '../environment.ts';
import { freePort } from '../real/ready.ts';
import { installation, later, linesOf, pages, SHIPPED_ACTIONS } from './world.ts';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'autoheal-doctor-'));
  later(() => rmSync(made, { recursive: true, force: true }));
  return made;
}
const SECRET = 'a-long-secret-of-this-test';

test.each<readonly [Env, RegExp]>([
  [{}, /^ok: none: only this machine is served/],
  [{ AUTOHEAL_HOST: '::1' }, /^ok: none/],
  [
    { AUTOHEAL_HOST: '0.0.0.0' },
    /^fail: none, and AUTOHEAL_HOST=0\.0\.0\.0.* -> set AUTOHEAL_WEBHOOK_TOKEN/,
  ],
  [{ AUTOHEAL_WEBHOOK_TOKEN: SECRET }, /^warn: only AUTOHEAL_WEBHOOK_TOKEN/],
  [{ AUTOHEAL_API_TOKEN: SECRET }, /^warn: only AUTOHEAL_API_TOKEN/],
  [{ AUTOHEAL_API_TOKEN: SECRET, AUTOHEAL_WEBHOOK_TOKEN: SECRET }, /^ok: 1 for the webhook, 1 for/],
])('tokens of %j', (env, expected) => {
  const lines = linesOf(checkConfiguration(configOf(env), []));
  expect(lines).toEqual(['ok: every variable reads', expect.stringMatching(expected)]);
});

test('what holds autoheal back is said: paused, failing on purpose, a notice', () => {
  const config = configOf({ AUTOHEAL_MODE: 'paused', AUTOHEAL_CHAOS_FAILURE_RATE: '5' });
  const lines = linesOf(checkConfiguration(config, ['a notice']));
  expect(lines).toEqual([
    expect.stringMatching(/^warn: a notice/),
    expect.stringMatching(/^warn: AUTOHEAL_MODE=paused: autoheal begins nothing/),
    expect.stringMatching(/^warn: AUTOHEAL_CHAOS_FAILURE_RATE=5/),
    expect.stringMatching(/^ok: none/),
  ]);
});

test('rules: compiled as serve compiles them, with place, caret and fix', async () => {
  const actions = await loadActions(SHIPPED_ACTIONS);
  const dir = folder();
  const none = await checkRules(configOf({ AUTOHEAL_RULES: dir }), actions);
  expect(linesOf(none.findings)).toEqual([expect.stringMatching(/^warn: .*no rule is enabled/)]);
  writeFileSync(
    join(dir, 'a.yaml'),
    'name: a\nsummary: x\nmatchers: [\'alertname="A"\']\nsteps: [{ action: set_flga }]\n',
  );
  const bad = await checkRules(configOf({ AUTOHEAL_RULES: dir }), actions);
  expect(bad.set).toBeUndefined();
  expect(linesOf(bad.findings)).toEqual([
    expect.stringMatching(/^fail: 1 problem[^]*a\.yaml:4:\d+: [^]*set_flga[^]*\^+[^]*set_flag/),
  ]);
  const missing = await checkRules(configOf({ AUTOHEAL_RULES: join(dir, 'nowhere') }), actions);
  expect(linesOf(missing.findings)).toEqual([
    expect.stringMatching(/^fail: [^]*it does not exist/),
  ]);
});

test('what the shipped rules need is read from them', async () => {
  const actions = await loadActions(SHIPPED_ACTIONS);
  const { set } = await checkRules(configOf({}), actions);
  const needs = needsOf(set?.rules ?? [], actions);
  expect(needs.docker).toEqual(expect.arrayContaining(['endpoint-down', 'import-backlog']));
  expect(needs.kubernetes).toEqual(expect.arrayContaining(['kube-pod-crash-looping']));
  expect(needs.prometheus).toEqual(expect.arrayContaining(['probe-failing']));
  // They name what they touch by templates: which namespace they need rights in, nobody can say.
  expect(needs.rights).toEqual([]);
  expect(needs.alertnames.map(({ alertname }) => alertname)).toContain('AIErrorRateHigh');
});

test('what rules of other kinds need: namespaces, a Swarm, containers by name, not by template', async () => {
  const actions = await loadActions(SHIPPED_ACTIONS);
  const dir = folder();
  writeFileSync(
    join(dir, 'a.yaml'),
    `name: a
summary: x
matchers: ['alertname="A"', 'container=~".+"']
steps:
  - { action: scale_workers, with: { workload: k8s/prod/deployment/worker, by: 1, max: 4 } }
  - { action: scale_workers, with: { workload: swarm/worker, by: 1, max: 4 } }
  - { action: restart_container, with: { container: crm-api, then: [crm-web, '{{ labels.container }}'] } }
  - { action: restart_container, with: { container: '{{ labels.container }}' } }
guard: { max_age: 4m }
`,
  );
  const { set, findings } = await checkRules(configOf({ AUTOHEAL_RULES: dir }), actions);
  expect(worstOf(findings)).toBe('ok');
  expect(needsOf(set?.rules ?? [], actions)).toEqual({
    docker: ['a'],
    swarm: ['a'],
    kubernetes: ['a'],
    prometheus: [],
    containers: ['crm-api', 'crm-web'],
    rights: [
      { ...DEPLOYMENTS, verb: 'get' },
      { ...DEPLOYMENTS, subresource: 'scale', verb: 'get' },
      { ...DEPLOYMENTS, subresource: 'scale', verb: 'update' },
    ],
    looks: [],
    databases: [],
    alertnames: [{ rule: 'a', alertname: 'A' }],
    max_age_ms: 240_000,
  });
});

const DEPLOYMENTS = { namespace: 'prod', group: 'apps', resource: 'deployments' };

test('what rules look at: PromQL of when too, addresses that are written out', async () => {
  const actions = await loadActions(SHIPPED_ACTIONS);
  const dir = folder();
  const verify = [
    "http: 'http://crm/health'",
    "http: 'http://crm/{{ labels.host }}'",
    "tcp: 'crm-db:5432'",
    "http: 'http://crm/health'",
  ];
  const steps = verify.map(
    (text) => `  - { action: restart_container, with: { container: x }, verify: { ${text} } }\n`,
  );
  const head = `name: a\nsummary: x\nmatchers: ['alertname="A"', 'host=~".+"']\n`;
  const when = "when: [{ promql: 'up == 1' }]\n";
  writeFileSync(join(dir, 'a.yaml'), `${head}${when}steps:\n${steps.join('')}`);
  const { set } = await checkRules(configOf({ AUTOHEAL_RULES: dir }), actions);
  const needs = needsOf(set?.rules ?? [], actions);
  expect(needs.prometheus).toEqual(['a']);
  expect(needs.looks).toEqual([
    { rule: 'a', check: { kind: 'http', url: 'http://crm/health', status: null } },
    { rule: 'a', check: { kind: 'tcp', address: 'crm-db:5432' } },
  ]);
});

test('database: made later, opens, in use, not a database', async () => {
  const dir = folder();
  const path = join(dir, 'deep/autoheal.db');
  const env = {
    AUTOHEAL_DATABASE_URL: `sqlite:${path}`,
    AUTOHEAL_URL: `http://127.0.0.1:${await freePort()}`,
  };
  async function check(changes: Env = {}): Promise<string> {
    return linesOf(await checkDatabase(installation({ ...env, ...changes }))).join('\n');
  }
  expect(await check()).toMatch(
    /^ok: .*will be made at the first start\nok: \d+ MiB are free in .*\nskip: it does not run/,
  );
  const store = await openSqliteStore({
    path,
    metrics: { auditWrite: () => undefined },
    clock: systemClock,
  });
  later(() => store.close());
  expect(await check()).toMatch(
    /\nok: .*is in use.*\nfail: the database is in use, but nothing answers/,
  );
  const ready = await pages({ '/health/readiness': { status: 'ok' } });
  expect(await check({ AUTOHEAL_URL: ready })).toMatch(/is in use.*\nok: http:.* is ready/);
  await store.close();
  expect(await check()).toMatch(/\nok: .*autoheal\.db opens\nskip/);
  expect(await check({ AUTOHEAL_URL: await pages({}) })).toMatch(/\nfail: .*that is not autoheal/);
  writeFileSync(
    path,
    'this is a text, and it is long enough to be looked at by SQLite. '.repeat(20),
  );
  expect(await check()).toMatch(/\nfail: .*is not a database: move the file away/);
});

test('database: a folder in which a file is in the way', async () => {
  const dir = folder();
  writeFileSync(join(dir, 'file'), '');
  const env = {
    AUTOHEAL_DATABASE_URL: `sqlite:${join(dir, 'file/autoheal.db')}`,
    AUTOHEAL_URL: `http://127.0.0.1:${await freePort()}`,
  };
  expect(linesOf(await checkDatabase(installation(env)))).toContainEqual(
    expect.stringMatching(/^fail: .*\/file is not a folder/),
  );
});

test('flags file: nothing to say where none is asked for; its folder must be there', async () => {
  expect(await checkFlagsFile(installation({}))).toEqual([]);
  const AUTOHEAL_FLAGD_FILE = join(folder(), 'deep/flags.json');
  const of = installation({ AUTOHEAL_FLAGD_FILE });
  expect(linesOf(await checkFlagsFile(of))).toEqual([
    expect.stringMatching(/^fail: .* -> make the folder/),
  ]);
  mkdirSync(join(AUTOHEAL_FLAGD_FILE, '..'));
  expect(linesOf(await checkFlagsFile(of))).toEqual([expect.stringMatching(/^ok: /)]);
});

test('the service is asked where it would listen', () => {
  const urlOf = (env: Env) => serviceUrl({ env, config: configOf(env) });
  expect(urlOf({})).toBe('http://127.0.0.1:9009');
  expect(urlOf({ AUTOHEAL_HOST: '0.0.0.0', AUTOHEAL_PORT: '81' })).toBe('http://127.0.0.1:81');
  expect(urlOf({ AUTOHEAL_HOST: '::1' })).toBe('http://[::1]:9009');
  expect(urlOf({ AUTOHEAL_URL: 'http://heal:1' })).toBe('http://heal:1');
});

test('the table: a line a finding, the fix below, colours only when asked, nothing that steers a terminal', () => {
  const findings = [
    { check: 'docker', status: 'ok', what: 'fine', fix: null },
    { check: 'rules', status: 'fail', what: 'two\nlines \u001B[2J', fix: 'write it' },
  ] as const;
  expect(tableOf(findings, false)).toBe(
    [
      'ok    docker         fine',
      'fail  rules          two',
      '                     lines ?[2J',
      '                     fix: write it',
      '',
      '1 ok, 0 warnings, 1 failures, 0 skipped',
      '',
    ].join('\n'),
  );
  expect(tableOf(findings, true)).toContain('\u001B[31mfail\u001B[0m  rules');
});
