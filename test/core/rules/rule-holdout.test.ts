import { describe, expect, test } from 'vitest';
import { compilePolicy } from '../../../src/core/rules/policy-compile.ts';
import { PRIORITY_DEFAULTS } from '../../../src/core/rules/policy-guards.ts';
import { compileRule } from '../../../src/core/rules/rule-compile.ts';
import { CATALOGUE } from '../../golden/catalogue.ts';

function compiled(more: string, verify = '') {
  const text = `name: small
summary: A rule.
matchers: ['alertname="X"']
steps: [{ action: restart_container, with: { container: crm-api }${verify} }]
${more}`;
  return compileRule({ file: 'rules/small.yaml', text, hash: 'h' }, CATALOGUE);
}
function said(problems: ReturnType<typeof compiled>['problems']): readonly string[] {
  return problems.map(({ line, message, fix }) => `${line}: ${message} (${fix})`);
}

describe('the hold-out of a rule', () => {
  test('is none where it is not asked for, and takes its time from the first step', () => {
    expect(compiled('').rule?.holdout).toBeNull();
    expect(compiled("holdout: '5%'").rule?.holdout).toEqual({ share_pct: 5, for_ms: 600_000 });
    const verify = ', verify: { within: 3m, resolved: true }';
    expect(compiled("holdout: '50%'", verify).rule?.holdout).toEqual({
      share_pct: 50,
      for_ms: 180_000,
    });
    expect(compiled('holdout: 7%\nholdout_for: 2m\n').rule?.holdout).toEqual({
      share_pct: 7,
      for_ms: 120_000,
    });
  });

  test.each([
    ["holdout: '51%'", '5: holdout: is not a share (write 1% to 50%)'],
    ['holdout: 5', "5: holdout: is not a share (write '5%', 1% to 50%)"],
    ["holdout: '0%'", '5: holdout: is not a share (write 1% to 50%)'],
    ["holdout: '2.5%'", '5: holdout: is not a share (write 1% to 50%)'],
    [
      'holdout_for: 5m',
      "5: holdout_for: says nothing without holdout (write holdout: '5%' too, or remove it)",
    ],
    [
      "holdout: '5%'\nholdout_for: 15m",
      '6: holdout_for: must be shorter than guard.max_age (write a holdout_for below 15m, or raise guard.max_age)',
    ],
    [
      "guard: { max_age: 10m }\nholdout: '5%'",
      "6: holdout: would leave alone for the 10m of the first step's verify.within, and guard.max_age is no longer (write a holdout_for below 10m, or raise guard.max_age)",
    ],
  ])('%s is refused at its place, with what to write', (more, problem) => {
    const { rule, problems } = compiled(more);
    expect(rule).toBeUndefined();
    expect(said(problems)).toEqual([problem]);
  });

  test('is named when it is mistyped', () => {
    expect(said(compiled("hold_out: '5%'").problems).join()).toContain('holdout');
  });
});

describe("the policy's priority", () => {
  function policy(text: string) {
    return compilePolicy({ file: 'autoheal.yaml', text });
  }

  test('is off by default, and fits what `autoheal slo generate` records', () => {
    expect(policy('').policy?.priority).toBeNull();
    expect(policy('priority: {}').policy?.priority).toEqual(PRIORITY_DEFAULTS);
    const own = "priority: { label: team, promql: 'max by (team) (burn)', every: 1m }";
    expect(policy(own).policy?.priority).toEqual({
      label: 'team',
      promql: 'max by (team) (burn)',
      every_ms: 60_000,
    });
  });

  test.each([
    ['priority: { label: 9lives }', 'priority.label: is no name of a label'],
    ['priority: { every: 1s }', 'priority.every: must be between 5s and 10m'],
    ["priority: { promql: '' }", 'priority.promql'],
    ['priority: { expr: up }', 'priority'],
  ])('%s is refused', (text, problem) => {
    const { problems } = policy(text);
    expect(problems.map(({ message }) => message).join()).toContain(problem);
  });
});
