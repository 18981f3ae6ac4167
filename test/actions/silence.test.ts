import { beforeEach, describe, expect, test } from 'vitest';
import silence from '../../actions/silence.ts';
import type { ActionContext } from '../../src/action.ts';
import { compileRule } from '../../src/core/rules/rule-compile.ts';
import { CATALOGUE } from '../golden/catalogue.ts';
import { type FakeSilences, fakeSilences } from '../fakes/world.ts';
import { contextOf, failureOf, one } from './context.ts';

const NOW = Date.parse('2026-03-01T03:00:00Z');
const HOUR_MS = 3_600_000;

let silences: FakeSilences;
beforeEach(() => {
  silences = fakeSilences();
});

function ctx(now = NOW): ActionContext {
  return contextOf({ clients: { silences }, now: () => now });
}
function given(more: object = {}) {
  const matchers = ['alertname="NodeDown"', 'instance=~"web\\d"'];
  return silence.params.parse({ matchers, for: '1h', ...more });
}

test('plans, previews and makes one; only the making is seen outside', async () => {
  const target = one(await silence.resolve(given(), ctx()));
  expect(target).toMatchObject({
    parents: [],
    opted_in: true,
    observed: null,
    desired: { matchers: ['alertname="NodeDown"', String.raw`instance=~"web\\d"`] },
    cmd: String.raw`amtool silence add 'alertname="NodeDown"' 'instance=~"web\\d"' --duration=1h`,
  });
  expect(target.id).toMatch(/^silence\/[0-9a-f]{12}$/);
  expect(await silence.preview(given(), target, ctx())).toContain('until 2026-03-01T04:00:00');
  expect(silences.standing.size).toBe(0);
  expect(await silence.verify?.(given(), target, {}, ctx())).toBe('failed');

  const evidence = await silence.execute(given(), target, ctx());
  expect(evidence).toMatchObject({ silence: 'silence-1', joined: false });
  expect(one([...silences.standing.values()])).toEqual({
    id: 'silence-1',
    ends_at: NOW + HOUR_MS,
    comment: 'autoheal: rule test-rule for TestAlert (remediation-1/0/target)',
    matchers: [
      { name: 'alertname', value: 'NodeDown', is_regex: false, is_equal: true },
      { name: 'instance', value: 'web\\d', is_regex: true, is_equal: true },
    ],
  });
  expect(await silence.verify?.(given(), target, {}, ctx())).toBe('healthy');
});

test('joins one that has the same matchers, however they are written', async () => {
  const target = one(await silence.resolve(given(), ctx()));
  await silence.execute(given(), target, ctx());
  const other = given({ matchers: ['instance =~ "web\\d"', 'alertname=NodeDown'] });
  const same = one(await silence.resolve(other, ctx()));
  expect(same.id).toBe(target.id);
  expect(same.desired).toEqual(target.desired);
  // A retry a moment later wants an end that is a little later too.
  const again = await silence.execute(other, same, ctx(NOW + 5_000));
  expect(again).toMatchObject({ silence: 'silence-1', joined: true });
  expect(silences.standing.size).toBe(1);
});

test('one that ends too early is not enough, and one with other matchers is another', async () => {
  const target = one(await silence.resolve(given(), ctx()));
  await silence.execute(given(), target, ctx());
  expect(await silence.execute(given(), target, ctx(NOW + HOUR_MS / 2))).toMatchObject({
    silence: 'silence-2',
    joined: false,
  });
  for (const matchers of [['alertname="NodeDown"'], ['alertname="NodeDown"', 'instance!~"web\\d"']])
    expect(one(await silence.resolve(given({ matchers }), ctx())).id).not.toBe(target.id);
});

describe('the end of the lease', () => {
  const undo = (desired: unknown) => ({ params: {}, original: null, value: desired as never });

  test('ends all of ours with these matchers, and no other', async () => {
    const target = one(await silence.resolve(given(), ctx()));
    const other = given({ matchers: ['alertname="DiskFull"'] });
    await silence.execute(given(), target, ctx());
    await silence.execute(other, one(await silence.resolve(other, ctx())), ctx());
    expect(await silence.revert?.(target, undo(target.desired), ctx())).toEqual({
      result: 'reverted',
      cmd: 'amtool silence expire silence-1',
      evidence: { expired: ['silence-1'], matchers: target.name },
    });
    expect([...silences.standing.keys()]).toEqual(['silence-2']);
  });

  test('finds nothing to do where a person ended it before', async () => {
    const target = one(await silence.resolve(given(), ctx()));
    expect(await silence.revert?.(target, undo(target.desired), ctx())).toMatchObject({
      result: 'reverted',
      cmd: null,
    });
  });
});

test('a value from an alert that would widen the silence is refused after rendering', async () => {
  const widened = silence.params.safeParse({ matchers: ['alertname="AutohealDown"'], for: '1h' });
  expect(widened.success).toBe(false);
  const broken = silence.params.safeParse({ matchers: ['alertname="a" ,b="c"'], for: '1h' });
  expect(broken.success).toBe(false);
});

test.each([
  ['no matcher', { matchers: [] }],
  ['everything', { matchers: ['alertname=~".*"'] }],
  ['too long', { for: '25h' }],
  ['too short', { for: '30s' }],
  ['without a unit', { for: '60' }],
])('%s is refused', (_name, more) => {
  expect(silence.params.safeParse({ matchers: ['a="b"'], for: '1h', ...more }).success).toBe(false);
});

describe('in a rule', () => {
  const facts = { params: silence.params, leasable: true, has_verify: true };
  const catalogue = { ...CATALOGUE, action: () => facts, action_ids: ['silence'] };
  function messages(matcher: string): readonly string[] {
    const text = `name: r
summary: s
matchers: ['alertname="A"', 'instance=~".+"']
steps: [{ action: silence, with: { matchers: ['alertname="B"', '${matcher}'], for: 1h }, lease: 1h }]
`;
    const { problems } = compileRule({ file: 'rules/r.yaml', text, hash: 'h' }, catalogue);
    return problems.map(({ message }) => message);
  }

  test('a template within quotes is fine', () => {
    expect(messages('instance="{{ labels.instance }}"')).toEqual([]);
    expect(messages('job="{{ labels.job | default "none" }}"')).toEqual([]);
  });

  test.each(['instance={{ labels.instance }}', 'instance=~"{{ labels.instance }}"'])(
    '%s does not load',
    (matcher) => {
      expect(messages(matcher).join()).toContain('a template may stand only within the quotes');
    },
  );
});

test('an Alertmanager that is not configured is known in the plan', async () => {
  expect((await failureOf(silence.resolve(given(), contextOf()))).code).toBe('not_configured');
});
