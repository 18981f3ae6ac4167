export type JsonText =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly detail: string };

/** Levels of brackets. V8 reads any depth, but 8 million levels (16 MB) hold the event loop for 2.6 s. */
export const JSON_DEPTH_MAX = 1_000;
/** Below this size depth costs some 40 ms at most, so the hot path does not count brackets. */
const DEPTH_CHECK_FROM_BYTES = 256 * 1_024;

// Lossy on purpose, as Go's encoding/json is: one bad byte in an annotation must not lose an alert.
const UTF8 = new TextDecoder();

/**
 * Reads a request body as JSON. A byte order mark is skipped. A number with more digits than a double
 * can hold comes as its text, so that nothing of it is lost. Never throws; a failure names the offset.
 */
export function readJsonText(body: Uint8Array): JsonText {
  const text = UTF8.decode(body);
  if (body.byteLength >= DEPTH_CHECK_FROM_BYTES && depthOf(body) > JSON_DEPTH_MAX)
    return { ok: false, detail: `its brackets are nested deeper than ${JSON_DEPTH_MAX} levels` };
  try {
    return { ok: true, value: parse(text) };
  } catch (error) {
    if (text.trim() === '') return { ok: false, detail: 'the body is empty' };
    return { ok: false, detail: explain(text, error instanceof Error ? error.message : '') };
  }
}

/** Sixteen digits are the first that a double may round. */
const LONG_NUMBER_DIGITS = 16;
const LONG_NUMBER = /[[:,]\s*-?\d{16}/;
/** The second pass is ten times slower than the first; above this size rounding is the lesser evil. */
const EXACT_UP_TO_CHARS = 1_024 * 1_024;

function parse(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (text.length > EXACT_UP_TO_CHARS || !hasLongNumber(text)) return value;
  try {
    return JSON.parse(text, exactNumber);
  } catch {
    // This pass recurses where the first does not, so depth can exhaust its stack.
    return value;
  }
}

/**
 * Sixteen digits in a row have one at a multiple of sixteen, so one character in sixteen is looked at;
 * the expression alone took a tenth of the time of parsing.
 */
function hasLongNumber(text: string): boolean {
  for (let at = LONG_NUMBER_DIGITS - 1; at < text.length; at += LONG_NUMBER_DIGITS)
    if (isDigit(text, at) && digitsAround(text, at) >= LONG_NUMBER_DIGITS)
      return LONG_NUMBER.test(text);
  return false;
}

function digitsAround(text: string, at: number): number {
  let from = at;
  let to = at + 1;
  while (isDigit(text, from - 1)) from -= 1;
  while (isDigit(text, to)) to += 1;
  return to - from;
}

/** False outside of the text. */
function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function exactNumber(
  _key: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? source : value;
}

const BRACE = 0x7b;
const BRACKET = 0x5b;
const BRACE_END = 0x7d;
const BRACKET_END = 0x5d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function depthOf(body: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let in_string = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (in_string) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) in_string = false;
    } else if (byte === QUOTE) in_string = true;
    else if (byte === BRACE || byte === BRACKET) deepest = Math.max(deepest, ++depth);
    else if (byte === BRACE_END || byte === BRACKET_END) depth -= 1;
  }
  return deepest;
}

/* ---------------------------------------------------------------- where it is wrong */

/** V8's message without the piece of the body that it quotes: a body may hold what no log should. */
function explain(text: string, message: string): string {
  const offset = Number(/at position (\d+)/.exec(message)?.[1] ?? Number.NaN);
  const at = Number.isNaN(offset) ? unexpectedAt(text) : offset;
  const found = at < text.length ? text.slice(at, at + 1) : '';
  const line = text.slice(0, at).split('\n').length;
  const column = at - text.lastIndexOf('\n', at - 1);
  return `at offset ${at} (line ${line}, column ${column}): ${reasonOf(message, found)}`;
}

function reasonOf(message: string, found: string): string {
  if (found === '') return 'it ends too early; was it cut off?';
  if (found === '/' || found === '#') return 'JSON has no comments';
  const reason = /^[^,"]*(?: ',' or '.')?[^,"]*(?= in JSON at)/.exec(message)?.[0];
  return reason ?? `unexpected ${JSON.stringify(found)}`;
}

const LITERALS = ['true', 'false', 'null'];

/** V8 gives no position when a value is wanted and something else stands there; this finds it. */
function unexpectedAt(text: string): number {
  let wanted: string | undefined = '[';
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (/\s/.test(char)) continue;
    if (wanted !== undefined && !startsValue(text, i, wanted)) return i + literalMatch(text, i);
    wanted = '[:,'.includes(char) ? char : undefined;
    if (char === '"') i = stringEnd(text, i);
  }
  return text.length;
}

function startsValue(text: string, i: number, after: string): boolean {
  const char = text.charAt(i);
  if (/["{[\-\d]/.test(char)) return true;
  if (char === ']' && after === '[' && i > 0) return true;
  return LITERALS.some((literal) => text.startsWith(literal, i));
}

/** How many characters of a literal are right: in `nul}` three. */
function literalMatch(text: string, i: number): number {
  const literal = LITERALS.find((word) => word[0] === text[i]) ?? '';
  let length = 0;
  while (length < literal.length && text[i + length] === literal[length]) length += 1;
  return length;
}

function stringEnd(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i;
}
