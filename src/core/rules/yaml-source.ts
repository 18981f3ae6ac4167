import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
} from 'yaml';
import type { Problem } from './diagnostic.ts';
import type { Json, JsonObject } from '../json.ts';
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
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A problem at the value of `path`; where that is absent, at the nearest key above it. */
export function problemAt(source: YamlSource, path: Path, message: string, fix: string): Problem {
  return problemAtSpan(source, valueSpan(source, path) ?? aboveSpan(source, path), message, fix);
}

/** A problem at the key that ends `path`. */
export function problemAtKey(
  source: YamlSource,
  path: Path,
  message: string,
  fix: string,
): Problem {
  return problemAtSpan(source, keySpan(source, path) ?? aboveSpan(source, path), message, fix);
}

/** A problem within the text at `path`; the caret stands on the part where the file has it verbatim. */
export function problemIn(source: YamlSource, path: Path, found: Omit<TextProblem, 'ok'>): Problem {
  const node = nodeAt(source, path);
  const whole = valueSpan(source, path);
  if (whole === undefined || !isScalar(node) || typeof node.value !== 'string')
    return problemAt(source, path, found.message, found.fix);
  const span = partSpan(source.text, whole, node.value, found) ?? whole;
  return problemAtSpan(source, span, found.message, found.fix);
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

/** A problem at a place in the file; the carets stay within one line. */
export function problemAtSpan(
  { file, text, lines }: YamlSource,
  span: Span,
  message: string,
  fix: string,
): Problem {
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
