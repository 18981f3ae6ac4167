import { assert, constantFrom, integer, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Rule } from '../../../src/core/rules/rule.ts';
import { compileRule, RULE_CHARS_MAX, ruleNameOf } from '../../../src/core/rules/rule-compile.ts';
import { CATALOGUE } from '../../golden/catalogue.ts';

const SMALL = `name: small
summary: A rule.
matchers: ['alertname="X"']
steps: [{ action: restart_container, with: { container: crm-api } }]
`;

const WHOLE = `name: whole
summary: Everything that a rule can say.
runbook: docs/runbooks/whole.md
enabled: false
mode: approve
continue: true
matchers:
  - 'alertname="X"'
  - 'container=~"crm-.+"'
  - '"weird name"!=""'
when:
  - { promql: 'up{job="{{ labels["weird name"] }}"} == 1' }
  - { not_during: release-freeze }
steps:
  - action: scale_workers
    with: { workload: 'compose/{{ labels.container }}', by: +2, max: '{{ labels.max | default "8" }}' }
    lease: 1h30m
    deadline: 30s
    verify: { within: 5m, settle: 10s, for: 30s, promql: 'up{job="{{ labels["weird name"] }}"} == 1' }
  - action: restart_container
    with: { container: '{{ labels.container }}', stop_seconds: 3 }
    verify: { health: true }
  - action: notify
    with: { notifier: chat, message: '{{ annotations.summary | default "down" }}' }
    verify: { within: 3m, resolved: true }
  - action: restart_container
    with: { container: '{{ labels.container }}' }
    verify: { http: 'https://crm/{{ labels.container }}/health' }
  - action: restart_container
    with: { container: '{{ labels.container }}' }
    verify: { http: { url: 'http://[::1]:8080/', status: [200, 401] } }
  - action: restart_container
    with: { container: '{{ labels.container }}' }
    verify: { tcp: '{{ labels.instance | default "[::1]:80" }}' }
guard:
  cooldown: 0
  limit: ['3/1h', '7/1d']
  limit_rule: ['20/1d']
  max_age: 3h
  min_healthy: 2
  approval: { from: admin, within: 2h }
holdout: 5%
holdout_for: 2m
otherwise: page
`;

function compile(name: string, text: string): Rule {
  const { rule, problems } = compileRule(
    { file: `rules/${name}.yaml`, text, hash: 'h' },
    CATALOGUE,
  );
  if (rule === undefined) throw new Error(JSON.stringify(problems));
  return rule;
}

function using(matcher: string): readonly string[] {
  const text = `name: r\nsummary: A rule.\nmatchers: ['alertname="X"', '${matcher}']\nsteps: [{ action: restart_container, with: { container: '{{ labels.c }}' } }]\n`;
  const { problems } = compileRule({ file: 'rules/r.yaml', text, hash: 'h' }, CATALOGUE);
  return problems.map((problem) => problem.message);
}

describe('compileRule', () => {
  test('fills in the defaults', () => {
    const { matchers, ...rest } = compile('small', SMALL);
    expect(matchers.map((matcher) => matcher.text)).toEqual(['alertname="X"']);
    expect(rest).toEqual({
      name: 'small',
      summary: 'A rule.',
      runbook: null,
      enabled: true,
      mode: 'auto',
      continue: false,
      when: [],
      steps: [
        {
          action: 'restart_container',
          with: { container: 'crm-api' },
          lease_ms: null,
          verify: { within_ms: 600_000, settle_ms: 0, for_ms: 0, check: { kind: 'resolved' } },
          deadline_ms: 60_000,
        },
      ],
      guard: {
        cooldown_ms: 300_000,
        limit: [{ count: 3, window_ms: 3_600_000, text: '3/1h' }],
        limit_rule: [],
        max_age_ms: 900_000,
        min_healthy: null,
        approval: { role: 'operator', within_ms: 600_000 },
      },
      holdout: null,
      otherwise: 'log',
      file: 'rules/small.yaml',
      text: SMALL,
      hash: 'h',
    });
  });

  test('takes everything that a rule can say', () => {
    const rule = compile('whole', WHOLE);
    expect(rule).toMatchObject({
      enabled: false,
      mode: 'approve',
      continue: true,
      runbook: 'docs/runbooks/whole.md',
      otherwise: 'page',
      holdout: { share_pct: 5, for_ms: 120_000 },
      when: [
        { kind: 'promql', expr: 'up{job="{{ labels["weird name"] }}"} == 1' },
        { kind: 'not_during', interval: 'release-freeze' },
      ],
      guard: {
        cooldown_ms: 0,
        limit_rule: [{ count: 20, window_ms: 86_400_000 }],
        max_age_ms: 10_800_000,
        min_healthy: 2,
        approval: { role: 'admin', within_ms: 7_200_000 },
      },
    });
    expect(rule.steps.slice(3).map((step) => step.verify.check)).toEqual([
      { kind: 'http', url: 'https://crm/{{ labels.container }}/health', status: null },
      { kind: 'http', url: 'http://[::1]:8080/', status: [200, 401] },
      { kind: 'tcp', address: '{{ labels.instance | default "[::1]:80" }}' },
    ]);
    expect(rule.guard.limit.map(({ count, window_ms }) => [count, window_ms])).toEqual([
      [3, 3_600_000],
      [7, 86_400_000],
    ]);
    expect(
      rule.steps.slice(0, 3).map((step) => [step.lease_ms, step.deadline_ms, step.verify]),
    ).toEqual([
      [
        5_400_000,
        30_000,
        {
          within_ms: 300_000,
          settle_ms: 10_000,
          for_ms: 30_000,
          check: { kind: 'promql', expr: 'up{job="{{ labels["weird name"] }}"} == 1' },
        },
      ],
      [null, 60_000, { within_ms: 600_000, settle_ms: 0, for_ms: 0, check: { kind: 'health' } }],
      [null, 60_000, { within_ms: 180_000, settle_ms: 0, for_ms: 0, check: { kind: 'resolved' } }],
    ]);
    expect(rule.steps[0]?.with).toEqual({
      workload: 'compose/{{ labels.container }}',
      by: 2,
      max: '{{ labels.max | default "8" }}',
    });
  });

  test('a matcher that asks for a label makes its template safe', () => {
    for (const safe of ['c="x"', 'c!=""', 'c=~".+"', 'c=~"a|b"', 'c!~"x|"'])
      expect([safe, using(safe)]).toEqual([safe, []]);
    for (const unsafe of ['c!="x"', 'c=~".*"', 'c=~"a|"', 'c=""', 'c!~"x"'])
      expect([unsafe, using(unsafe)]).toEqual([
        unsafe,
        ['step 1: with.container: the label "c" may be absent'],
      ]);
  });

  test('a pinned rule is not held against names that the policy no longer has', () => {
    const empty = { ...CATALOGUE, notifiers: [], flags: {}, time_intervals: () => [] };
    const input = { file: 'rules/whole.yaml', text: WHOLE, hash: 'h' };
    expect(compileRule(input, empty).rule).toBeUndefined();
    expect(compileRule(input, empty, { pinned: true }).rule?.otherwise).toBe('page');
  });

  test('a rule can be handed on as JSON', () => {
    const { matchers } = JSON.parse(JSON.stringify(compile('small', SMALL))) as Rule;
    expect(matchers).toEqual([{ label: 'alertname', op: '=', value: 'X', text: 'alertname="X"' }]);
  });

  test.each([
    'rules/small.yml',
    'rules/sm all.yaml',
    'rules/.yaml',
    `rules/${'x'.repeat(64)}.yaml`,
  ])('the file name %s is refused', (file) => {
    const { rule, problems } = compileRule({ file, text: SMALL, hash: 'h' }, CATALOGUE);
    expect(rule).toBeUndefined();
    expect(problems[0]?.fix).toMatch(/^rename/);
  });

  test('a file without end is refused', () => {
    const text = `${SMALL}#${'x'.repeat(RULE_CHARS_MAX)}`;
    const { problems } = compileRule({ file: 'rules/small.yaml', text, hash: 'h' }, CATALOGUE);
    expect(problems).toMatchObject([{ line: 1, message: expect.stringContaining('65536') }]);
  });

  test('one slip anywhere in a good rule never throws, and never gives both rule and problems', () => {
    const slip = constantFrom(
      '',
      ' ',
      '\n',
      ':',
      '"',
      "'",
      '{',
      '}',
      '[',
      '-',
      '\t',
      'x',
      '0',
      '&a ',
    );
    assert(
      property(
        integer({ min: 0, max: WHOLE.length - 1 }),
        slip,
        integer({ min: 0, max: 3 }),
        (at, put, cut) => {
          const text = WHOLE.slice(0, at) + put + WHOLE.slice(at + cut);
          const input = { file: 'rules/whole.yaml', text, hash: 'h' };
          const { rule, problems } = compileRule(input, CATALOGUE);
          expect(rule === undefined).toBe(problems.length > 0);
          for (const { message, fix } of problems) expect([message, fix]).not.toContain('');
        },
      ),
      { numRuns: 400 },
    );
  });

  test('any text is either a rule or has problems', () => {
    assert(
      property(string({ unit: 'grapheme' }), (text) => {
        const { rule, problems } = compileRule(
          { file: 'rules/r.yaml', text, hash: 'h' },
          CATALOGUE,
        );
        expect(rule).toBeUndefined();
        expect(problems.length).toBeGreaterThan(0);
      }),
    );
  });
});

test('ruleNameOf', () => {
  expect(ruleNameOf('rules/a-b.yaml')).toBe('a-b');
  expect(ruleNameOf('a.b.yaml')).toBe('a.b');
});
