import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../src/config.ts';
import { fileVariable, VARIABLE_NAMES } from '../src/config-variables.ts';
import { configOf, noticesOf, problemsOf, TOKEN } from './environment.ts';

describe('an empty environment', () => {
  test('is enough', () => {
    const { rules_dir, ...config } = configOf({});
    expect(config).toEqual({
      host: '127.0.0.1',
      port: 9009,
      mode: 'auto',
      database: { kind: 'sqlite', path: './data/autoheal.db' },
      policy_file: undefined,
      tokens: { webhook: [], api: [] },
      audit_key: undefined,
      prometheus_url: undefined,
      docker_host: undefined,
      kubeconfig: undefined,
      alertmanager_urls: [],
      flagd_file: undefined,
      chaos: { rate_pct: 0, seed: 1, for_ms: 900_000 },
      tracing: { url: undefined, headers: {}, service_name: 'autoheal', sentry_dsn: undefined },
      api_rate_limit: 6_000,
      self_probe_ms: 15_000,
      environment: 'development',
      log_level: 'info',
    });
    expect(rules_dir).toMatch(/[/\\]rules$/);
    expect(noticesOf({})).toEqual([]);
  });

  test('takes the policy file of the working folder, where there is one', () => {
    expect(configOf({}, { './autoheal.yaml': '' }).policy_file).toBe('./autoheal.yaml');
  });

  test('does not pass over a policy file that it may not read', () => {
    const loaded = loadConfig({}, () => {
      throw Object.assign(new Error('denied'), { code: 'EACCES' });
    });
    expect(loaded).toEqual({
      ok: false,
      problems: ['AUTOHEAL_CONFIG=./autoheal.yaml: the policy file cannot be read (EACCES)'],
    });
  });

  test('a variable set to nothing is unset, and that is said', () => {
    expect(configOf({ AUTOHEAL_MODE: '', AUTOHEAL_API_TOKEN: '' }).mode).toBe('auto');
    expect(noticesOf({ AUTOHEAL_MODE: '', DOCKER_HOST: '', AUTOHEAL_AUDIT_KEY_FILE: '' })).toEqual([
      'AUTOHEAL_MODE is set to nothing: taken as unset',
    ]);
  });
});

describe('values', () => {
  test('are read', () => {
    const env = {
      AUTOHEAL_HOST: '::',
      AUTOHEAL_PORT: '0',
      AUTOHEAL_MODE: 'dry-run',
      AUTOHEAL_DATABASE_URL: 'sqlite:///var/lib/autoheal/a.db',
      AUTOHEAL_RULES: '/etc/autoheal/rules',
      AUTOHEAL_CONFIG: '/etc/autoheal/policy.yaml',
      AUTOHEAL_WEBHOOK_TOKEN: 'old, new',
      AUTOHEAL_API_TOKEN: 'viewer:a,operator:b,c',
      AUTOHEAL_AUDIT_KEY: TOKEN,
      AUTOHEAL_PROMETHEUS_URL: 'http://prometheus:9090/prefix',
      AUTOHEAL_DOCKER_HOST: 'tcp://docker:2376',
      DOCKER_HOST: 'ssh://elsewhere',
      KUBECONFIG: '/etc/kube',
      AUTOHEAL_ALERTMANAGER_URL: 'http://am-1:9093, http://am-2:9093',
      AUTOHEAL_FLAGD_FILE: '/run/autoheal/flags.json',
      AUTOHEAL_CHAOS_FAILURE_RATE: '2.5',
      AUTOHEAL_CHAOS_SEED: '42',
      AUTOHEAL_CHAOS_FOR: '1h30m',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/otlp/',
      OTEL_EXPORTER_OTLP_HEADERS: 'X-Tenant=crm, x-key=a%2Cb',
      OTEL_SERVICE_NAME: 'autoheal-eu',
      SENTRY_DSN: 'https://0123abcd@sentry.example.com/errors/7',
      AUTOHEAL_API_RATE_LIMIT: '90',
      AUTOHEAL_SELF_PROBE: 'off',
      AUTOHEAL_ENV: 'staging',
      AUTOHEAL_LOG_LEVEL: 'debug',
      PATH: '/bin',
    };
    expect(configOf(env, { '/etc/autoheal/policy.yaml': 'targets: []' })).toEqual({
      host: '::',
      port: 0,
      mode: 'dry-run',
      database: { kind: 'sqlite', path: '/var/lib/autoheal/a.db' },
      rules_dir: '/etc/autoheal/rules',
      policy_file: '/etc/autoheal/policy.yaml',
      tokens: {
        webhook: ['old', 'new'],
        api: [
          { role: 'viewer', token: 'a' },
          { role: 'operator', token: 'b' },
          { role: 'admin', token: 'c' },
        ],
      },
      audit_key: TOKEN,
      prometheus_url: 'http://prometheus:9090/prefix',
      docker_host: 'tcp://docker:2376',
      kubeconfig: '/etc/kube',
      alertmanager_urls: ['http://am-1:9093', 'http://am-2:9093'],
      flagd_file: '/run/autoheal/flags.json',
      chaos: { rate_pct: 2.5, seed: 42, for_ms: 5_400_000 },
      tracing: {
        url: 'http://collector:4318/otlp/v1/traces',
        headers: { 'x-tenant': 'crm', 'x-key': 'a,b' },
        service_name: 'autoheal-eu',
        sentry_dsn: 'https://0123abcd@sentry.example.com/errors/7',
      },
      api_rate_limit: 90,
      self_probe_ms: null,
      environment: 'staging',
      log_level: 'debug',
    });
  });

  test('OTEL_ENABLED=false and no endpoint mean no traces; the endpoint of traces is taken as it is', () => {
    const both = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:4318',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:4318/in',
    };
    expect(configOf(both).tracing.url).toBe('http://traces:4318/in');
    expect(configOf({ ...both, OTEL_ENABLED: 'false' }).tracing.url).toBeUndefined();
    expect(configOf({ OTEL_ENABLED: 'true' }).tracing.url).toBeUndefined();
  });

  test('DOCKER_HOST stands in for ours and is not judged: other tools may need it so', () => {
    expect(configOf({ DOCKER_HOST: 'ssh://elsewhere' }).docker_host).toBe('ssh://elsewhere');
  });

  const wrong: readonly (readonly [name: string, value: string, message: RegExp])[] = [
    ['AUTOHEAL_HOST', '0.0.0.0:9009', /write a name or an address alone/],
    ['AUTOHEAL_HOST', 'http://localhost', /AUTOHEAL_PORT/],
    ['AUTOHEAL_PORT', '65536', /write a whole number from 0 to 65535/],
    ['AUTOHEAL_PORT', '9009.5', /whole number/],
    ['AUTOHEAL_MODE', 'dryrun', /did you mean "dry-run"/],
    ['AUTOHEAL_MODE', 'aprove', /did you mean "approve"/],
    ['AUTOHEAL_ALERTMANAGER_URL', 'http://a:9093,,b:9093', /write e\.g\. http:/],
    ['AUTOHEAL_MODE', 'PAUSED', /did you mean "paused"/],
    [
      'AUTOHEAL_DATABASE_URL',
      'postgres://autoheal@db/autoheal',
      /not in this version; write sqlite/,
    ],
    ['AUTOHEAL_DATABASE_URL', './autoheal.db', /write sqlite:PATH/],
    ['AUTOHEAL_DATABASE_URL', 'sqlite::memory:', /must be on disk/],
    ['AUTOHEAL_DATABASE_URL', 'sqlite://data/a.db', /relative path/],
    ['AUTOHEAL_DATABASE_URL', 'sqlite:', /names no file/],
    ['AUTOHEAL_DATABASE_URL', 'sqlite:a.db?mode=ro', /no options/],
    ['AUTOHEAL_PROMETHEUS_URL', 'prometheus:9090', /write e\.g\. http:\/\/prometheus:9090/],
    ['AUTOHEAL_PROMETHEUS_URL', 'http://prometheus:9090/?a=b', /leave out what begins with \?/],
    ['AUTOHEAL_DOCKER_HOST', 'ssh://docker', /write unix:/],
    ['AUTOHEAL_CHAOS_FAILURE_RATE', '5%', /without a sign/],
    ['AUTOHEAL_CHAOS_FAILURE_RATE', '101', /from 0 to 100/],
    ['AUTOHEAL_CHAOS_FAILURE_RATE', '-1', /from 0 to 100/],
    ['AUTOHEAL_CHAOS_SEED', '1e3', /whole number/],
    ['AUTOHEAL_CHAOS_FOR', '15 minutes', /write e\.g\. 90s/],
    ['AUTOHEAL_CHAOS_FOR', '25h', /at most 24h/],
    ['AUTOHEAL_CHAOS_FOR', '0', /above 0/],
    ['AUTOHEAL_CHAOS_ALLOW_PRODUCTION', 'yes', /write true or false/],
    ['AUTOHEAL_ENV', 'prod', /write one of production/],
    ['AUTOHEAL_ENV', 'prodution', /did you mean "production"/],
    ['AUTOHEAL_LOG_LEVEL', 'verbose', /trace, debug, info/],
  ];
  test.each(wrong)('%s=%s says what to write', (name, value, message) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
    expect(problems[0]?.startsWith(`${name}=`)).toBe(true);
  });

  test('all problems come at once', () => {
    const env = {
      AUTOHEAL_PORT: 'x',
      AUTOHEAL_MODE: 'y',
      AUTOHEAL_CONFIG: 'none.yaml',
      AUTOHEAL_PROT: '1',
    };
    expect(problemsOf(env)).toEqual([
      'AUTOHEAL_PROT (1 characters): there is no such variable; did you mean "AUTOHEAL_PORT"?',
      'AUTOHEAL_PORT=x: write a whole number from 0 to 65535',
      'AUTOHEAL_MODE=y: is not known: write one of auto, approve, dry-run, paused',
      'AUTOHEAL_CONFIG=none.yaml: the policy file cannot be read (ENOENT)',
    ]);
  });

  test('a value is shown on one line and not whole when it is long', () => {
    expect(problemsOf({ AUTOHEAL_MODE: 'a\nb' })[0]).toContain('AUTOHEAL_MODE="a\\nb": ');
    expect(problemsOf({ AUTOHEAL_MODE: 'x'.repeat(500) })[0]?.length).toBeLessThan(250);
  });
});

describe('chaos in production', () => {
  const armed = { AUTOHEAL_ENV: 'production', AUTOHEAL_CHAOS_FAILURE_RATE: '5' };

  test('needs the second setting', () => {
    expect(problemsOf(armed)).toEqual([
      expect.stringContaining('AUTOHEAL_CHAOS_ALLOW_PRODUCTION=true'),
    ]);
    expect(configOf({ ...armed, AUTOHEAL_CHAOS_ALLOW_PRODUCTION: 'true' }).chaos.rate_pct).toBe(5);
    expect(configOf({ ...armed, AUTOHEAL_CHAOS_FAILURE_RATE: '0' }).chaos.rate_pct).toBe(0);
    expect(configOf({ ...armed, AUTOHEAL_ENV: 'staging' }).chaos.rate_pct).toBe(5);
  });

  test('a rate below one percent is probably a share', () => {
    expect(noticesOf({ AUTOHEAL_CHAOS_FAILURE_RATE: '0.05' })[0]).toContain('0.05 percent');
  });
});

describe('names', () => {
  test('a variable of ours that does not exist is an error', () => {
    expect(problemsOf({ AUTOHEAL_WEBHOOK_TOKENS: TOKEN })).toEqual([
      `AUTOHEAL_WEBHOOK_TOKENS (${TOKEN.length} characters): there is no such variable; did you mean "AUTOHEAL_WEBHOOK_TOKEN"?`,
    ]);
    expect(problemsOf({ AUTOHEAL_SOMETHING_ELSE_ALTOGETHER: '1' })[0]).toContain(
      'docs/reference/configuration.md',
    );
  });

  test('what Kubernetes puts there for a service "autoheal" neither stops the start nor counts', () => {
    const linked = {
      AUTOHEAL_SERVICE_HOST: '10.0.0.7',
      AUTOHEAL_SERVICE_PORT: '9009',
      AUTOHEAL_SERVICE_PORT_HTTP: '9009',
      AUTOHEAL_PORT: 'tcp://10.0.0.7:9009',
      AUTOHEAL_PORT_9009_TCP: 'tcp://10.0.0.7:9009',
      AUTOHEAL_PORT_9009_TCP_ADDR: '10.0.0.7',
      AUTOHEAL_PORT_9009_TCP_PORT: '9009',
      AUTOHEAL_PORT_9009_TCP_PROTO: 'tcp',
      AUTOHEAL_DEMO_PORT: 'tcp://10.0.0.8:80',
    };
    expect(configOf(linked).port).toBe(9009);
    expect(noticesOf(linked)).toEqual([expect.stringContaining('enableServiceLinks: false')]);
  });
});

describe('docs/configuration.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/configuration.md'), 'utf8');

  test('names no variable that does not exist', () => {
    const known = new Set(VARIABLE_NAMES.flatMap((name) => [name, fileVariable(name)]));
    const named = page.match(/\bAUTOHEAL_[A-Z_]+\b/g) ?? [];
    expect(named.filter((name) => !known.has(name as never))).toEqual([]);
  });
});
