import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bodyOf, labelsFor, whyNot } from '../../src/cli/service/send-alert.ts';
import { samplesOf } from '../../src/cli/service/send-sample.ts';
import { readDelivery } from '../../src/core/alerts/alert.ts';
import { fingerprintOf } from '../../src/core/alerts/fingerprint.ts';
import { firstFailing, type Matcher, parseMatcher } from '../../src/core/rules/matcher.ts';
import type { Rule } from '../../src/core/rules/rule.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

function matcherOf(text: string): Matcher {
  const parsed = parseMatcher(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.message}`);
  return parsed.matcher;
}
function ruleOf(name: string, texts: readonly string[], more: Partial<Rule> = {}): Rule {
  const rule = { name, file: `rules/${name}.yaml`, enabled: true, continue: false };
  return { ...rule, matchers: texts.map(matcherOf), ...more } as Rule;
}
function built(texts: readonly string[], given: Readonly<Record<string, string>> = {}) {
  return labelsFor(ruleOf('r', texts), given);
}

describe('labels of a test alert', () => {
  test.each<[readonly string[], Readonly<Record<string, string>>, readonly string[]]>([
    [['alertname="A"'], { alertname: 'A' }, []],
    [['alertname="A"', 'severity!="info"'], { alertname: 'A' }, []],
    [['alertname="A"', 'job!=""'], { alertname: 'A', job: 'test' }, ['job']],
    [['alertname="A"', 'c=~".+"'], { alertname: 'A', c: 'test' }, ['c']],
    [['alertname="A"', 'c=~".+"', 'c!="test"'], { alertname: 'A', c: 'x' }, ['c']],
    [['alertname=~"Crm(Down|Slow)"'], { alertname: 'CrmDown' }, ['alertname']],
    [['alertname=~"A|B"', 'alertname!="A"'], { alertname: 'B' }, ['alertname']],
    [['alertname="A"', 'q=~"q_[a-c]{2}_.*"'], { alertname: 'A', q: 'q_aa_test' }, ['q']],
    [['alertname="A"', 'z=~"a?"'], { alertname: 'A' }, []],
    [['job="api"'], { alertname: 'test', job: 'api' }, ['alertname']],
  ])('%j', (matchers, labels, made_up) => {
    expect(built(matchers)).toEqual({ ok: true, labels, made_up });
  });

  test('what was given stays, and an empty one is absent', () => {
    const given = { c: 'crm', extra: 'x', none: '' };
    expect(built(['alertname="A"', 'c=~".+"'], given)).toEqual({
      ok: true,
      labels: { c: 'crm', extra: 'x', alertname: 'A' },
      made_up: [],
    });
  });

  test('no value is known: the option to write', () => {
    const found = built(['alertname="A"', String.raw`weird=~"\\pL{3}"`]);
    expect(found).toMatchObject({
      message: expect.stringMatching(
        /fits weird=~.* of r: give it with --label weird=\.\.\.$/s,
      ) as string,
    });
    expect(built(['alertname="A"', 'alertname!="A"']).ok).toBe(false);
  });

  test('a given one that does not fit: which matcher it fails', () => {
    expect(built(['alertname="A"', 'c=~"crm-.*"'], { c: 'db' })).toMatchObject({
      ok: false,
      message: expect.stringContaining('c is "db", and the rule wants c=~"crm-.*"') as string,
    });
  });
});

describe('who would take it', () => {
  const labels = { alertname: 'A', c: 'x' };
  const wide = ruleOf('a-wide', ['alertname="A"']);
  const narrow = ruleOf('b-narrow', ['alertname="A"', 'c="x"']);

  test('the rule itself', () => expect(whyNot(wide, [wide, narrow], labels)).toBeUndefined());
  test('another that comes first, with its matchers', () =>
    expect(whyNot(narrow, [wide, narrow], labels)).toMatch(/^a-wide would take it.*alertname="A"/));
  test('both, where the first one goes on', () =>
    expect(whyNot(narrow, [{ ...wide, continue: true }, narrow], labels)).toBeUndefined());
  test('nobody, where it is off', () =>
    expect(whyNot({ ...wide, enabled: false }, [wide], labels)).toContain('enabled: false'));
});

test.each([false, true])('the webhook can use the body; resolved: %s', (resolved) => {
  const body = bodyOf({
    labels: { alertname: 'A' },
    annotations: { s: 'x' },
    resolved,
    now: NOW,
  });
  const read = readDelivery(new TextEncoder().encode(JSON.stringify(body)));
  expect(read).toMatchObject({
    ok: true,
    delivery: {
      version: '4',
      unusable: [],
      alerts: [
        {
          // What the service computes itself where a sender gives none.
          fingerprint: fingerprintOf({ alertname: 'A' }),
          status: resolved ? 'resolved' : 'firing',
          starts_at: NOW,
          ends_at: resolved ? NOW : null,
        },
      ],
    },
  });
});

/* ---------------------------------------------------------------- random rules */

const literal = fc.stringMatching(/^[a-z0-9_-]{1,4}$/);
const { pattern } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
  pattern: fc
    .array(fc.array(tie('piece'), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
    .map((alternatives) => alternatives.map((pieces) => pieces.join('')).join('|')),
  piece: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    literal,
    fc.constantFrom(
      '[a-z]',
      '[0-9]+',
      String.raw`\d`,
      String.raw`\w+`,
      '.',
      '.*',
      '.+',
      '[^x]',
      'b?',
      'a{2,3}',
      String.raw`\.`,
      '[.-]',
      '[[:digit:]]',
      '(?i:ab)',
    ),
    tie('pattern').map((inner) => `(${inner})`),
    tie('pattern').map((inner) => `(?:${inner})+`),
  ),
}));

test('for every expression of alternatives, classes, groups and repetition a text is found that fits', () => {
  fc.assert(
    fc.property(pattern, (regex) => {
      const { test: fits } = matcherOf(`a=~${JSON.stringify(regex)}`);
      const found = samplesOf(regex).filter((text) => fits(text));
      expect(found.length, regex).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});

const matcher = fc.oneof(
  fc.tuple(fc.constantFrom('=', '!='), literal),
  fc.tuple(fc.constantFrom('=~', '!~'), pattern),
);
test('labels that are built fit every matcher; only a value that is not found keeps them from being built', () => {
  let some = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('alertname', 'a', 'b'), matcher), {
        minLength: 1,
        maxLength: 5,
      }),
      (all) => {
        const texts = all.map(([label, [op, value]]) => `${label}${op}${JSON.stringify(value)}`);
        const found = built(texts);
        if (!found.ok) {
          expect(found.message).toContain('--label');
          return;
        }
        some += 1;
        expect(firstFailing(texts.map(matcherOf), found.labels), texts.join()).toBeUndefined();
        expect(found.labels['alertname']).toBeTruthy();
      },
    ),
    { numRuns: 500 },
  );
  expect(some).toBeGreaterThan(100);
});
