import type { TextProblem } from './matcher.ts';
import { parseTemplate } from './template-parse.ts';

/** Characters of one expression. */
export const PROMQL_CHARS_MAX = 4_000;

/** Inside which string literal a character stands, and whether that literal is a regular expression. */
export interface Place {
  readonly quote: '"' | "'" | '`';
  readonly regex: boolean;
}

/** For each UTF-16 unit of the expression its place; undefined outside string literals. */
export function placesOf(expr: string): readonly (Place | undefined)[] {
  return scan(expr).places;
}

/** A value as it may stand inside the literal without ever ending it or changing the expression. */
export function quoteIn(place: Place, value: string): string {
  const literal = place.regex ? value.replace(/[-\\.+*?()|[\]{}^$]/g, String.raw`\$&`) : value;
  const escaped = literal.toWellFormed().replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return escaped.replaceAll(place.quote, `\\${place.quote}`).replace(CONTROL, hex);
}
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/g;

function hex(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/**
 * What can be said of an expression without a PromQL parser: brackets and quotes close, and it can come
 * out false. Prometheus says the rest when it is asked.
 */
export function checkPromql(expr: string): TextProblem | undefined {
  if (expr.trim() === '')
    return problem(0, 1, 'is empty', 'write an expression that compares something');
  if (expr.length > PROMQL_CHARS_MAX)
    return problem(
      0,
      1,
      `is longer than ${PROMQL_CHARS_MAX} characters`,
      'make it a recording rule',
    );
  const { code, unclosed } = scan(expr);
  if (unclosed !== null)
    return problem(unclosed, 1, 'this quote is not closed', 'close it on the same line');
  return checkBrackets(code) ?? checkTemplatesQuoted(expr) ?? checkCompares(code, expr.length);
}

/** A template outside quotes could change the expression itself. */
function checkTemplatesQuoted(expr: string): TextProblem | undefined {
  const places = placesOf(expr);
  for (let at = expr.indexOf('{{'); at !== -1; at = expr.indexOf('{{', at + 2)) {
    const quote = places[at]?.quote;
    if (quote === '"' || quote === "'") continue;
    const end = expr.indexOf('}}', at);
    const length = end === -1 ? 2 : end + 2 - at;
    const message = 'a template in PromQL must stand inside a quoted string';
    return problem(at, length, message, 'write it as a label value: {name="{{ labels.name }}"}');
  }
  return undefined;
}

/** Without a comparison every sample counts as "holds", even a bad one. */
function checkCompares(code: string, length: number): TextProblem | undefined {
  const outside = code.replace(/\{[^}]*\}/g, (text) => ' '.repeat(text.length));
  if (/\b(?:absent|absent_over_time)\s*\(|\bunless\b/.test(outside)) return undefined;
  const compares = outside.match(/(?:[<>]=?|[=!]=)(?!\s*bool\b)/g);
  if (compares !== null) return undefined;
  const bool = /[<>=]\s*bool\b/.test(outside);
  const message = bool
    ? '"bool" keeps every sample, so this always holds'
    : 'compares with nothing, so it would hold with any sample';
  return problem(
    0,
    length,
    message,
    bool ? 'leave "bool" out' : 'compare it, like ... < 200, or use absent(...)',
  );
}

const CLOSES: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

function checkBrackets(code: string): TextProblem | undefined {
  const open: { char: string; at: number }[] = [];
  for (const [at, char] of code.split('').entries()) {
    if ('([{'.includes(char)) open.push({ char, at });
    const wanted = CLOSES[char];
    if (wanted === undefined) continue;
    if (open.pop()?.char !== wanted)
      return problem(
        at,
        1,
        `this "${char}" closes nothing`,
        `remove it or open it with "${wanted}"`,
      );
  }
  const left = open.at(-1);
  return left === undefined
    ? undefined
    : problem(left.at, 1, `this "${left.char}" is not closed`, 'close it');
}

interface Scan {
  /** The expression with strings and comments blanked out; of the same length. */
  readonly code: string;
  readonly places: readonly (Place | undefined)[];
  /** Where a string begins that never ends. */
  readonly unclosed: number | null;
}

function scan(templated: string): Scan {
  const expr = maskTemplates(templated);
  const places: (Place | undefined)[] = Array.from({ length: expr.length });
  let code = '';
  let unclosed: number | null = null;
  for (let at = 0; at < expr.length; ) {
    const end = literalEnd(expr, at);
    if (end === null) {
      code += expr[at++] ?? '';
      continue;
    }
    const place = placeAt(expr, at, code);
    if (place !== undefined) {
      if (expr[end - 1] !== place.quote || end - at < 2) unclosed ??= at;
      places.fill(place, at + 1, end - 1);
    }
    code += ' '.repeat(end - at);
    at = end;
  }
  return { code, places, unclosed };
}

/** Templates as `x`s of the same length: the quotes inside them are not PromQL's. */
function maskTemplates(expr: string): string {
  const parsed = parseTemplate(expr);
  if (!parsed.ok) return expr;
  return parsed.parts
    .map((part) => (part.kind === 'text' ? part.text : 'x'.repeat(part.length)))
    .join('');
}

function placeAt(expr: string, at: number, code: string): Place | undefined {
  const quote = expr[at];
  if (quote !== '"' && quote !== "'" && quote !== '`') return undefined;
  return { quote, regex: /[=!]~\s*$/.test(code) };
}

/** The end of the string or comment that begins here; null when none begins. */
function literalEnd(expr: string, at: number): number | null {
  const rest = LITERAL.exec(expr.slice(at));
  return rest === null ? null : at + rest[0].length;
}
/** A string to its closing quote or, unclosed, to the end of the line; a comment to the end of the line. */
const LITERAL =
  /^(?:"(?:[^"\\\n]|\\[^\n])*(?:"|(?=\n)|\\?$)|'(?:[^'\\\n]|\\[^\n])*(?:'|(?=\n)|\\?$)|`[^`]*(?:`|$)|#[^\n]*)/;

function problem(offset: number, length: number, message: string, fix: string): TextProblem {
  return { ok: false, message, offset, length: Math.max(1, length), fix };
}
