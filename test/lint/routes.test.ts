import { describe, expect, test } from 'vitest';
import { readAlertmanager } from '../../src/lint/alertmanager.ts';
import { flagOf } from '../../src/lint/values.ts';
import { receiversOf } from '../../src/lint/reach.ts';

const RECEIVERS = `receivers:
  - { name: ours, webhook_configs: [{ url: http://autoheal:9009/webhook }] }
`;

function read(route: string, url?: string) {
  return readAlertmanager('alertmanager.yml', `${route}\n${RECEIVERS}`, url);
}

/** Who can get an alert with these labels, when others are unknown. */
function receivers(route: string, labels: Readonly<Record<string, string>>): readonly string[] {
  const { alertmanager, problems } = read(route);
  expect(problems).toEqual([]);
  return alertmanager === undefined ? [] : [...receiversOf(alertmanager.root, labels)];
}

describe('routes, by the semantics of Alertmanager', () => {
  const ROUTES = `route:
  receiver: root
  routes:
    - matchers: ['team="a"']
      receiver: a
      routes:
        - matchers: ['severity=~"page|critical"']
          receiver: a-page
    - match: { team: b }
      continue: true
      receiver: b
    - match_re: { team: 'b|c' }
      receiver: b-or-c
    - matchers: ['kind!="batch"', 'kind!~"night.*"']
      receiver: by-day`;
  test.each([
    ['the first child that matches takes it', { team: 'c', kind: 'x' }, ['b-or-c']],
    ['the deepest one that matches', { team: 'a', severity: 'page' }, ['a-page']],
    ['the parent, where no child does', { team: 'a', severity: 'info' }, ['a']],
    ['continue: those behind it too', { team: 'b' }, ['b', 'b-or-c']],
    ['the root, where nobody does', { team: 'z', kind: 'batch' }, ['root']],
    ['an expression is anchored', { team: 'bb', kind: 'nightly' }, ['root']],
    ['a label set to nothing is none', { team: '', kind: '' }, ['by-day']],
    ['an unknown label may decide either way', { team: 'a' }, ['a-page', 'a']],
    ['an unknown label anywhere', { severity: 'info' }, ['a', 'b', 'b-or-c', 'by-day', 'root']],
  ])('%s', (_, labels, wanted) => {
    expect(receivers(ROUTES, labels as Record<string, string>)).toEqual(wanted);
  });

  test.each([
    [`'{a="1", b="x,y"}'`, { a: '1', b: 'x,y' }],
    [`'a=1,b="x,y"'`, { a: '1', b: 'x,y' }],
    [`'a=', 'b="\\""'`, { a: '', b: '"' }],
  ])('reads the matchers %s', (matchers, labels) => {
    const route = `route: { receiver: root, routes: [{ matchers: [${matchers}], receiver: got }] }`;
    expect(receivers(route, labels as Record<string, string>)).toEqual(['got']);
    expect(receivers(route, { a: 'other', b: '' })).toEqual(['root']);
  });
});

test('intervals and receivers are inherited', () => {
  const { alertmanager } = read(`route:
  receiver: ours
  group_interval: 20s
  routes: [{ matchers: [a=b], repeat_interval: 7m }]`);
  const [child] = alertmanager?.root.routes ?? [];
  expect(child).toMatchObject({
    receiver: 'ours',
    group_interval: { ms: 20_000, path: ['route', 'group_interval'] },
    repeat_interval: { ms: 420_000, path: ['route', 'routes', 0, 'repeat_interval'] },
  });
  expect(alertmanager?.root.repeat_interval).toEqual({ ms: 14_400_000, path: undefined });
});

test.each([
  [undefined, 'yes'],
  ['http://autoheal:9009/webhook', 'yes'],
  ['http://other:9009/webhook', 'no'],
])('with --url %s the webhook is ours: %s', (url, ours) => {
  const { alertmanager } = read('route: { receiver: ours }', url);
  expect(alertmanager?.webhooks.map((webhook) => webhook.ours)).toEqual([ours]);
});

test.each([
  ['route: { receiver: r, routes: [{ matchers: [a~b] }] }', 1, 'has no operator'],
  ['route:\n  matchers: ["a=~("]', 2, 'missing closing )'],
  ['global: {}', 1, 'it has no "route"'],
  ['route: [', 2, 'this is not YAML'],
  [`route: ${'{ routes: [{ routes: ['.repeat(40)}${']}]}'.repeat(40)}`, 1, 'nest deeper than 50'],
])('what does not read is a problem with its place: %.40s', (route, line, message) => {
  const { alertmanager, problems } = read(route);
  expect(alertmanager).toBeUndefined();
  expect(problems[0]).toMatchObject({ file: 'alertmanager.yml', line });
  expect(problems[0]?.message).toContain(message);
});

test.each([
  ['no', false],
  ['Off', false],
  [false, false],
  ['yes', true],
  ['neither', undefined],
  [1, undefined],
])('%j where Go reads a boolean is %j', (value, wanted) => {
  expect(flagOf(value)).toBe(wanted);
});
