import { describe, expect, test } from 'vitest';
import { fileVariable, VARIABLE_NAMES } from '../src/config-variables.ts';
import { redacted } from '../src/config.ts';
import { configOf, noticesOf, problemsOf, TOKEN } from './environment.ts';

describe('secrets', () => {
  test.each(VARIABLE_NAMES.filter((name) => fileVariable(name) !== undefined))(
    '%s may come from a file, trimmed; both at once, an empty and a missing file are errors',
    (name) => {
      const value = name.endsWith('DATABASE_URL')
        ? 'sqlite:a.db'
        : /_(URL|ENDPOINT)$/.test(name)
          ? 'http://u:pw@p:9090'
          : name.endsWith('_HEADERS')
            ? `authorization=${TOKEN}`
            : name === 'SENTRY_DSN'
              ? 'https://0123abcd@sentry.example.com/7'
              : TOKEN;
      const file = fileVariable(name) ?? '';
      const from_file = configOf({ [file]: '/run/secret' }, { '/run/secret': `${value}\n` });
      expect(from_file).toEqual(configOf({ [name]: value }));
      const env = { [name]: value, [file]: '/run/secret' };
      expect(problemsOf(env)).toEqual([`${name} and ${file} are both set: write one of them`]);
      expect(problemsOf({ [file]: '/run/none' })).toEqual([
        `${file}=/run/none: the file cannot be read (ENOENT)`,
      ]);
      expect(problemsOf({ [file]: '/e' }, { '/e': ' \n' })).toEqual([
        `${file}=/e: the file is empty`,
      ]);
    },
  );

  test.each([
    ['AUTOHEAL_WEBHOOK_TOKEN', 'a,,b', /entry 2 is empty/],
    ['AUTOHEAL_WEBHOOK_TOKEN', 'secret one,b', /entry 1 is no token/],
    ['AUTOHEAL_WEBHOOK_TOKEN', 'sécret', /visible ASCII/],
    ['AUTOHEAL_API_TOKEN', 'root:secret', /is no role; write one of viewer, operator, admin/],
    ['AUTOHEAL_API_TOKEN', 'viewer:', /no token stands behind/],
    ['AUTOHEAL_API_TOKEN', 'viewer:secret,secret', /entry 2 repeats a token/],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=b,secret', /entry 2 is no header; write name=value/],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=secret%', /entry 1 is no header/],
    ['SENTRY_DSN', 'secret', /is not a DSN of Sentry; write it like https:/],
    ['SENTRY_DSN', 'https://secret@sentry.example.com', /is not a DSN of Sentry/],
    ['SENTRY_DSN', 'https://sentry.example.com/1', /is not a DSN of Sentry/],
    ['SENTRY_DSN', 'ftp://secret@sentry.example.com/1', /is not a DSN of Sentry/],
  ])('%s=%s is refused without being shown', (name, value, message) => {
    const problems = problemsOf({ [name]: value });
    expect(problems[0]).toMatch(message);
    expect(problems[0]).toContain(`${name} (${value.length} characters)`);
    expect(problems.join()).not.toMatch(/secret|sécret/);
  });

  test('none is in what is printed or in a problem', () => {
    const env = {
      AUTOHEAL_WEBHOOK_TOKEN: TOKEN,
      AUTOHEAL_API_TOKEN: `viewer:${TOKEN}`,
      AUTOHEAL_AUDIT_KEY: TOKEN,
      AUTOHEAL_PROMETHEUS_URL: `http://user:${TOKEN}@prometheus:9090`,
      AUTOHEAL_ALERTMANAGER_URL: `http://a:${TOKEN}@am-1:9093,http://b:${TOKEN}@am-2:9093`,
      SENTRY_DSN: `https://${TOKEN.replaceAll('-', '_')}@sentry.example.com/1`,
    };
    expect(redacted(configOf(env))).toMatchObject({
      AUTOHEAL_WEBHOOK_TOKEN: '1 set',
      AUTOHEAL_API_TOKEN: 'viewer:***',
      AUTOHEAL_AUDIT_KEY: 'set',
      SENTRY_DSN: 'set',
      AUTOHEAL_PROMETHEUS_URL: 'http://***@prometheus:9090',
      AUTOHEAL_ALERTMANAGER_URL: 'http://***@am-1:9093,http://***@am-2:9093',
      AUTOHEAL_CHAOS_FOR: '15m',
    });
    expect(JSON.stringify(redacted(configOf(env)))).not.toContain(TOKEN);
    const wrong = {
      AUTOHEAL_PROMETHEUS_URL: `ftp://user:${TOKEN}@p`,
      AUTOHEAL_DATABASE_URL: `postgres://u:${TOKEN}@db/x`,
      AUTOHEAL_ALERTMANAGER_URL: `http://a:9093,http://u:${TOKEN}@b:999999`,
    };
    expect(problemsOf(wrong)).toHaveLength(3);
    expect(problemsOf(wrong).join()).not.toContain(TOKEN);
  });

  test('a short one is pointed out', () => {
    expect(noticesOf({ AUTOHEAL_API_TOKEN: 'viewer:abc' })[0]).toContain(
      'AUTOHEAL_API_TOKEN is shorter',
    );
  });
});
