import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  parseDocument,
  visit,
} from 'yaml';
import type { Problem } from './diagnostic.ts';
import type { Json } from '../json.ts';
import { problemAtSpan, problemOfFile, type Span, type YamlSource } from './yaml-source.ts';

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

/**
 * The same for a file of several documents, each after `---`: one source a document, with the places of the
 * whole file. Empty documents are left out; all problems of all documents are told.
 */
export function parseYamlDocuments(
  file: string,
  text: string,
): { readonly sources: readonly YamlSource[]; readonly problems: readonly Problem[] } {
  const lines = new LineCounter();
  const docs = unlessTooDeep(text, () =>
    parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' }),
  );
  if (docs === undefined)
    return {
      sources: [],
      problems: [problemOfFile(file, 'this is nested too deep', 'flatten it')],
    };
  // No document at all comes as an empty list with a type of its own.
  const drafts = [...docs]
    .filter(({ contents, errors }) => !isEmpty(contents) || errors.length > 0)
    .map((doc): YamlSource => ({ file, text, doc, lines, value: null }));
  const problems = drafts.flatMap((draft) => {
    const syntax = syntaxProblems(draft);
    return syntax.length > 0 ? syntax : strictProblems(draft);
  });
  if (problems.length > 0) return { sources: [], problems };
  return {
    sources: drafts.map((draft) => ({ ...draft, value: draft.doc.toJS() as Json })),
    problems,
  };
}

function isEmpty(contents: Node | null): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
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
      return problemAtSpan(source, opening, 'the quote that begins here is not closed', 'close it');
    const fallback = [`this is not YAML: ${error.message}`, 'correct the line'] as const;
    const [message, fix] = SYNTAX_FIXES[error.code] ?? fallback;
    const span = error.code === 'DUPLICATE_KEY' ? wordAt(source.text, start) : { start, end };
    return problemAtSpan(source, span, message, fix);
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
    problems.push(
      problemAtSpan(source, { start: range[0], end: range[1] }, finding.message, finding.fix),
    );
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
  return unlessTooDeep(text, () =>
    parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error' }),
  );
}

function unlessTooDeep<T>(text: string, parse: () => T): T | undefined {
  if (INDICATORS_IN_A_ROW.test(text)) return undefined;
  try {
    return parse();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
