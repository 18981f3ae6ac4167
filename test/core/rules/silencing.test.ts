import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseSilencing, templateMisplaced } from '../../../src/core/rules/silencing.ts';

function refusal(...matchers: readonly string[]): string | undefined {
  const parsed = parseSilencing(matchers);
  return parsed.ok ? undefined : parsed.message;
}

describe('a silence that says what it is about', () => {
  test.each([
    [['alertname="NodeDown"']],
    [['alertname="NodeDown"', 'instance=~"web.*"']],
    [['service="crm"']],
    [['severity="page"', 'service!="autoheal"']],
    [['instance="web1"', 'alertname!~"Autoheal.*"']],
    [['alertname="Watchdog"', 'cluster="test"']],
  ])('%j', (matchers) => {
    expect(refusal(...matchers)).toBeUndefined();
  });
});

describe('a silence that would be too wide', () => {
  test.each([
    [['alertname=~".+"']],
    [['alertname!="x"']],
    [['alertname=""']],
    [['alertname=~".*"', 'service!="crm"']],
  ])('%j says nothing exactly', (matchers) => {
    expect(refusal(...matchers)).toContain('exactly');
  });

  test.each([
    [['alertname="AutohealDown"']],
    [['alertname="AutohealOfTomorrow"']],
    [['service="autoheal"']],
    [['service="autoheal"', 'alertname="Other"']],
    [['severity="page"']],
    [['instance="web1"']],
    [['severity="page"', 'alertname=~"Autoheal.*"']],
    [['severity="page"', 'alertname=~"Autoheal(Chaos|Error).*"', 'service=~"auto.*"']],
    [['severity="page"', 'service=~".*heal"']],
    [['alertname="Watchdog"']],
    [['severity="none"', 'service!="autoheal"']],
  ])('%j would make autoheal blind or mute', (matchers) => {
    expect(refusal(...matchers)).toContain('autoheal itself is ill');
  });

  test('no alert of the shipped rules can be silenced by its name or its kind', () => {
    const text = readFileSync('prometheus/rules/autoheal-slo.yml', 'utf8');
    const names = [...text.matchAll(/alert: (\w+)/g)].map((match) => match[1] ?? '');
    expect(names).toContain('AutohealDown');
    for (const name of new Set(names)) {
      expect(refusal(`alertname="${name}"`), name).toBeDefined();
      expect(refusal('severity="page"', `alertname=~"${name}|NodeDown"`), name).toContain(name);
    }
  });
});

test('a mistake in a matcher is named', () => {
  expect(refusal('alertname="a"', 'x')).toContain('x: has no operator');
});

describe('a template', () => {
  test.each([
    ['instance="{{ labels.instance }}"', false],
    ['instance != "a-{{ labels.x | default "b" }}-c"', false],
    ['instance="web1"', false],
    ['instance={{ labels.instance }}', true],
    ['instance=~"{{ labels.instance }}"', true],
    ['instance!~"{{ labels.instance }}"', true],
    ['{{ labels.name }}="x"', true],
    ['"{{ labels.name }}"="x"', true],
    ['{{ labels.matcher }}', true],
    ['instance="x" {{ labels.more }}', true],
  ])('in %s is misplaced: %s', (text, wanted) => {
    expect(templateMisplaced(text)).toBe(wanted);
  });
});
