import { describe, expect, test } from 'vitest';
import {
  type Problem,
  PROBLEMS_SHOWN_MAX,
  renderProblems,
  sortProblems,
} from '../../../src/core/rules/diagnostic.ts';

const PROBLEM: Problem = {
  file: 'rules/checkout.yaml',
  line: 2,
  col: 13,
  length: 3,
  message: 'must be at most 50, not 500',
  fix: 'write at most 50',
};

function render(text: string, problem: Partial<Problem> = {}): string {
  return renderProblems([{ ...PROBLEM, ...problem }], () => text);
}

/** Column, on a terminal, of the first caret, and what stands above it. */
function caretLines(rendered: string): readonly [source: string, carets: string] {
  const [, source = '', carets = ''] = rendered.split('\n');
  return [source, carets];
}

describe('renderProblems', () => {
  test('shows place, line, carets and what to write', () => {
    expect(render('name: checkout\n  replicas: 500\n')).toBe(
      [
        'rules/checkout.yaml:2:13: must be at most 50, not 500',
        '  2 |   replicas: 500',
        '    |             ^^^',
        '      fix: write at most 50',
      ].join('\n'),
    );
  });

  test('without the text, place, message and fix remain', () => {
    expect(renderProblems([PROBLEM], () => undefined)).toBe(
      'rules/checkout.yaml:2:13: must be at most 50, not 500\n      fix: write at most 50',
    );
  });

  test('a place beyond the end of the file has no source line', () => {
    expect(render('one line', { line: 9 })).not.toContain('|');
  });

  test('carets stand under the value behind tabs', () => {
    const [source, carets] = caretLines(render('x\n\tn:\t500', { col: 5 }));
    expect(source).toBe('  2 |     n:    500');
    expect(carets.indexOf('^')).toBe(source.indexOf('500'));
  });

  test('wide characters take two columns, combining marks none', () => {
    const [, wide] = caretLines(render('x\n重い: 500', { col: 5 }));
    expect(wide).toBe('    |       ^^^');
    const [, marked] = caretLines(render('x\ne\u0301: 500', { col: 5 }));
    expect(marked).toBe('    |    ^^^');
    const [, under] = caretLines(render('x\n重い', { col: 1, length: 2 }));
    expect(under).toBe('    | ^^^^');
    const [, emoji] = caretLines(render('x\n🔥: 500', { col: 4 }));
    expect(emoji).toBe('    |     ^^^');
  });

  test('a long line is cut around the place', () => {
    const text = `x\n${'a'.repeat(400)}BAD${'b'.repeat(400)}`;
    const [source, carets] = caretLines(render(text, { col: 401 }));
    expect(source.slice(carets.indexOf('^'), carets.indexOf('^') + 3)).toBe('BAD');
    expect(source.length).toBeLessThan(200);
  });

  test('nothing in file or message reaches the terminal as a control character', () => {
    const rendered = render('x\n\u001b[31mred \u202e 500', {
      message: 'no "\u001b[31m"',
      fix: '\u0007',
    });
    expect(rendered.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\u202e/u);
  });

  test('lines end at \\n, \\r\\n and \\r', () => {
    for (const end of ['\n', '\r\n', '\r'])
      expect(render(`a: 1${end}  replicas: 500${end}`)).toContain('  2 |   replicas: 500\n');
  });

  test('beyond the limit problems are counted, not shown', () => {
    const many = Array.from({ length: PROBLEMS_SHOWN_MAX + 7 }, () => PROBLEM);
    expect(
      renderProblems(many, () => undefined)
        .split('\n')
        .at(-1),
    ).toBe('... and 7 more');
  });
});

function at(file: string, line: number, col: number): Problem {
  return { ...PROBLEM, file, line, col };
}

test('problems are sorted by file, line and column', () => {
  const wanted = [at('a', 2, 1), at('a', 10, 1), at('a', 10, 3), at('b', 1, 1)];
  expect(sortProblems([wanted[2], wanted[3], wanted[1], wanted[0]] as Problem[])).toEqual(wanted);
});
