import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Explanation, explanationText } from '../../src/cli/explanation.ts';
import { GUARD_WORDS } from '../../src/core/healing/guard-words.ts';
import { REMEDIATION } from '../http/values.ts';
import { startWorld, type World } from '../http/world.ts';
import { autoheal as command } from './command.ts';

type Run = Explanation['remediations'][number];
const EPISODE: Explanation['episode'] = {
  id: 'e-1',
  alertname: 'ImportBacklogGrowing',
  fingerprint: 'f00d',
  state: 'open',
  opened_at: '2026-03-01T11:59:51.000Z',
  close_reason: null,
};
const RUN: Run['remediation'] = {
  id: 'r-1',
  rule: 'import-backlog',
  state: 'waiting',
  outcome: null,
  reason: 'cooldown',
  detail: 'a run on it ended 60s ago',
  step: 1,
  next_at: '2026-03-01T12:04:00.000Z',
};
/** Every guard allows it, but these. */
function guards(said: Readonly<Record<string, readonly [string | null, string | null]>>) {
  return GUARD_WORDS.map((guard): Run['guards'][number] => {
    const [verdict, detail] = said[guard] ?? ['allow', null];
    return { guard, verdict, detail };
  });
}
function text(parts: Partial<Explanation>): string {
  return explanationText({ episode: EPISODE, rules: [], remediations: [], ...parts });
}

test('rules with what stands against each, remediations with what their guards said', () => {
  const rules = [
    { rule: 'ai-errors', matches: false, first_failing_matcher: 'alertname="A"', why: null },
    { rule: 'import-backlog', matches: true, first_failing_matcher: null, why: null },
    {
      rule: 'late',
      matches: true,
      first_failing_matcher: null,
      why: 'rule import-backlog comes first',
    },
  ];
  const asked = guards({
    cooldown: ['wait', 'a run on it ended 60s ago'],
    common_cause: ['allow', '7 alerts within 2m'],
  });
  const remediations = [{ remediation: RUN, asked_at: '2026-03-01T12:00:00.000Z', guards: asked }];
  expect(text({ rules, remediations })).toBe(`ImportBacklogGrowing  fingerprint f00d
episode e-1: open, since 2026-03-01T11:59:51.000Z

Rules, in the order they are tried:
  ai-errors       does not match: alertname="A"
  import-backlog  matches
  late            matches, not taken: rule import-backlog comes first

Remediation r-1 of rule import-backlog, step 1: waiting (cooldown)
  a run on it ended 60s ago
  it looks again at 2026-03-01T12:04:00.000Z
  its guards, asked at 2026-03-01T12:00:00.000Z:
    cooldown      wait: a run on it ended 60s ago
    common_cause  allow: 7 alerts within 2m
    allowed by the others
`);
});

test('nothing matched, nothing was asked, and guards that were not asked for want of a plan', () => {
  expect(text({})).toMatch(/tried:\n {2}there is none\n\nNo rule was run for it\.\n$/);
  const remediation = { ...RUN, next_at: null };
  const unasked = { remediation, asked_at: null, guards: guards({}) };
  expect(text({ remediations: [unasked] })).toContain('  its guards were not asked yet\n');
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

test('what an alert sent makes no line of its own, and steers no terminal', () => {
  const episode = { ...EPISODE, alertname: 'A\nepisode e-2: open\u001B[2J' };
  expect(text({ episode }).split('\n')[0]).toBe('A episode e-2: open?[2J  fingerprint f00d');
});

const TOKENS = { webhook: [], api: [{ role: 'viewer' as const, token: 'view' }] };
let world: World;
beforeEach(async () => {
  world = await startWorld({ tokens: TOKENS });
});
afterEach(() => world.close());

function autoheal(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const tokens = { AUTOHEAL_API_TOKEN: 'viewer:view,admin:other' };
  return command(world.url, ['explain', ...args], { ...tokens, ...env });
}

test('it asks the service that AUTOHEAL_URL names, with the token, by episode or fingerprint', async () => {
  const told = await autoheal(['--episode', 'e-1']);
  expect(told).toMatchObject({ code: 0, stderr: '' });
  expect(told.stdout).toMatch(/^AIErrorRateHigh {2}fingerprint f00d\nepisode e-1: open/);
  expect(told.stdout).toContain(
    `Remediation ${REMEDIATION.id} of rule ai-errors, step 1: verifying\n`,
  );
  const json = await autoheal(['--episode', 'e-1', '--json'], { AUTOHEAL_API_TOKEN: 'view' });
  const api = await world.call('GET', '/api/v1/explain?episode=e-1', { token: 'view' });
  expect(JSON.parse(json.stdout)).toEqual(api.body);
  expect(await autoheal(['--fingerprint', 'f00d', '--token', 'view'])).toMatchObject({ code: 0 });
});

test.each<[string, readonly string[], Readonly<Record<string, string>>, number, RegExp]>([
  ['neither', [], {}, 2, /^autoheal explain: give --episode or --fingerprint/],
  ['both', ['--episode', 'a', '--fingerprint', 'b'], {}, 2, /give --episode or --fingerprint/],
  ['unknown', ['--episode', 'nobody'], {}, 1, /answered 404: no such alert was ever seen/],
  ['no token', ['--episode', 'e-1'], { AUTOHEAL_API_TOKEN: '' }, 1, /answered 401/],
  [
    'nobody there',
    ['--episode', 'e-1', '--url', 'http://127.0.0.1:1'],
    {},
    1,
    /Is autoheal running/,
  ],
  ['no address', ['--episode', 'e-1', '--url', 'here'], {}, 2, /--url: here is no address/],
])('a mistake has its exit code and a sentence: %s', async (_name, args, env, code, expected) => {
  const ended = await autoheal(args, env);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toMatch(expected);
});
