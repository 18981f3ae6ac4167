/** Columns a tab takes when a source line is shown: tabs become this many spaces. */
const TAB = '    ';
/** Takes no column of its own: combining marks, joiners, variation selectors. */
const ZERO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
/**
 * Takes two columns on a terminal: East Asian Wide and Fullwidth (Unicode UAX #11, the large blocks)
 * and characters that show as emoji by default.
 */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;
/** Control characters could move the cursor or colour the terminal of whoever reads the message. */
const CONTROL = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Columns that `text` takes on a terminal. */
export function displayWidth(text: string): number {
  let columns = 0;
  for (const char of text) columns += charWidth(char);
  return columns;
}

/** The text with tabs as spaces and every other control character as U+FFFD. */
export function printable(text: string): string {
  return text.replaceAll('\t', TAB).replace(CONTROL, '\ufffd');
}

function charWidth(char: string): number {
  if (ZERO_WIDTH.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}
