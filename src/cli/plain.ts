/**
 * Labels and messages come from elsewhere: what others sent must not steer the terminal, nor turn round
 * the order in which a command is read. Line breaks stay.
 */
export function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g, '?');
}

/** The same on one line: a label's line break must not make a line of its own. */
export function oneLine(text: string): string {
  return plain(text).replaceAll('\n', ' ');
}
