import { array, assert, constantFrom, property, string, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  firstFailing,
  type Matcher,
  matcherHolds,
  parseMatcher,
} from '../../../src/core/rules/matcher.ts';

function matcher(text: string): Matcher {
  const parsed = parseMatcher(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.message}`);
  return parsed.matcher;
}

/** The four fields, without the compiled test. */
function fields(text: string): Omit<Matcher, 'test'> {
  const { test: _, ...rest } = matcher(text);
  return rest;
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

describe('parseMatcher', () => {
  test.each([
    ['alertname="X"', 'alertname', '=', 'X'],
    [' alertname = "X" ', 'alertname', '=', 'X'],
    ['alertname=X', 'alertname', '=', 'X'],
    ['queue=~"q.*"', 'queue', '=~', 'q.*'],
    ['queue!~q_.*', 'queue', '!~', 'q_.*'],
    ['severity!=""', 'severity', '!=', ''],
    ['"naïve name"="x y"', 'naïve name', '=', 'x y'],
    ['名前="重い"', '名前', '=', '重い'],
    [String.raw`a="say \"hi\"\n\\"`, 'a', '=', 'say "hi"\n\\'],
    [String.raw`a=~"q\d+"`, 'a', '=~', String.raw`q\d+`],
    ['a="b=c,d!~e"', 'a', '=', 'b=c,d!~e'],
  ])('%s', (text, label, op, value) => {
    expect(fields(text)).toEqual({ label, op, value, text });
  });

  test.each([
    '',
    '   ',
    'alertname',
    '="X"',
    'alertname=',
    'alertname=="X"',
    "alertname='X'",
    'alertname="X',
    'alertname="X" and',
    'alertname="X",b="y"',
    '{alertname="X"}',
    'a=b c',
    'a=~"("',
    'a=~"(?<n>"',
    `a=~"${'x'.repeat(1_001)}"`,
    'a=~"a{999}b{999}c{999}"',
    `a="${'x'.repeat(2_000)}"`,
  ])('%j is refused with a place and a fix', (text) => {
    const parsed = parseMatcher(text);
    if (parsed.ok) throw new Error('was taken');
    expect(parsed.message).not.toBe('');
    expect(parsed.fix).not.toBe('');
    expect(parsed.offset).toBeLessThanOrEqual(text.length);
    expect(parsed.length).toBeGreaterThan(0);
  });

  test('whatever is quoted comes back as it was', () => {
    assert(
      property(
        string({ unit: 'binary', minLength: 1 }),
        string({ unit: 'binary' }),
        (label, value) => {
          const text = `${quote(label)}=${quote(value)}`;
          expect(fields(text)).toEqual({ label, op: '=', value, text });
        },
      ),
    );
  });

  test('no text makes it throw', () => {
    const piece = constantFrom('a', '"', '\\', '=', '!', '~', ' ', '(', ',', 'é', '{', '*', '\n');
    assert(
      property(array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const parsed = parseMatcher(text);
        if (parsed.ok) expect(parsed.matcher.text).toBe(text);
        else expect(parsed.offset).toBeLessThanOrEqual(text.length);
      }),
    );
  });
});

describe('matcherHolds', () => {
  test.each([
    ['a="x"', { a: 'x' }, true],
    ['a="x"', { a: 'xx' }, false],
    ['a="x"', {}, false],
    ['a=""', {}, true],
    ['a!="x"', {}, true],
    ['a!=""', {}, false],
    ['a=~"x"', { a: 'xx' }, false],
    ['a=~"x|xx"', { a: 'xx' }, true],
    ['a=~"x|y"', { a: 'zy' }, false],
    ['a=~".*"', {}, true],
    ['a=~".+"', { a: '' }, false],
    ['a=~".*"', { a: 'two\nlines' }, false],
    ['a=~"(?s).*"', { a: 'two\nlines' }, true],
    ['a=~"x$"', { a: 'x\n' }, false],
    ['a=~"(?i)CRM"', { a: 'crm' }, true],
    ['a!~"x.*"', { a: 'y' }, true],
    ['a!~"x.*"', {}, true],
    ['toString="x"', {}, false],
    ['constructor=""', {}, true],
  ])('%s on %j is %s', (text, labels, holds) => {
    expect(matcherHolds(matcher(text), labels)).toBe(holds);
  });

  test('agrees with a backtracking engine, anchored, on simple expressions', () => {
    const atom = constantFrom('a', 'b', '.', '[ab]', '(a|b)', 'a|b', '(ab|a)', '\\.');
    const item = tuple(atom, constantFrom('', '*', '+', '?', '{1,2}'));
    const word = array(constantFrom('a', 'b', '.', 'c'), { maxLength: 6 });
    assert(
      property(array(item, { maxLength: 4 }), word, (items, letters) => {
        const pattern = items.map(([one, times]) => `(?:${one})${times}`).join('');
        const value = letters.join('');
        const wanted = new RegExp(`^(?:${pattern})$`, 'u').test(value);
        expect(matcherHolds(matcher(`x=~${quote(pattern)}`), { x: value })).toBe(wanted);
        expect(matcherHolds(matcher(`x!~${quote(pattern)}`), { x: value })).toBe(!wanted);
      }),
    );
  });

  test('an expression that ruins backtracking engines is answered', () => {
    const value = `${'a'.repeat(20_000)}!`;
    expect(matcherHolds(matcher('x=~"(a+)+"'), { x: value })).toBe(false);
  });
});

test('firstFailing names the first matcher that does not hold', () => {
  const all = [matcher('alertname="X"'), matcher('queue=~"q.*"'), matcher('severity="page"')];
  expect(firstFailing(all, { alertname: 'X', queue: 'b' })?.text).toBe('queue=~"q.*"');
  expect(firstFailing(all, { alertname: 'X', queue: 'q1', severity: 'page' })).toBeUndefined();
});
