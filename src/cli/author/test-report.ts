import type { WriteStream } from 'node:tty';
import type { DiffLine } from '../../rehearsal/diff.ts';
import type { TestResult } from '../../rehearsal/run-test.ts';
import { plain } from '../plain.ts';
import type { FileResult } from './test-run.ts';

/** How a word is made to stand out; without a terminal it is left as it is. */
export interface Colours {
  good(text: string): string;
  bad(text: string): string;
}

/** Only on a terminal, and not where NO_COLOR is set. */
export function colours(to: Pick<WriteStream, 'isTTY'>): Colours {
  const on = to.isTTY && (process.env['NO_COLOR'] ?? '') === '';
  return {
    good: (text) => (on ? `\u001b[32m${text}\u001b[39m` : text),
    bad: (text) => (on ? `\u001b[31m${text}\u001b[39m` : text),
  };
}

const SIGNS: Readonly<Record<DiffLine['kind'], string>> = {
  same: ' ',
  missing: '-',
  extra: '+',
  why: '?',
};

/** For people: each file, each test, what differs, and a line with the sum. */
export function textOf(results: readonly FileResult[], paint: Colours): string {
  const files = results.map((result) => fileText(result, paint));
  const { passed, failed, wrong } = countsOf(results);
  const sum = `${passed} passed, ${failed} failed${wrong === 0 ? '' : `, ${wrong} files are wrong`}`;
  return `${files.join('\n')}\n${failed + wrong === 0 ? paint.good(sum) : paint.bad(sum)}\n`;
}

function fileText({ file, problems, tests }: FileResult, paint: Colours): string {
  if (problems !== '') return `${plain(file)}\n${problems}\n`;
  return [plain(file), ...tests.map((test) => testText(test, paint)), ''].join('\n');
}

function testText(test: TestResult, paint: Colours): string {
  const name = plain(test.name);
  if (test.passed) return `  ${paint.good('ok')}    ${name}`;
  return [`  ${paint.bad('FAIL')}  ${name}`, ...failureLines(test, paint).map(indented)].join('\n');
}

function indented(line: string): string {
  return line === '' ? '' : `        ${line}`;
}

/** Why it failed: what differs, then the story to paste. */
export function failureLines(test: TestResult, paint: Colours): readonly string[] {
  const differs = test.diff.some(({ kind }) => kind !== 'same');
  const lines = test.problems.flatMap((problem) => plain(problem).split('\n'));
  if (!differs) return lines;
  return [
    ...lines,
    'expected (-) and told (+):',
    ...test.diff.map((line) => painted(line, paint)),
    '',
    'the story as it was:',
    ...plain(test.story_yaml).split('\n'),
  ];
}

function painted({ kind, text }: DiffLine, paint: Colours): string {
  const line = `${SIGNS[kind]} ${kind === 'why' ? '         ' : ''}${plain(text).replaceAll('\n', ' ')}`;
  if (kind === 'missing') return paint.bad(line);
  return kind === 'extra' ? paint.good(line) : line;
}

export function countsOf(results: readonly FileResult[]): {
  readonly passed: number;
  readonly failed: number;
  /** Files whose tests could not be played. */
  readonly wrong: number;
} {
  const tests = results.flatMap((result) => result.tests);
  const passed = tests.filter((test) => test.passed).length;
  const wrong = results.filter(({ problems }) => problems !== '').length;
  return { passed, failed: tests.length - passed, wrong };
}

/** For programs. */
export function jsonOf(results: readonly FileResult[]): string {
  const files = results.map(({ file, problems, tests }) => ({
    file,
    problems: problems === '' ? null : problems,
    tests: tests.map(({ name, passed, problems: found, diff, story_yaml }) => ({
      name,
      passed,
      problems: found,
      diff,
      story: story_yaml,
    })),
  }));
  return `${JSON.stringify({ ...countsOf(results), files }, null, 2)}\n`;
}
