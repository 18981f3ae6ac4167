import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  POLICY_GUARD_DEFAULTS,
  POLICY_GUARD_SHAPES,
  policyGuardProblems,
  policyGuardsOf,
} from '../../../src/core/rules/policy-guards.ts';
import { parseYaml } from '../../../src/core/rules/yaml-parse.ts';
import { zodProblems } from '../../../src/core/rules/zod-problems.ts';

const Sections = z.strictObject({ ...POLICY_GUARD_SHAPES, notifiers: z.json().optional() });

/** `line:column: message (fix)` of every mistake. */
function mistakes(text: string): readonly string[] {
  const { source, problems } = parseYaml('autoheal.yaml', text);
  if (source === undefined) throw new Error(JSON.stringify(problems));
  const parsed = Sections.safeParse(source.value);
  const found = [
    ...(parsed.success ? [] : zodProblems(source, parsed.error.issues, Sections)),
    ...policyGuardProblems(source),
  ];
  return found.map(({ line, col, message, fix }) => `${line}:${col}: ${message} (${fix})`);
}

function guards(text: string) {
  const { source } = parseYaml('autoheal.yaml', text);
  return policyGuardsOf(Sections.parse(source?.value));
}

test('a policy that says nothing has the defaults', () => {
  expect(guards('{}')).toEqual(POLICY_GUARD_DEFAULTS);
  expect(guards('blast_radius: {}\nalertmanager: {}\napprovals: {}')).toEqual(
    POLICY_GUARD_DEFAULTS,
  );
});

test('everything that can be said', () => {
  const text = `
notifiers: { chat: { url: 'https://chat/' } }
time_intervals:
  - name: weekend
    time_intervals: [{ weekdays: ['saturday', 'sunday'], location: Europe/Berlin }]
limits: ['30/1h', '100/1d']
blast_radius: { share: '34%', total: 20, window: 30m }
quarantine: { after: 5, for: 12h }
common_cause: { targets: 2, within: 90s, enforce: true }
budget: { enforce: true }
priority: { label: team, promql: 'max by (team) (burn)', every: 1m }
harm: { within: 5m, enforce: true }
alertmanager: { receivers: [autoheal, autoheal-night], resend_delay: 30s }
watchdog: { within: 5m }
approvals: { notify: chat }
`;
  expect(mistakes(text)).toEqual([]);
  expect(guards(text)).toEqual({
    time_intervals: [
      {
        name: 'weekend',
        specs: [
          {
            times: null,
            weekdays: [
              { from: 6, to: 6 },
              { from: 0, to: 0 },
            ],
            days_of_month: null,
            months: null,
            years: null,
            location: 'Europe/Berlin',
          },
        ],
      },
    ],
    limits: [
      { count: 30, window_ms: 3_600_000, text: '30/1h' },
      { count: 100, window_ms: 86_400_000, text: '100/1d' },
    ],
    blast_radius: { share_pct: 34, total: 20, window_ms: 1_800_000 },
    quarantine: { after: 5, for_ms: 43_200_000 },
    common_cause: { targets: 2, within_ms: 90_000, enforce: true },
    budget: { enforce: true },
    priority: { label: 'team', promql: 'max by (team) (burn)', every_ms: 60_000 },
    harm: { within_ms: 300_000, enforce: true },
    alertmanager: { receivers: ['autoheal', 'autoheal-night'], resend_delay_ms: 30_000 },
    watchdog: { within_ms: 300_000 },
    approvals: { notify: 'chat' },
  });
});

describe('a mistake is shown with its place', () => {
  test.each([
    [
      "blast_radius: { share: '0%' }",
      '1:24: blast_radius.share: is not a share (write 1% to 100%)',
    ],
    ['blast_radius: { share: 34 }', "is not a share (write '34%', 1% to 100%)"],
    ["blast_radius: { share: '101%' }", 'is not a share'],
    ['blast_radius: { total: 0 }', 'blast_radius.total: must be at least 1'],
    ['limits: 30/1h', "1:9: limits: must be a list, not a text (write a list: ['30/1h'])"],
    ["limits: ['30']", 'is not a limit'],
    ['quarantine: { after: 101 }', 'quarantine.after: must be at most 100'],
    ['common_cause: { targets: 1 }', 'common_cause.targets: must be at least 2'],
    ['budget: { enforce: maybe }', 'budget.enforce: must be true or false, not a text'],
    ['alertmanager: { receiver: x }', 'there is no such key (did you mean "receivers"?)'],
    ["alertmanager: { receivers: [''] }", '1:29: alertmanager.receivers 1: must not be empty'],
    ['watchdog: {}', 'watchdog.within: is not a duration'],
    ['watchdog: { within: 1s }', 'must be between 1m and 1d'],
    ['approvals: { notify: page }', '1:22: approvals.notify: the policy has no notifier "page"'],
    [
      'notifiers: { chat: {} }\napprovals: { notify: chta }',
      '2:22: approvals.notify: the policy has no notifier "chta" (did you mean "chat"?)',
    ],
    [
      'time_intervals:\n  - name: night\n    time_intervals: [{ times: [{ start_time: "22:00", end_time: "06:00" }] }]',
      '3:32: time_intervals 1: time_intervals 1: times 1: ends before it begins',
    ],
    [
      'time_intervals:\n  - name: night\n    time_intervals: [{ weekday: [monday] }]',
      'there is no such key (did you mean "weekdays"?)',
    ],
    [
      'time_intervals:\n  - name: night\n    time_intervals: [{ weekdays: [mondy] }]',
      '"mondy" is no day of the week (did you mean "monday"?)',
    ],
  ])('%s', (text, wanted) => {
    expect(mistakes(text).join('\n')).toContain(wanted);
  });

  test('log is always there to tell', () => {
    expect(mistakes('approvals: { notify: log }')).toEqual([]);
  });
});
