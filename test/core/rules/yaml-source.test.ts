import { array, assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../../src/core/rules/yaml-parse.ts';
import {
  problemAt,
  problemAtKey,
  problemIn,
  valueAt,
  type YamlSource,
} from '../../../src/core/rules/yaml-source.ts';

function source(text: string): YamlSource {
  const parsed = parseYaml('f.yaml', text);
  if (parsed.source === undefined) throw new Error(parsed.problems[0]?.message);
  return parsed.source;
}

/** The part of the text that a problem covers. */
function covered(text: string, at: { line: number; col: number; length: number }): string {
  const line = Array.from(text.split('\n')[at.line - 1] ?? '');
  return line.slice(at.col - 1, at.col - 1 + at.length).join('');
}

describe('places', () => {
  const text =
    'a: 1\nmap:\n  "b c": [x, yy]\n  # c\n  d: >-\n    one {{two}}\n    three\nlist:\n  - k: "q\\"r"\nempty:\n';
  const yaml = source(text);

  test.each([
    [['a'], '1'],
    [['map', 'b c', 1], 'yy'],
    [['list', 0, 'k'], '"q\\"r"'],
    [['empty'], 'empty'],
    [['map', 'missing'], 'map'],
    [['list', 0, 'missing'], 'k'],
    [['list', 7, 'missing'], 'list'],
    [['nothing', 'at', 'all'], 'a'],
  ])('the value at %j is %s', (path, wanted) => {
    expect(covered(text, problemAt(yaml, path, 'm', 'f'))).toBe(wanted);
  });

  test('the key at a path', () => {
    expect(covered(text, problemAtKey(yaml, ['map', 'b c'], 'm', 'f'))).toBe('"b c"');
  });

  test('a part of a folded text', () => {
    const part = { message: 'm', fix: 'f', offset: 4, length: 7 };
    expect(covered(text, problemIn(yaml, ['map', 'd'], part))).toBe('{{two}}');
  });

  test('a part of a text with escapes falls back to the text', () => {
    const part = { message: 'm', fix: 'f', offset: 0, length: 3 };
    expect(covered(text, problemIn(yaml, ['list', 0, 'k'], part))).toBe('"q\\"r"');
  });

  test('columns count characters, not UTF-16 units', () => {
    const wide = source("'🔥🔥': x");
    expect(problemAt(wide, ['🔥🔥'], 'm', 'f')).toMatchObject({ line: 1, col: 7, length: 1 });
  });

  test('lines that end in \\r\\n', () => {
    const crlf = source('a: 1\r\nbb: 22\r\n');
    expect(problemAt(crlf, ['bb'], 'm', 'f')).toMatchObject({ line: 2, col: 5, length: 2 });
  });

  test('valueAt sees own keys only', () => {
    expect(valueAt(yaml, ['map', 'b c', 0])).toBe('x');
    expect(valueAt(yaml, ['constructor'])).toBeUndefined();
    expect(valueAt(yaml, ['a', 'b'])).toBeUndefined();
  });
});

describe('what YAML allows and we do not', () => {
  test.each([
    'a: 1\na: 2',
    'a: &x 1\nb: *x',
    'a: *x',
    'a: !!js/function x',
    '<<: { a: 1 }',
    '__proto__: { a: 1 }',
    '? [a]\n: b',
    '1: a',
    'null: a',
    'a: 99999999999999999999',
    'a: .inf',
    'a: .nan',
    'a: 1\n---\nb: 2',
    '%TAG ! x',
    `${'? '.repeat(30_000)}a`,
    `${'- '.repeat(30_000)}a`,
    '['.repeat(60_000),
  ])('%.40s', (text) => {
    const { source: none, problems } = parseYaml('f.yaml', text);
    expect(none).toBeUndefined();
    expect(problems.length).toBeGreaterThan(0);
  });

  test('1.2 words: yes, no, on and dates are texts', () => {
    expect(source('a: yes\nb: on\nc: 2026-01-01\nd: 0o17\ne: +2').value).toEqual({
      a: 'yes',
      b: 'on',
      c: '2026-01-01',
      d: 15,
      e: 2,
    });
  });
});

test('no text makes it throw, and every place is inside the text', () => {
  const piece = constantFrom(
    'a',
    ':',
    ' ',
    '\n',
    '-',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '\t',
    '#',
    '&',
    '*',
    '!',
    '|',
    '>',
    '?',
    '%',
    '\r',
    '🔥',
  );
  assert(
    property(array(piece, { maxLength: 25 }), (pieces) => {
      const text = pieces.join('');
      const lines = text.split(/\r\n|\n|\r/);
      for (const { line, col, length } of parseYaml('f.yaml', text).problems) {
        expect(line).toBeGreaterThan(0);
        expect(line).toBeLessThanOrEqual(lines.length);
        expect(col).toBeGreaterThan(0);
        expect(col).toBeLessThanOrEqual(text.length + 1);
        expect(length).toBeGreaterThan(0);
      }
    }),
    { numRuns: 500 },
  );
  assert(
    property(string({ unit: 'binary' }), (text) => {
      expect(() => parseYaml('f.yaml', text)).not.toThrow();
    }),
  );
});
