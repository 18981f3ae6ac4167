import { displayWidth, printable } from './display-width.ts';

/** A finding in a file that a person wrote; plain data. Rendering is below, apart from finding it. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters (Unicode code points). */
  readonly col: number;
  /** Characters the carets cover; at least 1. */
  readonly length: number;
  readonly message: string;
  /** What to write instead. */
  readonly fix: string;
}

/** Problems shown in full; the rest are counted. */
export const PROBLEMS_SHOWN_MAX = 50;
/** Characters of a source line shown; a longer line is cut around the place. */
export const SOURCE_LINE_MAX = 160;
/** Characters before the place that a cut line keeps. */
const CONTEXT_BEFORE = 60;

/** By file, then by place. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => compare(a.file, b.file) || a.line - b.line || a.col - b.col);
}

/**
 * The problems as a person reads them: place and message, the source line, carets, what to write.
 * `textOf` gives a file's text; where it has none, only place, message and fix are shown.
 */
export function renderProblems(
  problems: readonly Problem[],
  textOf: (file: string) => string | undefined,
): string {
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX);
  const rendered = shown.map((problem) => renderProblem(problem, textOf(problem.file)));
  const more = problems.length - shown.length;
  if (more > 0) rendered.push(`... and ${more} more`);
  return rendered.join('\n');
}

function renderProblem(problem: Problem, text: string | undefined): string {
  const { file, line, col, message, fix } = problem;
  const head = `${file}:${line}:${col}: ${message}`;
  const source = text === undefined ? undefined : text.split(/\r\n|\n|\r/)[line - 1];
  const gutter = String(line);
  const blank = ' '.repeat(gutter.length);
  const lines = [printable(head)];
  if (source !== undefined) {
    const cut = excerpt(Array.from(source), col, problem.length);
    lines.push(`  ${gutter} | ${cut.line}`.trimEnd(), `  ${blank} | ${cut.carets}`);
  }
  lines.push(`  ${blank}   fix: ${printable(fix)}`);
  return lines.join('\n');
}

/** The part of a line around the place, and carets as wide as what they stand under. */
function excerpt(
  chars: readonly string[],
  col: number,
  length: number,
): { readonly line: string; readonly carets: string } {
  const from = chars.length <= SOURCE_LINE_MAX ? 0 : Math.max(0, col - 1 - CONTEXT_BEFORE);
  const to = Math.min(chars.length, from + SOURCE_LINE_MAX);
  const head = from > 0 ? '...' : '';
  const before = printable(chars.slice(from, col - 1).join(''));
  const under = printable(chars.slice(col - 1, Math.min(to, col - 1 + length)).join(''));
  const after = printable(chars.slice(col - 1 + length, to).join(''));
  const tail = to < chars.length ? '...' : '';
  return {
    line: `${head}${before}${under}${after}${tail}`,
    carets: ' '.repeat(displayWidth(head + before)) + '^'.repeat(Math.max(1, displayWidth(under))),
  };
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
