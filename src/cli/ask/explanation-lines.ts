import { displayWidth } from '../../core/rules/display-width.ts';
import { oneLine } from '../plain.ts';

/** Columns of a terminal that a line takes at most: what alerts say may be long. */
export const WIDTH = 100;
/** Characters of one text that are shown; `--json` has all of it. */
const SAID_CHARS = 1_000;

/** The least room that a text gets beside a long name. */
const ROOM_MIN = 40;

/** `lead` and then `text`, in lines of at most WIDTH columns; those that follow begin where the text does. */
export function wrapped(lead: string, text: string): readonly string[] {
  const room = Math.max(ROOM_MIN, WIDTH - displayWidth(lead));
  const [first = '', ...rest] = brokenAt(room, cut(oneLine(text)));
  const hang = ' '.repeat(displayWidth(lead));
  return [`${lead}${first}`.trimEnd(), ...rest.map((line) => `${hang}${line}`)];
}

/** The same for a sentence: the lines that follow are indented. */
export function sentence(text: string): readonly string[] {
  const [first = '', ...rest] = brokenAt(WIDTH - 4, cut(oneLine(text)));
  return [first, ...rest.map((line) => `    ${line}`)];
}

function cut(text: string): string {
  const more = text.length - SAID_CHARS;
  if (more <= 0) return text;
  return `${text.slice(0, SAID_CHARS).toWellFormed()}... (${more} characters more: --json)`;
}

/** Broken between words; a word that is longer than a line is broken where the line ends. */
function brokenAt(room: number, text: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => pieces(each, room))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (displayWidth(longer) <= room) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = word;
  }
  return [...lines, line];
}

function pieces(word: string, room: number): readonly string[] {
  if (displayWidth(word) <= room) return [word];
  const found: string[] = [];
  let piece = '';
  for (const char of word) {
    if (displayWidth(piece + char) > room) {
      found.push(piece);
      piece = '';
    }
    piece += char;
  }
  return [...found, piece];
}

/** A row for each name with what is said of it, the names below each other. */
export function rows(
  of: readonly (readonly [name: string, said: string])[],
  indent: string,
): readonly string[] {
  const names = of.map(([name]) => oneLine(name));
  const width = Math.max(0, ...names.map(displayWidth));
  return of.flatMap(([, said], at) => {
    const name = names[at] ?? '';
    return wrapped(`${indent}${name}${' '.repeat(width - displayWidth(name))}  `, said);
  });
}
