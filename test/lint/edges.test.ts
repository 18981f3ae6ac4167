import { describe, expect, test } from 'vitest';
import { renderProblems } from '../../src/core/rules/diagnostic.ts';
import { compileRule } from '../../src/core/rules/rule-compile.ts';
import type { Rule } from '../../src/core/rules/rule.ts';
import { atLeast, lintConfigurations } from '../../src/lint/run.ts';
import { CATALOGUE } from '../golden/catalogue.ts';

/** Where a lint must be silent, or not, at the edges of what it says. */

function rule(name: string, matchers: readonly string[], more = ''): Rule {
  const listed = matchers.map((matcher) => `  - '${matcher}'`).join('\n');
  const steps = more.includes('steps:')
    ? ''
    : 'steps: [{ action: set_flag, with: { flag: heuristics-only, value: true } }]\n';
  const text = `name: ${name}\nsummary: A rule.\nmatchers:\n${listed}\n${steps}${more}\n`;
  const file = `rules/${name}.yaml`;
  const compiled = compileRule({ file, text, hash: name }, CATALOGUE);
  if (compiled.rule === undefined) throw new Error(renderProblems(compiled.problems, () => text));
  return compiled.rule;
}

/** The lints that find something, in order of place. */
function codes(
  rules: readonly Rule[],
  { alerts, routes }: { readonly alerts?: string; readonly routes?: string } = {},
): readonly (string | null)[] {
  const prometheus =
    alerts === undefined
      ? undefined
      : [{ file: 'p.yml', text: `groups: [{ name: g, rules: [${alerts}] }]` }];
  const alertmanager = routes === undefined ? undefined : { file: 'a.yml', text: routes };
  const found = lintConfigurations(rules, { prometheus, alertmanager, url: undefined });
  return [...new Set(found.map(({ code }) => code))];
}

function alert(expr: string, labels = ''): string {
  return `{ alert: A, expr: '${expr}', labels: { ${labels} } }`;
}

describe('label-impossible judges only what is certain', () => {
  const NEEDS = [rule('a', ['alertname="A"', 'queue=~".+"'], 'guard: { cooldown: 1d }')];
  test.each([
    ['sum by (team) (x) > 5', true],
    ['sum(x{a=")"}) by (team) > 5', true],
    ['max by () (x)', true],
    ['count by (team, job) (x) == 1e3', true],
    ['sum by (team, queue) (x) > 5', false],
    ['sum(x) by (queue)', false],
    ['sum(x) > 5', false],
    ['sum without (team) (x)', false],
    ['topk by (team) (1, x)', false],
    ['sum by (team) (x) * on (team) group_left (queue) y', false],
    ['rate(x[5m]) > 5', false],
    ['sum by (team) (x', false],
  ])('%s: %j', (expr, impossible) => {
    expect(codes(NEEDS, { alerts: alert(expr) })).toEqual(impossible ? ['label-impossible'] : []);
  });

  test('a label that the alert writes is there, whatever its expression keeps', () => {
    expect(codes(NEEDS, { alerts: alert('sum by (team) (x)', 'queue: "{{ $value }}"') })).toEqual(
      [],
    );
  });

  test('one alert of the name that can have it is enough', () => {
    const alerts = `${alert('sum by (team) (x)')}, ${alert('sum by (queue) (x)')}`;
    expect(codes(NEEDS, { alerts })).toEqual([]);
  });
});

describe('cooldown-shorter-than-for', () => {
  test.each([
    ['rate(x[5m])', '5m', []],
    ['rate(x[5m])', '299s', ['cooldown-shorter-than-for']],
    ['max_over_time(rate(x[1m])[10m:30s])', '9m', ['cooldown-shorter-than-for']],
    ['x{a="[10m]"} > 1 # [1h]', '1m', []],
  ])('%s with a cooldown of %s', (expr, cooldown, wanted) => {
    const rules = [rule('a', ['alertname="A"'], `guard: { cooldown: ${cooldown} }`)];
    expect(codes(rules, { alerts: alert(expr) })).toEqual(wanted);
  });
});

describe('heals-itself', () => {
  test.each([
    [['alertname=~"Autoheal.*"'], true],
    [['service="autoheal"'], true],
    [['severity=~"page|ticket"', 'team=~".+"'], true],
    [['severity="page"', 'service!="autoheal"'], false],
    [['severity="page"', 'alertname!~"Autoheal.+"'], false],
    [['alertname="A"'], false],
    [['team="core"'], false],
  ])('%j: %j', (matchers, found) => {
    expect(codes([rule('a', matchers)])).toEqual(found ? ['heals-itself'] : []);
  });
});

describe('opposite-effects', () => {
  function flag(name: string, matchers: readonly string[], value: string, more = ''): Rule {
    const steps = `steps: [{ action: set_flag, with: { flag: heuristics-only, value: ${value} } }]`;
    return rule(name, matchers, `${steps}\n${more}`);
  }
  const ON = flag('a', ['team="core"'], 'true', 'continue: true');
  test.each([
    ['the other value for the same alert', [ON, flag('b', ['kind="x"'], 'false')], true],
    ['the same value', [ON, flag('b', ['kind="x"'], 'true')], false],
    ['alerts that exclude each other', [ON, flag('b', ['team="web"'], 'false')], false],
    [
      'the first takes the alert for itself',
      [flag('a', ['team="core"'], 'true'), flag('b', ['kind="x"'], 'false')],
      false,
    ],
  ])('%s: %#', (_, rules, found) => {
    expect(codes(rules)).toEqual(found ? ['opposite-effects'] : []);
  });
});

describe('what routes are judged', () => {
  const WEBHOOK = '{ url: http://autoheal:9009/webhook, send_resolved: false }';
  const HTTP = 'global: { http_config: { follow_redirects: false } }\n';
  const TIMES = 'group_interval: 15s, repeat_interval: 5m';
  function routes(matcher: string): string {
    return `${HTTP}route: { receiver: human, ${TIMES}, routes: [{ receiver: ours, matchers: ['${matcher}'] }] }
receivers: [{ name: ours, webhook_configs: [${WEBHOOK}] }, { name: human }]`;
  }
  const PAGES = rule('a', ['severity="page"', 'service!="autoheal"']);
  test('a webhook that no rule lives by may be set as it likes', () => {
    expect(codes([PAGES], { routes: routes('severity="page"') })).toEqual(['send-resolved-off']);
    expect(codes([PAGES], { routes: routes('severity="none"') })).toEqual([]);
    expect(codes([PAGES], { routes: routes('alertname="Watchdog"') })).toEqual([]);
  });

  test("a route for one alert is a rule's, where that alert is", () => {
    const found = (severity: string) =>
      codes([PAGES], {
        routes: routes('alertname="A"'),
        alerts: alert('x', `severity: ${severity}`),
      });
    expect(found('page')).toEqual(['send-resolved-off']);
    expect(found('none')).toEqual([]);
  });

  test('without a receiver that leads here, nothing reaches autoheal', () => {
    const alone = 'route: { receiver: human }\nreceivers: [{ name: human }]';
    const world = { routes: alone, alerts: alert('x', 'severity: page') };
    expect(codes([PAGES], world)).toEqual(['route-never-reaches']);
    const hidden = alone.replace('human }]', 'human, webhook_configs: [{ url_file: /u }] }]');
    expect(codes([PAGES], { ...world, routes: hidden })).toEqual([]);
  });

  test('a lease shorter than the repeat, though max_age is longer', () => {
    const leased = rule(
      'a',
      ['severity="page"', 'service!="autoheal"'],
      'steps: [{ action: set_flag, with: { flag: heuristics-only, value: true }, lease: 4m }]',
    );
    const open = routes('severity="page"').replace('send_resolved: false', 'send_resolved: true');
    expect(codes([leased], { routes: open })).toEqual(['repeat-interval-long']);
    expect(codes([PAGES], { routes: open })).toEqual([]);
  });
});

test('repeats come at whole group intervals', () => {
  const config = (
    group: string,
  ) => `route: { receiver: ours, group_interval: ${group}, repeat_interval: 14m }
receivers: [{ name: ours, webhook_configs: [{ url: http://a/webhook, http_config: { follow_redirects: false } }] }]`;
  const rules = [rule('a', ['alertname="A"'])];
  expect(codes(rules, { routes: config('7m') })).toEqual([]);
  expect(codes(rules, { routes: config('8m') })).toEqual(['repeat-interval-long']);
});

test('a disabled rule is not compared', () => {
  expect(codes([rule('a', ['service="autoheal"'], 'enabled: false')])).toEqual([]);
});

test.each([
  ['error', 'error', true],
  ['error', 'info', true],
  ['warning', 'error', false],
  ['warning', 'warning', true],
  ['info', 'warning', false],
] as const)('%s is at least %s: %j', (severity, asked, wanted) => {
  expect(atLeast(severity, asked)).toBe(wanted);
});
