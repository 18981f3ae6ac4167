import { RE2JS } from 're2js';
import type { Labels } from '../json.ts';

export interface Matcher {
  readonly label: string;
  readonly op: MatcherOp;
  readonly value: string;
  /** As it was written. */
  readonly text: string;
  /** Does a label value fit? Compiled once; linear in the value's length. */
  readonly test: (value: string) => boolean;
}
export type MatcherOp = '=' | '!=' | '=~' | '!~';

/** What is wrong with a text, and where: `offset` and `length` in UTF-16 units of that text. */
export interface TextProblem {
  readonly ok: false;
  readonly message: string;
  readonly offset: number;
  readonly length: number;
  readonly fix: string;
}
export type ParsedMatcher = { readonly ok: true; readonly matcher: Matcher } | TextProblem;

/** Characters of a regular expression, and instructions of its program: `x{1000}` is short and large. */
export const REGEX_CHARS_MAX = 1_000;
export const REGEX_PROGRAM_MAX = 2_000;
/** Characters of one matcher. */
export const MATCHER_CHARS_MAX = 2_000;

/** What an unquoted name or value may not contain: Alertmanager's reserved characters. */
const UNQUOTED = /[^\s{}!=~,\\"'`]*/y;
const SPACE = /\s*/y;
const EXAMPLE = 'write it like alertname="NodeDown" or queue=~"q_.*"';

/**
 * One matcher in Alertmanager's syntax: a name, `=`, `!=`, `=~` or `!~`, and a value. Names and values
 * may stand in double quotes, where `\"`, `\\` and `\n` are escapes and any other backslash is itself.
 */
export function parseMatcher(text: string): ParsedMatcher {
  if (text.length > MATCHER_CHARS_MAX)
    return problem(0, text.length, `is longer than ${MATCHER_CHARS_MAX} characters`, 'shorten it');
  const name = readToken(text, skipSpace(text, 0), 'label name');
  if (!name.ok) return name;
  if (name.value === '')
    return problem(name.start, name.end - name.start, 'has no label name', EXAMPLE);
  const op = readOperator(text, skipSpace(text, name.end));
  if (!op.ok) return op;
  const value = readToken(text, skipSpace(text, op.end), 'value');
  if (!value.ok) return value;
  const rest = skipSpace(text, value.end);
  if (rest < text.length) return trailing(text, rest, value);
  if (value.start === value.end)
    return problem(op.start, op.op.length, 'has no value', `write ${name.value}${op.op}"..."`);
  return compile(text, name.value, op.op, value);
}

/** An absent label counts as an empty one, as in Alertmanager. */
export function matcherHolds(matcher: Matcher, labels: Labels): boolean {
  const value = Object.hasOwn(labels, matcher.label) ? (labels[matcher.label] ?? '') : '';
  return matcher.test(value);
}

/** The first matcher that does not hold; undefined when all do. */
export function firstFailing(matchers: readonly Matcher[], labels: Labels): Matcher | undefined {
  return matchers.find((matcher) => !matcherHolds(matcher, labels));
}

interface Token {
  readonly ok: true;
  readonly value: string;
  readonly quoted: boolean;
  readonly start: number;
  readonly end: number;
}

function readToken(text: string, start: number, what: string): Token | TextProblem {
  if (text[start] === '"') return readQuoted(text, start, what);
  const end = start + lengthAt(UNQUOTED, text, start);
  const char = text[end];
  if (char === "'" || char === '`')
    return problem(end, 1, `${what}s are quoted with " only`, 'put double quotes around it');
  return { ok: true, value: text.slice(start, end), quoted: false, start, end };
}

function readQuoted(text: string, start: number, what: string): Token | TextProblem {
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '"') return { ok: true, value, quoted: true, start, end: at + 1 };
    if (char !== '\\') {
      value += char;
      continue;
    }
    const escaped = text[at + 1] ?? '';
    value += ESCAPES[escaped] ?? char;
    if (Object.hasOwn(ESCAPES, escaped)) at++;
  }
  return problem(
    start,
    text.length - start,
    `the ${what}'s quote is not closed`,
    'close it with "',
  );
}
/** Any other backslash is itself, so that "\d+" is the regular expression \d+. */
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', n: '\n' };

function readOperator(
  text: string,
  start: number,
):
  | { readonly ok: true; readonly op: MatcherOp; readonly start: number; readonly end: number }
  | TextProblem {
  for (const op of ['=~', '!~', '!=', '='] as const) {
    if (text.startsWith(op, start)) {
      const end = start + op.length;
      if (op === '=' && text[end] === '=')
        return problem(start, 2, '"==" is no operator here', 'write "="');
      return { ok: true, op, start, end };
    }
  }
  const length = Math.max(1, text.length - start);
  return problem(
    start,
    length,
    'has no operator after the label name',
    `one of = != =~ !~: ${EXAMPLE}`,
  );
}

function trailing(text: string, rest: number, value: Token): TextProblem {
  const length = text.length - rest;
  if (text[rest] === ',')
    return problem(rest, length, 'is more than one matcher', 'make each matcher its own list item');
  if (value.quoted)
    return problem(rest, length, 'goes on after the closing quote', 'write \\" for a quote inside');
  return problem(
    rest,
    length,
    'an unquoted value cannot hold this',
    'put the value in double quotes',
  );
}

function compile(text: string, label: string, op: MatcherOp, value: Token): ParsedMatcher {
  const base = { label, op, value: value.value, text };
  if (op === '=') return { ok: true, matcher: { ...base, test: (got) => got === value.value } };
  if (op === '!=') return { ok: true, matcher: { ...base, test: (got) => got !== value.value } };
  const compiled = compileRegex(value.value);
  if (typeof compiled === 'string')
    return problem(value.start, value.end - value.start, compiled, 'correct the RE2 expression');
  const wanted = op === '=~';
  return { ok: true, matcher: { ...base, test: (got) => compiled.testExact(got) === wanted } };
}

/** RE2, matched from start to end; a message when it cannot be used. */
function compileRegex(pattern: string): RE2JS | string {
  if (pattern.length > REGEX_CHARS_MAX)
    return `the regular expression is longer than ${REGEX_CHARS_MAX} characters`;
  try {
    const regex = RE2JS.compile(pattern);
    if (regex.programSize() <= REGEX_PROGRAM_MAX) return regex;
    return `the regular expression expands to more than ${REGEX_PROGRAM_MAX} instructions`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function skipSpace(text: string, at: number): number {
  return at + lengthAt(SPACE, text, at);
}

function lengthAt(sticky: RegExp, text: string, at: number): number {
  sticky.lastIndex = at;
  return sticky.exec(text)?.[0].length ?? 0;
}

function problem(offset: number, length: number, message: string, fix: string): TextProblem {
  return { ok: false, message, offset, length: Math.max(1, length), fix };
}
