import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import type { Problem } from './diagnostic.ts';
import type { Json, JsonObject } from './json.ts';
import type { TextProblem } from './matcher.ts';

/** A YAML file with the places of everything in it. */
export interface YamlSource {
  readonly file: string;
  readonly text: string;
  readonly doc: Document;
  readonly lines: LineCounter;
  /** The content as plain data. */
  readonly value: Json;
}
export type Path = readonly PropertyKey[];
/** Offsets in UTF-16 units of the file's text. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads one YAML 1.2 document. What would surprise a reader is refused: duplicate keys, anchors and
 * aliases, tags, keys that are no text, numbers that lose digits.
 */
export function parseYaml(
  file: string,
  text: string,
): { readonly source?: YamlSource; readonly problems: readonly Problem[] } {
  const lines = new LineCounter();
  const doc = parseNested(text, lines);
  if (doc === undefined)
    return { problems: [problemOfFile(file, 'this is nested too deep', 'flatten it')] };
  const draft: YamlSource = { file, text, doc, lines, value: null };
  const syntax = syntaxProblems(draft);
  const problems = syntax.length > 0 ? syntax : strictProblems(draft);
  if (problems.length > 0) return { problems };
  return { source: { ...draft, value: doc.toJS() as Json }, problems };
}

/** A problem at the value of `path`; where that is absent, at the nearest key above it. */
export function problemAt(source: YamlSource, path: Path, message: string, fix: string): Problem {
  return at(source, valueSpan(source, path) ?? aboveSpan(source, path), message, fix);
}

/** A problem at the key that ends `path`. */
export function problemAtKey(
  source: YamlSource,
  path: Path,
  message: string,
  fix: string,
): Problem {
  return at(source, keySpan(source, path) ?? aboveSpan(source, path), message, fix);
}

/** A problem within the text at `path`; the caret stands on the part where the file has it verbatim. */
export function problemIn(source: YamlSource, path: Path, found: Omit<TextProblem, 'ok'>): Problem {
  const node = nodeAt(source, path);
  const whole = valueSpan(source, path);
  if (whole === undefined || !isScalar(node) || typeof node.value !== 'string')
    return problemAt(source, path, found.message, found.fix);
  const span = partSpan(source.text, whole, node.value, found) ?? whole;
  return at(source, span, found.message, found.fix);
}

/** The plain value at the path; undefined when there is nothing. */
export function valueAt(source: YamlSource, path: Path): Json | undefined {
  let value: Json | undefined = source.value;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.hasOwn(value, key) ? (value as JsonObject)[String(key)] : undefined;
  }
  return value;
}

/** A problem of the file as a whole. */
export function problemOfFile(file: string, message: string, fix: string): Problem {
  return { file, line: 1, col: 1, length: 1, message, fix };
}

function at({ file, text, lines }: YamlSource, span: Span, message: string, fix: string): Problem {
  const { line } = lines.linePos(span.start);
  const line_start = lines.lineStarts[line - 1] ?? 0;
  const line_end = endOfLine(text, span.start);
  const end = Math.max(Math.min(span.end, line_end), span.start);
  return {
    file,
    line: Math.max(1, line),
    col: codePoints(text.slice(line_start, span.start)) + 1,
    length: Math.max(1, codePoints(text.slice(span.start, end).trimEnd())),
    message,
    fix,
  };
}

function endOfLine(text: string, from: number): number {
  const end = text.slice(from).search(/[\r\n]/);
  return end === -1 ? text.length : from + end;
}

function codePoints(text: string): number {
  return Array.from(text).length;
}

/* ---------------------------------------------------------------- places */

function nodeAt({ doc }: YamlSource, path: Path): Node | undefined {
  let node: unknown = doc.contents;
  for (const key of path) node = isMap(node) ? pairOf(node, key)?.value : itemOf(node, key);
  return isNode(node) ? node : undefined;
}

function pairOf(map: { readonly items: readonly Pair[] }, key: PropertyKey): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key));
}

function itemOf(node: unknown, key: PropertyKey): unknown {
  return isSeq(node) ? node.items[Number(key)] : undefined;
}

function valueSpan(source: YamlSource, path: Path): Span | undefined {
  const node = nodeAt(source, path);
  if (node?.range === undefined || node.range === null) return undefined;
  const [start, end] = node.range;
  if (end > start) return { start, end };
  // An empty value (`steps:`) has no place of its own.
  return path.length === 0 ? { start, end } : keySpan(source, path);
}

function keySpan(source: YamlSource, path: Path): Span | undefined {
  const map = nodeAt(source, path.slice(0, -1));
  const key = path.at(-1);
  const found = isMap(map) && key !== undefined ? pairOf(map, key)?.key : undefined;
  if (!isNode(found) || found.range === undefined || found.range === null) return undefined;
  return { start: found.range[0], end: found.range[1] };
}

/** Where something that is missing should have been: the nearest key that is there, else the start. */
function aboveSpan(source: YamlSource, path: Path): Span {
  for (let length = path.length - 1; length > 0; length--) {
    const above = path.slice(0, length);
    const span = keySpan(source, above) ?? firstLine(source, above);
    if (span !== undefined) return span;
  }
  return firstLine(source, []) ?? { start: 0, end: 0 };
}

/** The first key of a map in a list stands for the map. */
function firstLine(source: YamlSource, path: Path): Span | undefined {
  const node = nodeAt(source, path);
  const first = isMap(node) ? node.items[0]?.key : undefined;
  const range = isNode(first) ? first.range : node?.range;
  return range === undefined || range === null ? undefined : { start: range[0], end: range[1] };
}

/** The place of a part of a text. Escapes and folded lines shift offsets, so then the part is searched. */
function partSpan(
  text: string,
  whole: Span,
  value: string,
  part: { readonly offset: number; readonly length: number },
): Span | undefined {
  const raw = text.slice(whole.start, whole.end);
  const verbatim = raw.indexOf(value);
  if (verbatim !== -1) {
    const start = whole.start + verbatim + part.offset;
    return { start, end: start + part.length };
  }
  const wanted = value.slice(part.offset, part.offset + part.length).split('\n')[0] ?? '';
  if (wanted.trim() === '') return undefined;
  const before = value.slice(0, part.offset).split(wanted).length - 1;
  let found = raw.indexOf(wanted);
  for (let nth = 0; nth < before && found !== -1; nth++) found = raw.indexOf(wanted, found + 1);
  if (found === -1) return undefined;
  return { start: whole.start + found, end: whole.start + found + wanted.length };
}

/* ---------------------------------------------------------------- what YAML allows and we do not */

const SYNTAX_FIXES: Readonly<Record<string, readonly [message: string, fix: string]>> = {
  DUPLICATE_KEY: ['this key is there twice', 'keep one of the two'],
  TAB_AS_INDENT: ['tabs cannot indent YAML', 'indent with spaces'],
  MULTIPLE_DOCS: ['the file holds more than one document', 'make one file for each, without "---"'],
  BAD_SCALAR_START: ['a text cannot begin with this character', "put the text in quotes: '...'"],
  BLOCK_AS_IMPLICIT_KEY: ['a text with ": " in it needs quotes', "put the text in quotes: '...'"],
  TAG_RESOLVE_FAILED: ['tags (!name) mean nothing here', 'remove the tag'],
};

function syntaxProblems(source: YamlSource): readonly Problem[] {
  const found = [...source.doc.errors, ...source.doc.warnings];
  return found.map((error) => {
    const [start, end] = error.pos;
    const opening = error.message.startsWith('Missing closing') ? quoteBefore(source, start) : null;
    if (opening !== null)
      return at(source, opening, 'the quote that begins here is not closed', 'close it');
    const fallback = [`this is not YAML: ${error.message}`, 'correct the line'] as const;
    const [message, fix] = SYNTAX_FIXES[error.code] ?? fallback;
    const span = error.code === 'DUPLICATE_KEY' ? wordAt(source.text, start) : { start, end };
    return at(source, span, message, fix);
  });
}

/** The quoted text that runs on to `offset`. */
function quoteBefore({ doc }: YamlSource, offset: number): Span | null {
  let found: Span | null = null;
  visit(doc, {
    Scalar(_, { type, range }) {
      const quoted = type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE';
      if (quoted && range !== undefined && range !== null && range[0] < offset)
        found = { start: range[0], end: range[1] };
    },
  });
  return found;
}

function wordAt(text: string, start: number): Span {
  const word = /^[^\s:]+/.exec(text.slice(start))?.[0] ?? '';
  return { start, end: start + word.length };
}

function strictProblems(source: YamlSource): readonly Problem[] {
  const problems: Problem[] = [];
  visit(source.doc, (_, node) => {
    const finding = isPair(node) ? keyFinding(node) : isNode(node) ? nodeFinding(node) : undefined;
    if (finding === undefined) return undefined;
    const range = finding.node.range ?? [0, 0, 0];
    problems.push(at(source, { start: range[0], end: range[1] }, finding.message, finding.fix));
    // What stands below would only repeat the same mistake.
    return visit.SKIP;
  });
  return problems;
}

interface Finding {
  readonly node: Node;
  readonly message: string;
  readonly fix: string;
}

function keyFinding(pair: Pair): Finding | undefined {
  const { key } = pair;
  if (!isNode(key)) return undefined;
  if (isMap(key))
    return {
      node: key,
      message: 'a key cannot be a map',
      fix: "put a template in quotes: '{{ labels.name }}'",
    };
  if (!isScalar(key)) return { node: key, message: 'a key must be a text', fix: 'write a name' };
  if (key.value === '__proto__' || key.value === '<<')
    return { node: key, message: `the key "${key.value}" is not taken`, fix: 'write the keys out' };
  if (typeof key.value === 'string') return undefined;
  return {
    node: key,
    message: 'a key must be a text',
    fix: `put it in quotes: '${String(key.source)}'`,
  };
}

function nodeFinding(node: Node): Finding | undefined {
  if (isAlias(node) || node.anchor !== undefined)
    return { node, message: 'anchors and aliases are not taken', fix: 'write the value out' };
  const value = isScalar(node) ? node.value : null;
  if (isMap(node) && node.flow === true && node.items.some((pair) => isMap(pair.key)))
    return { node, message: 'a template needs quotes in YAML', fix: "write '{{ labels.name }}'" };
  if (typeof value !== 'number') return undefined;
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
    return {
      node,
      message: 'this number is too large to keep its digits',
      fix: 'put it in quotes',
    };
  return undefined;
}

/* ---------------------------------------------------------------- nesting */

/**
 * Indicators in a row on one line, which no reader would write. Measured: 30,000 times `? ` keep the
 * parser busy for five minutes; 800 for 25 ms.
 */
const INDICATORS_IN_A_ROW = /(?:[?-][ \t]+){100}/;

/** The parsed document; undefined when it nests deeper than the parser's stack goes. */
function parseNested(text: string, lineCounter: LineCounter): Document | undefined {
  if (INDICATORS_IN_A_ROW.test(text)) return undefined;
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error' });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
