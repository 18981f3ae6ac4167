/**
 * Texts that a regular expression may fit, for a test alert. It reads what rules use (alternatives, groups,
 * classes, repetition) and no more: whoever asks tries each text with the real matcher, and knows what to do
 * when none fits.
 */

/** Texts that are tried. */
const SAMPLES_MAX = 60;
/** Times that something is written for `{n,}`, and brackets within brackets. */
const REPEATS_MAX = 50;
const DEPTH_MAX = 50;
/** Tried where anything may stand; a word that nobody takes for a real one comes first. */
const ANY = ['test', 'x', '1', '0'];
const ANY_CHAR = ['x', '1', '0'];
const CANDIDATES = ['x', 'a', '0', 'A', '1', '_', '-', '.', ' ', ':', '/'];

class Unknown extends Error {}

interface Reader {
  readonly text: string;
  at: number;
  depth: number;
}

/** At most {@link SAMPLES_MAX} texts, likely ones first; none where the expression is beyond what is read. */
export function samplesOf(pattern: string): readonly string[] {
  const reader = { text: pattern, at: 0, depth: 0 };
  try {
    const found = alternatives(reader);
    return reader.at === pattern.length ? [...new Set(found)] : [];
  } catch (error) {
    if (error instanceof Unknown) return [];
    throw error;
  }
}

function alternatives(reader: Reader): readonly string[] {
  if ((reader.depth += 1) > DEPTH_MAX) throw new Unknown();
  const found = [sequence(reader)];
  while (reader.text[reader.at] === '|') {
    reader.at += 1;
    found.push(sequence(reader));
  }
  reader.depth -= 1;
  return interleaved(found);
}

/** The first of each, then the second of each: every alternative has its turn before the limit. */
function interleaved(lists: readonly (readonly string[])[]): readonly string[] {
  const found: string[] = [];
  const longest = Math.max(...lists.map((list) => list.length));
  for (let at = 0; at < longest && found.length < SAMPLES_MAX; at += 1)
    for (const list of lists) if (at < list.length) found.push(list[at] ?? '');
  return found.slice(0, SAMPLES_MAX);
}

function sequence(reader: Reader): readonly string[] {
  let found: readonly string[] = [''];
  for (;;) {
    const char = reader.text[reader.at];
    if (char === undefined || char === '|' || char === ')') return found;
    const next = repeated(reader, atom(reader));
    found = next.flatMap((end) => found.map((begin) => begin + end)).slice(0, SAMPLES_MAX);
  }
}

function atom(reader: Reader): readonly string[] {
  const char = reader.text[reader.at] ?? '';
  reader.at += 1;
  if (char === '(') return group(reader);
  if (char === '[') return charClass(reader);
  if (char === '\\') return escaped(reader);
  if (char === '.') return /[*+]/.test(reader.text[reader.at] ?? '') ? ANY : ANY_CHAR;
  // Matched from start to end, both say nothing new.
  if (char === '^' || char === '$') return [''];
  if ('*+?'.includes(char)) throw new Unknown();
  return [String.fromCodePoint(...codePointAt(reader, char))];
}

/** A character of two UTF-16 units is one. */
function codePointAt(reader: Reader, char: string): readonly number[] {
  const code = reader.text.codePointAt(reader.at - 1) ?? 0;
  if (code > 0xffff) reader.at += 1;
  return char === '' ? [] : [code];
}

function group(reader: Reader): readonly string[] {
  const head = /^\?(?:P?<\w+>|[ims]*:|[ims]+\))/.exec(reader.text.slice(reader.at))?.[0] ?? '';
  if (head === '' && reader.text[reader.at] === '?') throw new Unknown();
  reader.at += head.length;
  if (head.endsWith(')')) return [''];
  const found = alternatives(reader);
  if (reader.text[reader.at] !== ')') throw new Unknown();
  reader.at += 1;
  return found;
}

function charClass(reader: Reader): readonly string[] {
  const found = /^\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]/su.exec(reader.text.slice(reader.at))?.[0];
  if (found === undefined) throw new Unknown();
  reader.at += found.length;
  const inner = found.slice(0, -1);
  const named = /\[:(\^?\w+):\]/.exec(inner)?.[1];
  if (named !== undefined) return inner.startsWith('^') ? CANDIDATES : posix(named);
  const fits = oneOf(`[${inner}]`);
  const first = /^(?:\\(.)|([^^]))/su.exec(inner);
  const own = first?.[1] === undefined ? [first?.[2] ?? ''] : (CLASSES[first[1]] ?? [first[1]]);
  return [...own, ...CANDIDATES].filter((text) => fits.test(text));
}

/** A class alone is the same to JavaScript, and takes no time. */
function oneOf(text: string): RegExp {
  try {
    return new RegExp(`^${text}$`, 'su');
  } catch {
    throw new Unknown();
  }
}

function posix(name: string): readonly string[] {
  if (name.startsWith('^')) throw new Unknown();
  return [POSIX[name] ?? 'a'];
}
const POSIX: Readonly<Record<string, string>> = {
  digit: '0',
  space: ' ',
  blank: ' ',
  punct: '-',
  upper: 'A',
};

function escaped(reader: Reader): readonly string[] {
  const char = reader.text[reader.at] ?? '';
  reader.at += 1;
  return classOf(char);
}

function classOf(char: string): readonly string[] {
  const known = CLASSES[char];
  if (known !== undefined) return known;
  if (/[A-Za-z0-9]/.test(char) || char === '') throw new Unknown();
  return [char];
}
const CLASSES: Readonly<Record<string, readonly string[]>> = {
  d: ['0'],
  w: ['x', '0'],
  s: [' '],
  D: ['x'],
  W: ['-', ' '],
  S: ['x', '0'],
  n: ['\n'],
  t: ['\t'],
  A: [''],
  z: [''],
};

function repeated(reader: Reader, once: readonly string[]): readonly string[] {
  const rest = reader.text.slice(reader.at);
  const found = /^(?:([*+?])|\{(\d+)(,(\d*))?\})\??/.exec(rest);
  if (found === null) return once;
  reader.at += found[0].length;
  const [, sign, count] = found;
  const none = sign === '*' || sign === '?' || Number(count) === 0;
  const times = count === undefined ? 1 : Math.max(1, Number(count));
  if (times > REPEATS_MAX) throw new Unknown();
  const written = once.map((text) => text.repeat(times));
  return none ? [...written, ''] : written;
}
