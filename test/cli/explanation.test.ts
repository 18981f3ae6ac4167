import { expect, test } from 'vitest';
import {
  type Explanation,
  explanationText,
  type PayloadExplanation,
  payloadText,
} from '../../src/cli/ask/explanation.ts';
import type { ExplainedRule } from '../../src/cli/ask/explanation-rule.ts';
import { GUARD_WORDS } from '../../src/core/healing/guard-words.ts';

/** What people read of the answers of /api/v1/explain, word for word. */

type Run = Explanation['remediations'][number];
type Would = NonNullable<ExplainedRule['would']>;
const EPISODE: Explanation['episode'] = {
  id: 'e-1',
  alertname: 'ImportBacklogGrowing',
  fingerprint: 'f00d',
  state: 'open',
  opened_at: '2026-03-01T11:59:51.000Z',
  close_reason: null,
};
const PLAN = {
  step: 1,
  action: 'scale_workers',
  params: { workload: 'compose/import-worker', by: 2 },
  targets: [
    {
      id: 'compose/import-worker',
      name: 'import-worker',
      opted_in: true,
      observed: { replicas: 2 },
      desired: { replicas: 4 },
      cmd: 'docker compose up -d --scale import-worker=4',
    },
  ],
};
const RUN: Run['remediation'] = {
  priority: 220,
  priority_of: 'service=checkout',
  id: 'r-1',
  rule: 'import-backlog',
  state: 'waiting',
  outcome: null,
  reason: 'cooldown',
  detail: 'a run on it ended 60s ago',
  step: 1,
  plan: PLAN,
  next_at: '2026-03-01T12:04:00.000Z',
};
/** Every guard allows it, but these. */
function guards(said: Readonly<Record<string, readonly [string | null, string | null]>>) {
  return GUARD_WORDS.map((guard): Run['guards'][number] => {
    const [verdict, detail] = said[guard] ?? ['allow', null];
    return { guard, verdict, detail };
  });
}
const ASKED = guards({
  cooldown: ['wait', 'a run on it ended 60s ago'],
  common_cause: ['allow', '7 alerts within 2m'],
});
const WOULD: Would = {
  remediation: 'r-1',
  step: 1,
  ladder: [
    {
      step: 1,
      action: 'scale_workers',
      params: PLAN.params,
      problem: null,
      lease_seconds: 1_800,
    },
    {
      step: 2,
      action: 'restart_container',
      params: null,
      problem: 'the label "container" is absent',
      lease_seconds: null,
    },
  ],
  plan: PLAN,
  unplanned: null,
  asked_at: '2026-03-01T12:00:00.000Z',
  guards: ASKED,
  decision: {
    would: 'wait',
    text: 'would wait: cooldown, until 2026-03-01T12:04:00.000Z: a run on it ended 60s ago',
  },
};
const RULES: readonly ExplainedRule[] = [
  {
    rule: 'ai-errors',
    matches: false,
    first_failing_matcher: 'alertname="A"',
    why: null,
    would: null,
  },
  {
    rule: 'import-backlog',
    matches: true,
    first_failing_matcher: null,
    why: null,
    would: WOULD,
  },
  {
    rule: 'late',
    matches: true,
    first_failing_matcher: null,
    why: 'rule import-backlog comes first',
    would: null,
  },
];
const IMPORT = `import-backlog: would wait: cooldown, until 2026-03-01T12:04:00.000Z: a run on it ended 60s ago
  step 1  scale_workers  {"workload": "compose/import-worker", "by": 2}, for 30m
    on compose/import-worker: {"replicas": 2} -> {"replicas": 4}
       docker compose up -d --scale import-worker=4
  step 2  restart_container  cannot be made: the label "container" is absent
  guards:
  ! cooldown      wait: a run on it ended 60s ago
    common_cause  allow: 7 alerts within 2m
    allowed by the others

Rules, in the order they are tried:
  ai-errors       does not match: alertname="A"
  import-backlog  matches
  late            matches, not taken: rule import-backlog comes first
`;

function text(parts: Partial<Explanation>): string {
  return explanationText({ episode: EPISODE, rules: [], remediations: [], ...parts });
}

test('an episode: what each rule would do, the rules, the remediations with plan and guards', () => {
  const remediations = [{ remediation: RUN, asked_at: '2026-03-01T12:00:00.000Z', guards: ASKED }];
  expect(text({ rules: RULES, remediations })).toBe(`ImportBacklogGrowing  fingerprint f00d
episode e-1: open, since 2026-03-01T11:59:51.000Z

${IMPORT}
Remediation r-1 of rule import-backlog, step 1: waiting (cooldown)
  a run on it ended 60s ago
  it looks again at 2026-03-01T12:04:00.000Z
  its priority is 220: service=checkout burns 22x
  its plan: scale_workers  {"workload": "compose/import-worker", "by": 2}
    on compose/import-worker: {"replicas": 2} -> {"replicas": 4}
       docker compose up -d --scale import-worker=4
  its guards, asked at 2026-03-01T12:00:00.000Z:
  ! cooldown      wait: a run on it ended 60s ago
    common_cause  allow: 7 alerts within 2m
    allowed by the others
`);
});

test('nothing matched, nothing was asked, and guards that were not asked for want of a plan', () => {
  expect(text({})).toMatch(
    /\nNo rule is taken: nothing would be done\.\n\n.*tried:\n {2}there is none\n\nNo rule was run for it\.\n$/,
  );
  const remediation = { ...RUN, next_at: null, plan: null, priority: 0, priority_of: null };
  const unasked = { remediation, asked_at: null, guards: guards({}) };
  expect(text({ remediations: [unasked] })).toContain('  its guards were not asked yet\n');
  expect(text({ remediations: [unasked] })).not.toContain('priority');
  const early = {
    ...unasked,
    asked_at: 'then',
    guards: guards({ busy: [null, null], leased: [null, null] }),
  };
  expect(text({ remediations: [early] })).toContain(
    '    allowed by all; 2 were not asked: no plan was made\n',
  );
  const closed = { ...EPISODE, state: 'closed', close_reason: 'resolved' };
  expect(text({ episode: closed })).toContain('episode e-1: closed (resolved), since');
});

const ANSWER: PayloadExplanation = {
  asked_at: '2026-03-01T12:00:00.000Z',
  mode: 'auto',
  alerts: [],
  left_out: 0,
  unusable: [],
};
const ALERT: PayloadExplanation['alerts'][number] = {
  status: 'firing',
  alertname: 'ImportBacklogGrowing',
  fingerprint: 'f00d',
  becomes: 'open',
  why: null,
  episode: null,
  rules: RULES,
};

test('a payload: each alert with what it means, what cannot be used, what was left out', () => {
  const alerts = [
    ALERT,
    { ...ALERT, status: 'resolved', alertname: '', becomes: 'close', episode: 'e-1', rules: [] },
  ];
  const unusable = [{ index: 2, why: 'it has no labels' }];
  expect(
    payloadText({ ...ANSWER, alerts, unusable, left_out: 3 }),
  ).toBe(`Asked at 2026-03-01T12:00:00.000Z, mode auto: nothing was changed.

ImportBacklogGrowing  fingerprint f00d
firing: a new episode would begin

${IMPORT}
(no alertname)  fingerprint f00d
resolved: episode e-1 would end, and what is leased be undone

No rule is taken: nothing would be done.

Rules, in the order they are tried:
  there is none

Alert 2 of it cannot be used: it has no labels

3 more alerts were not looked at: ask about fewer.
`);
});

test.each([
  [{ becomes: 'repeat', episode: 'e-1' }, 'firing: episode e-1 would go on'],
  [{ becomes: 'late_duplicate', why: 'it is late' }, 'firing: nothing would change: it is late'],
])('what an alert would be: %o', (parts, line) => {
  expect(payloadText({ ...ANSWER, alerts: [{ ...ALERT, ...parts }] })).toContain(`\n${line}\n`);
});

test('offline, what was assumed comes first', () => {
  const assumed = ['mode auto', 'this holds: promql: up == 1'];
  expect(payloadText({ ...ANSWER, assumed })).toBe(
    `Asked at 2026-03-01T12:00:00.000Z, no service was asked: nothing was changed.
Assumed:
  mode auto
  this holds: promql: up == 1

There is no alert in it that can be used.
`,
  );
});

test('a plan that was not made, behind another guard; targets that are not opted in', () => {
  const unplanned = 'unavailable: connection refused';
  const decision = { would: 'wait', text: 'would wait: paused, until it lifts: ann: release' };
  const would = { ...WOULD, plan: null, unplanned, decision };
  const of = (over: Would) => text({ rules: [{ ...(RULES[1] as ExplainedRule), would: over }] });
  expect(of(would)).toContain('\n  no plan: unavailable: connection refused\n  guards:');
  const failed = { would: 'fail', text: `would fail before it begins: ${unplanned}` };
  expect(of({ ...would, decision: failed })).not.toContain('no plan:');
  const [target] = PLAN.targets;
  if (target === undefined) throw new Error('no target');
  const strange = { ...target, id: 'docker/3f2a', opted_in: false, observed: null, desired: null };
  expect(of({ ...WOULD, plan: { ...PLAN, targets: [strange] } })).toContain(
    '\n    on docker/3f2a (import-worker), not opted in\n       docker compose',
  );
});

test('what an alert sent makes no line of its own, steers no terminal, and takes a bounded width', () => {
  const episode = { ...EPISODE, alertname: 'A\nepisode e-2: open\u001B[2J' };
  expect(text({ episode }).split('\n')[0]).toBe('A episode e-2: open?[2J  fingerprint f00d');
  const params = { long: 'x'.repeat(300), words: 'ab '.repeat(100), wide: '\u4f60'.repeat(90) };
  const many = { ...PLAN.targets[0], cmd: `run \u202E${'y '.repeat(2_000)}\nrm -rf /` };
  const ladder = [{ ...WOULD.ladder[0], params }] as unknown as Would['ladder'];
  const would = { ...WOULD, ladder, plan: { ...PLAN, targets: [many] } as Would['plan'] };
  const shown = text({ rules: [{ ...(RULES[1] as ExplainedRule), would }] });
  const widths = shown
    .split('\n')
    .map((line) => line.length + (line.match(/\u4f60/g) ?? []).length);
  expect(Math.max(...widths)).toBeLessThanOrEqual(100);
  expect(shown).toMatch(/\.\.\. \(\d+ characters more:\s+--json\)/);
  expect(shown).not.toMatch(/\u202E|^rm -rf/m);
});
